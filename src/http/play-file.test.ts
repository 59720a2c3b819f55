import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AcemuxError } from '../base/reasons.ts';
import { FileListError } from '../engine/file-list.ts';
import { type OpenFile, UnsatisfiableRange } from '../session/recorded/recordings.ts';
import type { FileQuestion } from './deps.ts';
import { call, HASH, type Parts, startRig } from './testing/rig.ts';

const PATH = `/ace/getstream?id=${HASH}`;
const facts = { totalBytes: 8, type: 'video/mp4', takesRanges: true };

function file(): OpenFile {
  const bytes = async function* (): AsyncGenerator<Buffer> {
    yield Buffer.from('abcdefgh');
  };
  const head = { from: 0, end: 8, totalBytes: 8, isPartial: false };
  return { head, facts, reading: { bytes, close: () => {}, signal: new AbortController().signal } };
}

/** Whatever is asked for is recorded video. */
function recorded(
  open: Parts['files']['open'],
  factsOf: Parts['files']['factsOf'] = () => undefined,
): Partial<Parts> {
  const join = async (): Promise<never> => {
    throw new AcemuxError('vod_not_yet');
  };
  return { join, files: { open, factsOf } };
}

test('a stream that turns out to be recorded is answered as a file, or the part of it that is asked for', async (t) => {
  const asked: FileQuestion[] = [];
  const rig = await startRig(
    t,
    recorded(async (question) => {
      asked.push(question);
      return file();
    }),
  );
  const reply = await call(rig, PATH, { headers: { 'User-Agent': 'test' } });
  assert.deepEqual([reply.status, reply.text, reply.headers['content-type']], [200, 'abcdefgh', 'video/mp4']);
  await call(rig, `${PATH}&_idx=2&pid=x`, { headers: { Range: 'bytes=5-' } });
  await call(rig, PATH, { headers: { Range: 'bytes=5-', 'If-Range': '"x"' } });
  assert.deepEqual(
    asked.map(({ selector, span }) => [selector.parameters, span]),
    [
      [{}, undefined],
      [{ _idx: '2' }, { kind: 'from', from: 5 }],
      [{}, undefined],
    ],
  );
  assert.equal(asked[0]?.viewer.userAgent, 'test');
});

test('several files are a list of addresses, unless one was named', async (t) => {
  const files = [0, 1].map((index) => ({ index, name: `${index}`, mime: undefined, sizeBytes: 1 }));
  const rig = await startRig(
    t,
    recorded(async () => {
      throw new FileListError({ infohash: 'c'.repeat(40), files });
    }),
  );
  const reply = await call(rig, PATH);
  assert.deepEqual([reply.status, reply.headers['content-type']], [200, 'audio/x-mpegurl; charset=utf-8']);
  assert.match(
    reply.text,
    new RegExp(`^#EXTM3U\n#EXTINF:-1,0\nhttp://127.0.0.1:${rig.port}/ace/getstream\\?infohash=`),
  );
  assert.equal(Object((await call(rig, `${PATH}&_idx=7`)).json()).code, 'file_unknown');
});

test('a part that is not there is 416 with the length', async (t) => {
  const rig = await startRig(
    t,
    recorded(async () => {
      throw new UnsatisfiableRange(8);
    }),
  );
  const reply = await call(rig, PATH, { headers: { Range: 'bytes=9-' } });
  assert.deepEqual([reply.status, reply.headers['content-range']], [416, 'bytes */8']);
  assert.equal(Object(reply.json()).code, 'range_unsatisfiable');
});

test('HEAD of a known recording has its type and length, and asks nobody', async (t) => {
  const rig = await startRig(
    t,
    recorded(
      async () => assert.fail('an engine was asked'),
      () => facts,
    ),
  );
  const reply = await call(rig, PATH, { method: 'HEAD' });
  assert.deepEqual(
    [
      reply.status,
      reply.headers['content-type'],
      reply.headers['content-length'],
      reply.headers['accept-ranges'],
    ],
    [200, 'video/mp4', '8', 'bytes'],
  );
});

test('whoever leaves before there is a reply ends the asking', async (t) => {
  const ended = Promise.withResolvers<void>();
  const asked = Promise.withResolvers<void>();
  const rig = await startRig(
    t,
    recorded((_question, signal) => {
      asked.resolve();
      return new Promise((_resolve, reject) => {
        signal.addEventListener('abort', () => {
          ended.resolve();
          reject(signal.reason);
        });
      });
    }),
  );
  const leaving = new AbortController();
  const request = fetch(`${rig.url}${PATH}`, { signal: leaving.signal });
  await asked.promise;
  leaving.abort();
  await assert.rejects(request);
  await ended.promise;
});
