/** How long which silence is borne, and what ends viewers at last: minutes of it, on a clock turned by hand. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isScrambled, PACKET_BYTES } from '../../src/mpegts/packet.ts';
import { Channels } from '../support/channels.ts';
import { assertNothingLost, assertUnbroken } from '../support/continuity-check.ts';
import { PacedPlayer } from '../support/paced-player.ts';
import { RestlessEngine } from '../support/restless-engines.ts';
import { directoryLimits, houseWith } from '../support/session-house.ts';

const STEP_MS = 200;
const channels = new Channels(1_000_000);
const { broadcast } = channels.channel('test-pattern');
const onAir = { broadcast, other: channels.channel('hevc').broadcast, shift90: 0 };
const STEP_BYTES = broadcast.packetsOnAir(STEP_MS) * 188;
const CHOICE = { lagMs: 0, burstMs: 20_000, startMs: 0, isRemuxed: false, strayEvery: 0 };

/** So many engines, and a viewer that watches from the start; `run` lets time pass. */
async function watched(engineCount: number, retryBudgetMs = directoryLimits.retryBudgetMs) {
  const rig = houseWith({ retryBudgetMs });
  const engines = Array.from(
    { length: engineCount },
    (_, index) => new RestlessEngine(`engine-${index}`, onAir, rig.clock, CHOICE),
  );
  rig.source.engines.push(...engines.map(({ fake }) => fake));
  const players: PacedPlayer[] = [];
  const join = (): void => {
    void rig.join().then((attachment) => players.push(new PacedPlayer(attachment, STEP_BYTES)));
  };
  const run = async (forMs: number): Promise<void> => {
    for (let ms = 0; ms < forMs; ms += STEP_MS) {
      for (const engine of engines) engine.step();
      await rig.clock.advance(STEP_MS);
      for (const player of players) player.step(8);
    }
  };
  const stop = async (): Promise<void> => {
    const stopped = rig.directory.stop('shutdown');
    await rig.clock.advance(10_000);
    await stopped;
    assert.equal(rig.clock.pendingTimers, 0);
    for (const { fake, wrongs } of engines) {
      assert.deepEqual(wrongs, []);
      assert.equal(fake.stopped.length, fake.opened.length, 'each start is stopped');
    }
  };
  const starts = (): number[] => engines.map(({ fake }) => fake.starts.length);
  join();
  await run(10_000);
  return { ...rig, engines, players, join, run, stop, starts };
}

function hasScrambled(capture: Buffer): boolean {
  for (let at = 0; at + PACKET_BYTES <= capture.length; at += PACKET_BYTES)
    if (isScrambled(capture, at)) return true;
  return false;
}

test('with one engine, gaps of 4, 8 and 12 s cause no restart', async () => {
  const { engines, players, run, stop, starts } = await watched(1);
  for (const forMs of [4_000, 8_000, 12_000]) {
    engines[0]?.begin({ kind: 'silence', forMs });
    await run(forMs + 10_000);
    assert.deepEqual(starts(), [1], `${forMs} ms`);
  }
  engines[0]?.begin({ kind: 'silence', forMs: 16_000 });
  await run(20_000);
  assert.deepEqual(starts(), [2], 'a gap of 16 s does');
  assert.deepEqual(players[0]?.ended, []);
  await stop();
  assert.equal(assertUnbroken(players[0]?.capture ?? Buffer.alloc(0)).breaks.size, 0);
});

for (const { kind, what, passesMs } of [
  // A fifth of what 20 s should bring is missing after 5 s of it.
  { kind: 'dribble', what: 'is slower than the stream plays', passesMs: 4_000 },
  { kind: 'damage', what: 'loses many packets', passesMs: 400 },
] as const) {
  test(`an engine that ${what} is left for another one when that lasts, and it goes on at its own pace`, async () => {
    const { engines, players, run, stop, starts } = await watched(2);
    engines[0]?.begin({ kind, forMs: 600_000 });
    await run(passesMs);
    assert.deepEqual(starts(), [1, 0], 'it may pass');
    await run(15_000);
    assert.deepEqual(starts(), [1, 1]);
    const before = players[0]?.capture.length ?? 0;
    await run(5_000);
    const { capture = Buffer.alloc(0), ended } = players[0] ?? {};
    assert.ok(capture.length - before > 4 * 5 * STEP_BYTES);
    assert.deepEqual(ended, []);
    await stop();
    if (kind === 'dribble') assertNothingLost(capture, broadcast);
  });
}

