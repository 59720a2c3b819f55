import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FakeEngine } from '../../test/support/fake-engines.ts';
import { house, media, watch } from '../../test/support/session-house.ts';
import { AcemuxError } from '../base/reasons.ts';
import type { ViewerProgress } from './attachment.ts';
import { placeViewer } from './session-detail.ts';
import { StreamLimits } from './stream-limits.ts';

const PROGRESS: ViewerProgress = {
  output: 'ts',
  position: 0,
  bytesSent: 188,
  bytesPerSecond: 188,
  isBlocked: false,
  skips: 0,
  longestPauseMs: 0,
};

test('each attempt is told, how far it got and why it ended', async () => {
  const [broken, good] = [new FakeEngine('e1'), new FakeEngine('e2')];
  const rig = house(broken, good);
  const joining = rig.join();
  await rig.clock.advance(1_000);
  broken.media.at(-1)?.finish(new AcemuxError('source_failed'));
  await rig.clock.advance(0);
  await rig.clock.advance(500);
  good.media.at(-1)?.push(media(0, 3));
  await joining;
  const [session] = rig.directory.sessions;
  const attempts = session?.detail().attempts ?? [];
  assert.deepEqual(
    attempts.map(({ engine, overAfterMs, reason }) => [engine.id, overAfterMs, reason]),
    [
      ['e1', 1_000, 'source_failed'],
      ['e2', undefined, undefined],
    ],
  );
  assert.equal(attempts[0]?.firstByteAfterMs, undefined);
  assert.equal(attempts[1]?.deliveringAfterMs, attempts[1]?.firstByteAfterMs);
  await rig.directory.stop('shutdown');
});

test('a viewer is shown where it is, from the moment its output tells', async () => {
  const engine = new FakeEngine('e1');
  const rig = house(engine);
  const attachment = await watch(rig, engine);
  const [session] = rig.directory.sessions;
  assert.ok(session);
  assert.equal(session.detail().viewers[0]?.progress, undefined);
  const { head } = session.ring;
  attachment.showProgress?.(() => ({ ...PROGRESS, position: head }));
  assert.deepEqual([session.detail().viewers[0]?.lagBytes, session.detail().viewers[0]?.behindMs], [0, 0]);
  attachment.showProgress?.(() => ({ ...PROGRESS, position: head / 2 }));
  const behindMs = session.detail().viewers[0]?.behindMs ?? 0;
  assert.ok(Math.abs(behindMs - session.ring.mediaMsHeld / 2) < 400, `${behindMs}`);
  attachment.leave('client_left');
  assert.deepEqual(session.detail().viewers, []);
  await rig.directory.stop('shutdown');
});

test('who is where memory does not reach any more is in the past', async () => {
  const engine = new FakeEngine('e1');
  const rig = house(engine);
  const attachment = await watch(rig, engine);
  const [session] = rig.directory.sessions;
  assert.ok(session);
  attachment.showProgress?.(() => ({ ...PROGRESS, position: -188 }));
  const [viewer] = session.detail().viewers;
  assert.ok(viewer);
  assert.deepEqual([viewer.isInPast, viewer.behindMs], [true, undefined]);
  assert.equal(placeViewer({ ...viewer, progress: undefined }, session.ring).isInPast, false);
  await rig.directory.stop('shutdown');
});

test('a viewer that is expelled hears why, and nobody else does', async () => {
  const engine = new FakeEngine('e1');
  const rig = house(engine);
  const one = await watch(rig, engine);
  const other = await rig.join();
  const [session] = rig.directory.sessions;
  assert.equal(session?.viewers.expel(one.client?.id ?? '', 'kicked_by_operator'), true);
  assert.equal(one.expulsion?.reason.code, 'kicked_by_operator');
  assert.equal(other.expulsion?.aborted, false);
  assert.equal(session?.viewers.expel('nobody', 'kicked_by_operator'), false);
  await rig.directory.stop('shutdown');
});

test('what was set for one stream comes before what was set for all', () => {
  const limits = new StreamLimits({
    standby: 'off',
    standbyStreams: new Map(),
    bufferBytes: 64,
    bufferMs: 20_000,
    prebufferMs: 4_000,
    prebufferStreams: new Map([['a', 6_000]]),
  });
  assert.equal(limits.prebufferMs(['a']), 6_000);
  limits.change({ prebufferMs: 2_000 });
  limits.change({ bufferMs: 40_000 });
  assert.deepEqual(limits.buffer, { bufferBytes: 64, bufferMs: 40_000 });
  assert.equal(limits.prebufferMs(['a']), 2_000);
  assert.equal(limits.prebufferMs(['a'], 25_000), 25_000, 'a larger buffer allows a larger wish');
});

test('a smaller buffer lets go of what is too old with the next media', async () => {
  const engine = new FakeEngine('e1');
  const rig = house(engine);
  await watch(rig, engine);
  await rig.clock.advance(15_000);
  const [session] = rig.directory.sessions;
  assert.ok(session);
  const heldMs = session.ring.mediaMsHeld;
  session.change({ bufferMs: 5_000 });
  await rig.clock.advance(2_000);
  assert.ok(session.ring.mediaMsHeld < heldMs - 5_000, `${session.ring.mediaMsHeld} of ${heldMs}`);
  await rig.directory.stop('shutdown');
});

test('insurance begins, and ends, while a stream plays', async () => {
  const [engine, second] = [new FakeEngine('e1'), new FakeEngine('e2')];
  const rig = house(engine, second);
  await watch(rig, engine);
  const [session] = rig.directory.sessions;
  assert.ok(session);
  await rig.clock.advance(1_000);
  assert.equal(session.detail().standbyEngine, undefined);
  session.change({ standby: 'warm' });
  await rig.clock.advance(1_000);
  assert.equal(session.detail().standbyEngine, 'e2');
  session.change({ standby: 'off' });
  await rig.clock.advance(1_000);
  assert.equal(session.detail().standbyEngine, undefined);
  await rig.directory.stop('shutdown');
});

test('a move that finds no other engine leaves the stream where it is', async () => {
  const engine = new FakeEngine('e1');
  const rig = house(engine);
  const attachment = await watch(rig, engine);
  const [session] = rig.directory.sessions;
  session?.move(undefined);
  assert.throws(() => session?.move(undefined), { code: 'move_impossible' });
  await rig.clock.advance(5_000);
  assert.equal(session?.engineId, 'e1');
  assert.equal(attachment.expulsion?.aborted, false);
  assert.equal(session?.isActive, true);
  assert.doesNotThrow(() => session?.move(undefined));
  await rig.directory.stop('shutdown');
});
