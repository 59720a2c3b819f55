import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { judgePort, newPortRecord, PORT_TIMES, type PortRecord } from './forwarded-port.ts';

const LOOK_MS = 5_000;

/** What is believed after these looks, five seconds apart, and all that was believed on the way. */
function follow(looks: readonly (number | undefined)[], everyMs = LOOK_MS) {
  let record: PortRecord = newPortRecord(0);
  const believed: (number | undefined)[] = [];
  looks.forEach((seen, index) => {
    const before = record.port;
    record = judgePort(record, seen, (index + 1) * everyMs);
    if (record.port !== before) believed.push(record.port);
  });
  return { record, believed };
}

const times = (count: number, port: number | undefined): (number | undefined)[] =>
  Array.from({ length: count }, () => port);

test('fault 24: a port that comes after twenty seconds is believed once it was seen twice', () => {
  assert.deepEqual(follow([...times(4, undefined), 40_001]).believed, []);
  const { record, believed } = follow([...times(4, undefined), ...times(10, 40_001)]);
  assert.deepEqual(believed, [40_001]);
  assert.equal(record.sinceMs, 30_000);
});

test('fault 25: another port is believed once it has held for thirty seconds', () => {
  const first = times(4, 40_001);
  assert.deepEqual(follow([...first, ...times(6, 40_002)]).believed, [40_001]);
  assert.deepEqual(follow([...first, ...times(7, 40_002)]).believed, [40_001, 40_002]);
});

test('fault 26: one that flaps every ten seconds for five minutes stays what it was', () => {
  const flapping = Array.from({ length: 60 }, (_, look) =>
    Math.floor(look / 2) % 2 === 0 ? 40_001 : 40_002,
  );
  assert.deepEqual(follow(flapping).believed, [40_001]);
  const everNew = Array.from({ length: 60 }, (_, look) => 40_001 + Math.floor(look / 2));
  assert.equal(follow(everNew).believed.length, 1);
});

test('fault 26: however it flaps, it changes at most four times in five minutes, and nine times in an hour', () => {
  const weather = fc.array(
    fc.record({
      port: fc.constantFrom(undefined, 40_001, 40_002, 40_003),
      looks: fc.integer({ min: 1, max: 40 }),
    }),
    { minLength: 1, maxLength: 200 },
  );
  fc.assert(
    fc.property(weather, (spells) => {
      let record: PortRecord = newPortRecord(0);
      const changesMs: number[] = [];
      let nowMs = 0;
      for (const { port, looks } of spells) {
        for (let look = 0; look < looks; look++) {
          nowMs += LOOK_MS;
          const before = record.port;
          record = judgePort(record, port, nowMs);
          if (record.port !== before && record.port !== undefined) changesMs.push(nowMs);
        }
      }
      for (const atMs of changesMs) {
        const within = (ms: number): number =>
          changesMs.filter((each) => each > atMs - ms && each <= atMs).length;
        assert.ok(within(300_000) <= 4, `${within(300_000)} in five minutes`);
        assert.ok(within(3_600_000) <= 9, `${within(3_600_000)} in an hour`);
      }
    }),
    { numRuns: 300 },
  );
});

test('a port that is gone for a while, as in a reconnection, is still the one', () => {
  const outage = PORT_TIMES.lossMs / LOOK_MS;
  const first = times(3, 40_001);
  assert.deepEqual(follow([...first, ...times(outage, undefined), 40_001]).believed, [40_001]);
  assert.deepEqual(follow([...first, ...times(outage + 1, undefined)]).believed, [40_001, undefined]);
});

test('fault 35: of a provider without forwarding nothing is ever believed', () => {
  assert.deepEqual(follow(times(500, undefined)).believed, []);
});