test('two engines silent on one infohash: no third one is asked, and rounds have pauses between them', async () => {
  const { clock, engines, players, run, stop, starts, observer } = await watched(3);
  const asked: number[] = [];
  for (const { fake } of engines) {
    const { onStart } = fake;
    fake.onStart = (selector) => {
      asked.push(clock.nowMs());
      return onStart(selector);
    };
  }
  for (const engine of engines) engine.begin({ kind: 'silence', forMs: 60_000 });
  await run(40_000);
  assert.deepEqual(starts().slice(1), [1, 0], 'the second one, and no third');
  await run(18_000);
  assert.equal(starts()[2], 0);
  assert.ok(observer.events.some((event) => /attempt failed: (no_media|zero_peers)/.test(event)));
  const [first = 0, second = 0] = asked;
  assert.ok(
    second - first > 30_000,
    `${second - first} ms between two rounds: EMPTY_STREAM_TIMEOUT, and a pause`,
  );
  assert.ok(asked.length <= 3);
  assert.deepEqual(players[0]?.ended, []);
  await run(40_000);
  await stop();
  assert.ok((players[0]?.capture.length ?? 0) > 40 * 5 * STEP_BYTES, 'and it goes on when they are back');
});

test('a broadcast that every engine has scrambled ends all viewers together, and says so', async () => {
  const { engines, players, join, run, stop } = await watched(2);
  join();
  await run(5_000);
  for (const engine of engines) engine.begin({ kind: 'scrambled', forMs: 600_000 });
  await run(100_000);
  assert.deepEqual(
    players.map(({ ended }) => ended),
    [[], []],
    'it may be clear again',
  );
  await run(30_000);
  assert.deepEqual(
    players.map(({ ended }) => ended),
    [['content_scrambled'], ['content_scrambled']],
  );
  await stop();
  for (const { capture } of players) assertUnbroken(capture);
  assert.ok(!players.some(({ capture }) => hasScrambled(capture)), 'nobody got what nobody can watch');
});

test('one engine that has it scrambled is left for one that has not', async () => {
  const { engines, players, run, stop, starts } = await watched(2);
  engines[0]?.begin({ kind: 'scrambled', forMs: 600_000 });
  await run(20_000);
  assert.deepEqual(starts(), [1, 1]);
  await stop();
  assertUnbroken(players[0]?.capture ?? Buffer.alloc(0));
  assert.ok(!players.some(({ capture }) => hasScrambled(capture)), 'nobody got what nobody can watch');
  assert.ok((players[0]?.capture.length ?? 0) > 25 * 5 * STEP_BYTES);
});

test('all engines dead for ten minutes and back: a budget that covers it keeps every viewer, those who joined meanwhile too', async () => {
  const { engines, players, join, run, stop } = await watched(2, 900_000);
  const dieAll = (): void => {
    for (const engine of engines) {
      engine.begin({ kind: 'reset' });
      engine.begin({ kind: 'refuse', forMs: 600_000 });
    }
  };
  dieAll();
  await run(300_000);
  join();
  await run(300_000);
  assert.equal(players.length, 2, 'who joins meanwhile is let in');
  const before = players.map(({ capture }) => capture.length);
  await run(40_000);
  await stop();
  for (const [index, { ended, capture }] of players.entries()) {
    assert.deepEqual(ended, ['shutdown']);
    assert.ok(capture.length - (before[index] ?? 0) > 10 * 5 * STEP_BYTES, 'it goes on');
    assertUnbroken(capture);
  }
});

test('the same with a budget that does not cover it ends every viewer together, with the reason', async () => {
  const { engines, players, join, run, stop } = await watched(2);
  join();
  await run(5_000);
  for (const engine of engines) {
    engine.begin({ kind: 'reset' });
    engine.begin({ kind: 'refuse', forMs: 600_000 });
  }
  await run(119_000);
  assert.deepEqual(
    players.map(({ ended }) => ended),
    [[], []],
  );
  await run(2_000);
  assert.deepEqual(
    players.map(({ ended }) => ended),
    [['retry_budget_spent'], ['retry_budget_spent']],
  );
  await stop();
});
