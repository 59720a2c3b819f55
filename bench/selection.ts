// npm run bench:selection [-- ENGINES [STREAMS]]
// What choosing an engine costs: 50 engines with 300 streams on them, behind two VPNs; and what planning the fleet costs, of the
// same size. In the same run, the limit: a loop over the engines that does nothing but read what is looked at.

import { systemClock } from '../src/base/clock.ts';
import { EngineRecord } from '../src/fleet/engine-record.ts';
import { Suspicion } from '../src/fleet/health/suspicion.ts';
import { Place } from '../src/fleet/place.ts';
import { plan } from '../src/fleet/reconciler/plan.ts';
import { EMPTY_MEMORY, type EngineView } from '../src/fleet/reconciler/plan-types.ts';
import { chooseEngine, explainChoice } from '../src/fleet/selection.ts';
import { FakeEngineClient, observedEngine, placeFor } from '../test/support/fake-fleet.ts';
import { RULES } from '../test/support/fleet-world.ts';

const [engineCount = 50, streamCount = 300] = process.argv.slice(2).map(Number);
/** Microseconds that one choice may take. */
const BAR = 50;
const RUNS = 20_000;

const suspicion = new Suspicion();
const engines = Array.from({ length: engineCount }, (_, number) => {
  const observed = observedEngine(number, { vpn: number % 2 === 0 ? 'one' : 'two', forwarded: number < 2 });
  const record = new EngineRecord(observed, {
    provider: 'docker',
    pool: 'docker',
    isCreated: true,
    client: new FakeEngineClient(observed.address),
    clock: systemClock,
    suspicion,
    vpnStateOf: () => 'ok',
    startupTimeoutMs: 25_000,
  });
  record.api = { kind: 'well', missesInARow: 0, hitsInARow: 1 };
  return record;
});
for (let stream = 0; stream < streamCount; stream++) {
  const place = new Place(placeFor(stream).infohash);
  place.noteDelivered(systemClock.nowMs());
  engines[stream % engineCount]?.places.add(place);
}
for (const [number, engine] of engines.entries()) {
  for (let failure = 0; failure < number % 12; failure++) {
    engine.count({ ok: false, reason: 'engine_broken', hadPlayed: false }, 0, true);
  }
}
const rules = { maxStreamsPerEngine: 10, forwardedPreferredStreams: 3 };
const views = engines.map(
  (engine): EngineView => ({
    id: engine.id,
    pool: 'docker',
    condition: 'ready',
    unwellSinceMs: undefined,
    wasReady: true,
    streams: engine.streams,
    idleSinceMs: undefined,
    createdAtMs: 0,
    drainWhy: undefined,
    isRemoving: false,
    isManual: false,
    isCutOff: false,
    specHash: 'one',
    vpn: engine.vpn,
    forwardedPort: undefined,
    memoryBytes: undefined,
    isToRestart: false,
  }),
);
const fleet = {
  nowMs: 3_600_000,
  engines: views,
  creating: [],
  pools: [
    {
      name: 'docker',
      min: 0,
      max: 100,
      unreachable: undefined,
      specHash: 'one',
      vpns: ['one', 'two'],
      hostMemoryBytes: undefined,
      engineMemoryBytes: 0,
    },
  ],
  vpns: ['one', 'two'].map((name) => ({ name, state: 'ok' as const, sinceMs: 0, forwardedPort: undefined })),
  waiting: 3,
  requested: 0,
};

let sink = 0;
const measured = {
  choice: median(() => {
    sink += chooseEngine(engines, placeFor(streamCount + 1), rules).kind.length;
  }),
  explanation: median(() => {
    sink += explainChoice(engines, placeFor(streamCount + 1), rules).length;
  }),
  plan: median(() => {
    sink += plan(fleet, EMPTY_MEMORY, { ...RULES, max: 100, maxBehindVpn: 100 }).actions.length;
  }),
  limit: median(() => {
    for (const { streams, isUsable } of engines) sink += isUsable ? streams : 0;
  }),
};
for (const [name, microseconds] of Object.entries(measured)) {
  process.stdout.write(`${name}: ${microseconds.toFixed(1)} µs\n`);
}
process.stdout.write(
  `${engineCount} engines, ${streamCount} streams: a choice is ${(measured.choice / measured.limit).toFixed(1)} × reading them (bar: ${BAR} µs)\n`,
);
if (measured.choice > BAR || sink === 0) process.exitCode = 1;

/** Microseconds that one run takes, the median of nine rounds after one to warm up. */
function median(run: () => void): number {
  const rounds: number[] = [];
  for (let round = 0; round < 10; round++) {
    const beganMs = performance.now();
    for (let time = 0; time < RUNS / 10; time++) run();
    rounds.push(((performance.now() - beganMs) * 1_000) / (RUNS / 10));
  }
  return rounds.slice(1).sort((one, other) => one - other)[4]!;
}
