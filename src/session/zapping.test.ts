import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FakeEngine, playback } from '../../test/support/fake-engines.ts';
import { house, media, refusal, watch } from '../../test/support/session-house.ts';
import { AcemuxError } from '../base/reasons.ts';

const ZAPS = 20;
const ZAP_MS = 3_000;

function nameOf(zap: number): string {
  return zap.toString(16).padStart(40, '7');
}

function unwatched({ directory }: ReturnType<typeof house>): number {
  return directory.list().filter(({ clientCount }) => clientCount === 0).length;
}

test('invariant 5: 20 zaps in 60 s leave at most 2 sessions without clients, and every start was stopped', async () => {
  const engine = new FakeEngine('one', async ({ hash }) => playback({ infohash: hash }));
  const rig = house(engine);
  for (let zap = 0; zap < ZAPS; zap++) {
    const attachment = await watch(rig, engine, { hash: nameOf(zap) });
    await rig.clock.advance(ZAP_MS);
    attachment.leave('client_left');
    // Beside the two that linger: those that were left within the last 10 s.
    assert.ok(unwatched(rig) <= 2 + Math.ceil(10_000 / ZAP_MS), `${unwatched(rig)} after ${zap + 1} zaps`);
  }
  assert.equal(rig.clock.nowMs(), 60_000);
  await rig.clock.advance(10_000);
  assert.equal(unwatched(rig), 2);
  assert.equal(engine.slotsTaken, 2);
  assert.deepEqual(
    rig.directory.list().map(({ streamId }) => streamId),
    [nameOf(18), nameOf(19)],
    'those left last',
  );
  await rig.clock.advance(300_000);
  assert.deepEqual(rig.directory.list(), []);
  assert.equal(engine.starts.length, ZAPS);
  assert.deepEqual(engine.stopped, engine.opened);
  assert.equal(engine.slotsTaken, 0);
  assert.equal(rig.clock.pendingTimers, 0);
});

test('invariant 5: whoever zaps on before anything has come leaves nothing at all', async () => {
  const engine = new FakeEngine('one', async ({ hash }) => playback({ infohash: hash }));
  const rig = house(engine);
  for (let zap = 0; zap < ZAPS; zap++) {
    const leaving = new AbortController();
    const joining = refusal(rig.join({ hash: nameOf(zap) }, leaving.signal));
    await rig.clock.advance(ZAP_MS);
    leaving.abort(new AcemuxError('client_left'));
    assert.equal(await joining, 'client_left');
    // A start goes on for 5 s after the last one who waited for it.
    assert.ok(unwatched(rig) <= 2, `${unwatched(rig)} after ${zap + 1} zaps`);
  }
  await rig.clock.advance(5_000);
  assert.deepEqual(rig.directory.list(), []);
  assert.equal(engine.starts.length, ZAPS);
  assert.deepEqual(engine.stopped, engine.opened);
  assert.equal(engine.slotsTaken, 0);
  assert.equal(rig.clock.pendingTimers, 0);
});

test('a stream that starts while everybody has zapped on lingers like any other, and is stopped', async () => {
  const engine = new FakeEngine('one', async ({ hash }) => playback({ infohash: hash }));
  const rig = house(engine);
  const leaving = new AbortController();
  const joining = refusal(rig.join({}, leaving.signal));
  await rig.clock.advance(0);
  leaving.abort(new AcemuxError('client_left'));
  await joining;
  engine.media.at(-1)?.push(media(0, 3));
  await rig.clock.advance(0);
  assert.equal(rig.directory.list()[0]?.state, 'lingering');
  await rig.clock.advance(300_000);
  assert.deepEqual(engine.stopped, engine.opened);
  assert.equal(rig.clock.pendingTimers, 0);
});
