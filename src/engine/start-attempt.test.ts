import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AcemuxError } from '../base/reasons.ts';
import { BackgroundStart } from './start-attempt.ts';
import type { Playback } from './types.ts';

const playback: Playback = {
  infohash: 'a'.repeat(40),
  isLive: true,
  isEncrypted: false,
  playbackSessionId: undefined,
  playbackUrl: new URL('http://127.0.0.1/r'),
  statUrl: new URL('http://127.0.0.1/stat'),
  commandUrl: new URL('http://127.0.0.1/cmd'),
};

function begin(): { request: PromiseWithResolvers<Playback>; stopped: Playback[]; start: BackgroundStart } {
  const request = Promise.withResolvers<Playback>();
  const stopped: Playback[] = [];
  const start = new BackgroundStart(request.promise, async (each) => {
    stopped.push(each);
  });
  return { request, stopped, start };
}

test('an abandoned start rejects at once, and what it opens later is stopped', async () => {
  const { request, stopped, start } = begin();
  const abandoned = start.abandon();
  await assert.rejects(start.playback, { code: 'abandoned' });
  assert.deepEqual(stopped, []);
  request.resolve(playback);
  await abandoned;
  assert.deepEqual(stopped, [playback]);
});

test('abandoning twice stops once', async () => {
  const { request, stopped, start } = begin();
  request.resolve(playback);
  await Promise.all([start.abandon(), start.abandon()]);
  await start.abandon();
  assert.equal(stopped.length, 1);
});

test('abandoning a start that has failed stops nothing and does not reject', async () => {
  const { request, stopped, start } = begin();
  request.reject(new AcemuxError('content_unknown'));
  await assert.rejects(start.playback, { code: 'content_unknown' });
  await start.abandon();
  assert.deepEqual(stopped, []);
});

test('abandoning after the playback was handed out stops it all the same', async () => {
  const { request, stopped, start } = begin();
  request.resolve(playback);
  assert.equal(await start.playback, playback);
  await start.abandon();
  assert.deepEqual(stopped, [playback]);
});
