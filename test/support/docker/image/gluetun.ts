// What a container of a simulated Gluetun runs. A test drives it over HTTP: GET and PUT /simulated/switches on its port.
//   SWITCHES               what it begins with, as JSON
//   TUNNEL_AFTER_SECONDS   its tunnel is up so long after its start (0.5), unless SWITCHES say how it is
// With `health` as its argument it is the container's health check, as Gluetun's own program is.
import { SimulatedGluetun } from '../../../../src/simulator/gluetun/simulated-gluetun.ts';

const PORT = 8000;

async function checkHealth(): Promise<never> {
  const { ok } = await fetch(`http://127.0.0.1:${PORT}/simulated/health`).catch(() => ({ ok: false }));
  process.exit(ok ? 0 : 1);
}

if (process.argv[2] === 'health') await checkHealth();
const { SWITCHES = '{}', TUNNEL_AFTER_SECONDS = '0.5' } = process.env;
const switches: unknown = JSON.parse(SWITCHES);
const gluetun = new SimulatedGluetun({ tunnel: 'starting', ...Object(switches) });
const isLeftAlone = gluetun.switches.tunnel === 'starting' && !SWITCHES.includes('"tunnel"');
const connecting = setTimeout(() => {
  if (gluetun.switches.tunnel === 'starting' && isLeftAlone) gluetun.switches.tunnel = 'running';
}, Number(TUNNEL_AFTER_SECONDS) * 1000);
for (const signal of ['SIGTERM', 'SIGINT']) {
  process.on(signal, () => {
    clearTimeout(connecting);
    void gluetun.stop().then(() => process.exit(0));
  });
}
await gluetun.start(PORT, '0.0.0.0');
process.stdout.write('simulated Gluetun: listening\n');
