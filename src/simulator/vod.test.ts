import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { listedCatalogue } from './catalogue.ts';
import type { RawClient } from './testing/raw-client.ts';
import { ID_A, type Rig, startRig } from './testing/rig.ts';

const IH = 'd'.repeat(40);
const catalogue = listedCatalogue([
  { infohash: IH, contentIds: [ID_A], files: [{ name: 'film.ts', durationSeconds: 2 }] },
]);

/** The size of the film, and its bytes. */
async function whole(rig: Rig, path: string): Promise<Buffer> {
  const reader = rig.raw(path);
  assert.equal(await reader.end(), 'eof');
  return reader.body(1);
}

function lengthIn(head: string): number {
  return Number(/Content-Length: (\d+)/.exec(head)?.[1]);
}

describe('item 28: a recording', () => {
  test('is sent whole, with its length, faster than its pace', async (t) => {
    const rig = await startRig(t, { catalogue });
    const session = await rig.start();
    const reader = await rig.read(session);
    const head = await reader.head();
    assert.match(head, /^HTTP\/1\.1 200 OK/);
    assert.match(head, /Accept-Ranges: bytes/);
    assert.equal(await reader.end(), 'eof');
    const body = await reader.body(1);
    assert.equal(body.length, lengthIn(head));
    assert.equal(body.length % 188, 0);
    assert(Math.abs(body.length - 1_000_000) < 1_000);
  });

  test('answers a range with 206 and just those bytes, wherever they begin', async (t) => {
    const rig = await startRig(t, { catalogue });
    const path = await rig.contentPath(await rig.start());
    const film = await whole(rig, path);
    for (const [range, from, end] of [
      ['bytes=0-', 0, film.length],
      ['bytes=1000-1999', 1_000, 2_000],
      ['bytes=999900-', 999_900, film.length],
      ['bytes=-200', film.length - 200, film.length],
    ] as const) {
      const reader = rig.raw(path, [`Range: ${range}`]);
      const head = await reader.head();
      assert.match(head, /^HTTP\/1\.1 206 Partial Content/);
      assert(head.includes(`Content-Range: bytes ${from}-${end - 1}/${film.length}`), head);
      assert.equal(lengthIn(head), end - from);
      await reader.end();
      assert((await reader.body(1)).equals(film.subarray(from, end)), range);
    }
  });

  test('answers 416 for a range behind its end', async (t) => {
    const rig = await startRig(t, { catalogue });
    const reader = await rig.read(await rig.start(), ['Range: bytes=99999999-']);
    const head = await reader.head();
    assert.match(head, /^HTTP\/1\.1 416 /);
    assert.match(head, /Content-Range: bytes \*\/\d+/);
    assert.equal(rig.engine.counters.mediaBytesSent, 0);
  });

  test('is no live channel in stat: progress in percent, and no position', async (t) => {
    const rig = await startRig(t, { catalogue });
    const session = await rig.start();
    await rig.clock.advance(10_000);
    const { response } = JSON.parse((await rig.get(session.stat_url)).text);
    assert.deepEqual([response.is_live, response.total_progress, response.livepos], [0, 100, undefined]);
    const listed = await rig.json(`/server/api?api_version=3&method=get_media_files&id=${ID_A}&mode=full`);
    assert.match(JSON.stringify(listed), new RegExp(`"size":${response.downloaded}\\b.*"type":"vod"`));
  });

  test('may be any file, with its own type', async (t) => {
    const bytes = Buffer.from('not a packet in it');
    const files = [{ name: 'x.mkv', durationSeconds: 1, bytes, mime: 'video/x-matroska' }];
    const rig = await startRig(t, {
      catalogue: listedCatalogue([{ infohash: IH, contentIds: [ID_A], files }]),
    });
    const reader = await rig.read(await rig.start(), ['Range: bytes=4-']);
    const head = await reader.head();
    assert.match(head, /Content-Type: video\/x-matroska/);
    assert(head.includes(`Content-Range: bytes 4-${bytes.length - 1}/${bytes.length}`), head);
    await reader.end();
    assert.equal((await reader.body(1)).toString(), 'a packet in it'.padStart(bytes.length - 4));
    const listed = await rig.json(`/server/api?api_version=3&method=get_media_files&id=${ID_A}&mode=full`);
    assert.match(JSON.stringify(listed), new RegExp(`"mime":"video/x-matroska","size":${bytes.length}\\b`));
  });

  test('switch: it has one reader, or several, each with a range of its own', async (t) => {
    for (const severalFileReaders of [false, true]) {
      const rig = await startRig(t, {
        catalogue,
        bitsPerSecond: 40_000_000,
        profile: { severalFileReaders },
      });
      const path = await rig.contentPath(await rig.start());
      const slow: RawClient = rig.raw(path);
      await slow.body(188);
      slow.pause();
      const second = rig.raw(path, ['Range: bytes=188-375']);
      await second.end();
      const expected = severalFileReaders
        ? / 206 Partial Content/
        : /^HTTP\/1\.1 200 OK\r\nHTTP\/1\.1 200 OK/;
      assert.match(second.received.toString('latin1'), expected);
    }
  });
});
