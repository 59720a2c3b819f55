import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HlsStage } from '../../../test/support/hls-stage.ts';
import { AcemuxError, type ReasonCode } from '../../base/reasons.ts';
import { HlsStream } from './hls-stream.ts';
import { HlsViewer, type HlsViewerDeps } from './hls-viewer.ts';

const EXPIRY_MS = 30_000;

function rig(admit?: HlsViewerDeps['admit']) {
  const stage = new HlsStage();
  const { clock } = stage;
  const attachment = stage.attach({ address: '127.0.0.1', userAgent: undefined });
  const stream = new HlsStream({
    session: stage,
    name: 'name',
    segmentSeconds: 4,
    firstNumber: () => 1,
    clock,
    onEnded: () => {},
  });
  const gone: ReasonCode[] = [];
  const viewer = new HlsViewer({
    query: 'id=0',
    admit: admit ?? (async () => ({ attachment, stream })),
    expiryMs: () => EXPIRY_MS,
    clock,
    onGone: (_, reason) => void gone.push(reason),
  });
  return { attachment, clock, gone, stream, viewer };
}

test('a request that waits for the first segment keeps a viewer, however long that takes', async () => {
  const { clock, gone, viewer } = rig();
  const leaving = new AbortController();
  const asked = viewer.ask(leaving.signal);
  await clock.advance(2 * EXPIRY_MS);
  assert.deepEqual(gone, []);
  leaving.abort(new AcemuxError('client_left'));
  await assert.rejects(asked, { code: 'client_left' });
  // It has been let in: it may come back.
  await clock.advance(EXPIRY_MS - 1);
  assert.deepEqual(gone, []);
  await clock.advance(EXPIRY_MS);
  assert.deepEqual(gone, ['client_silent']);
  assert.equal(clock.pendingTimers, 0);
});

test('who is thrown out hears why, and leaves its session', async () => {
  const { attachment, clock, gone, viewer } = rig();
  const asked = viewer.ask(new AbortController().signal);
  await clock.advance(0);
  viewer.leave('shutdown');
  viewer.leave('idle');
  await assert.rejects(asked, { code: 'shutdown' });
  assert.deepEqual([gone, attachment.left], [['shutdown'], ['shutdown']]);
  assert.equal(clock.pendingTimers, 0);
});

test('who is let in too late leaves at once', async () => {
  const { promise, resolve } = Promise.withResolvers<Awaited<ReturnType<HlsViewerDeps['admit']>>>();
  const { attachment, clock, gone, stream, viewer } = rig(() => promise);
  const leaving = new AbortController();
  const asked = viewer.ask(leaving.signal);
  await clock.advance(0);
  leaving.abort(new AcemuxError('client_left'));
  await assert.rejects(asked, { code: 'client_left' });
  resolve({ attachment, stream });
  await clock.advance(0);
  assert.deepEqual([gone, attachment.left], [['client_left'], ['client_left']]);
  assert.equal(clock.pendingTimers, 0);
});
