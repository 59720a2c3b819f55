// Many simulated engines in one process, for npm run bench:fleet: `node bench/fleet-engines.ts COUNT`. It prints
// their addresses in one line, and runs until SIGTERM. Their media is as thin as the test pattern can be, and comes as a swarm's does, a
// piece of 64 KiB at a time: what is measured is not media.

import { loadClip } from '../src/simulator/clip.ts';
import { Delivery } from '../src/simulator/delivery.ts';
import { SimulatedEngine } from '../src/simulator/engine.ts';

const BITS_PER_SECOND = 700_000;
const PIECE_BYTES = 65_536;
const PIECE_MS = (PIECE_BYTES * 8_000) / BITS_PER_SECOND;

const clip = loadClip();
const engines = Array.from(
  { length: Number(process.argv[2]) },
  () =>
    new SimulatedEngine({
      clip,
      bitsPerSecond: BITS_PER_SECOND,
      delivery: new Delivery(Array.from({ length: 40 }, (_, piece) => [piece * PIECE_MS, PIECE_BYTES])),
      burst: { seconds: 1 },
      delays: { replyMs: 20, idleMs: 20, prebufMs: 200 },
    }),
);
await Promise.all(engines.map((engine) => engine.start()));
process.stdout.write(`engines: ${engines.map(({ host, port }) => `${host}:${port}`).join(',')}\n`);
process.on(
  'SIGTERM',
  () => void Promise.all(engines.map((engine) => engine.stop())).then(() => process.exit(0)),
);
