import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FarNetwork, whyNoFarNetwork } from '../support/far-network.ts';
import { startRig, until } from '../support/rig.ts';

const BOUND_MS = 30_000;

test('a peer that vanished without a FIN is gone within 30 s, however thin its stream; one that has only paused is not', {
  skip: whyNoFarNetwork(),
}, async (t) => {
  const network = FarNetwork.create(t);
  const rig = await startRig(t, {
    // A rate at which one who has paused waits for its socket before the others are found.
    engines: [{ burst: { seconds: 2 }, bitsPerSecond: 8_000_000 }],
    config: {
      server: { host: '0.0.0.0' },
      // Nobody is ended for being slow, nor for a start that takes long: only the vanished go.
      clients: { timeoutMs: 600_000, earlyHeadersAfterMs: 1_000 },
      streams: { emptyTimeoutMs: 120_000, startTimeoutMs: 120_000 },
    },
  });
  const [plays, falls, starts] = ['a', 'b', 'c'].map((digit) => `infohash=${digit.repeat(40)}`);
  const target = (digit: string) => ({ infohash: digit.repeat(40) });
  rig.engine.faults.set({ fault: { kind: 'hangMidStream', afterMs: 1_000 }, target: target('b') });
  rig.engine.faults.set({ fault: { kind: 'zeroPeers' }, target: target('c') });
  const paused = rig.watch(plays);
  await paused.received(1_000);
  paused.pause();
  await network.play(rig.app.port, [
    { query: `${plays}` }, // 8 Mb/s
    { query: `${falls}` }, // nothing but null packets
    { query: `${plays}`, readsBytes: 100_000 }, // does not read, and then vanishes
    { query: `${starts}` }, // waits behind early headers
    { query: `${starts}&early_headers=0&silent` }, // waits and has been sent nothing
  ]);
  await until(() => rig.app.sessions.clientCount === 6);
  network.vanish();
  const startMs = performance.now();
  const gone: string[] = [];
  for (let left = 6; left > 1; ) {
    const seconds = (performance.now() - startMs) / 1000;
    assert.ok(seconds * 1000 <= BOUND_MS, `after ${seconds} s there are still ${left - 1}; gone: ${gone}`);
    const { clientCount } = rig.app.sessions;
    for (; left > clientCount; left--) gone.push(`${seconds.toFixed(1)} s`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  t.diagnostic(`gone after ${gone.join(', ')}`);
  assert.equal(paused.ended, undefined);
  assert.match(
    await (await fetch(`${rig.url}/metrics`)).text(),
    /acemux_clients_ended_total\{reason="client_vanished"\} 3/,
  );
});
