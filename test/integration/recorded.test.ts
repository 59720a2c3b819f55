/** Recorded video over real sockets: simulated engines deliver files, acemux passes them on. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { type ContentEntry, listedCatalogue } from '../../src/simulator/catalogue.ts';
import { fileSizeBytes } from '../../src/simulator/media-source.ts';
import { ID, type Rig, type RigOptions, startRig, until } from '../support/rig.ts';

const IH = 'd'.repeat(40);
const SECONDS = 8;
const FILM: ContentEntry = { infohash: IH, contentIds: [ID], files: [{ name: 'film.ts', durationSeconds: SECONDS }] };
const PATH = `/ace/getstream?id=${ID}`;

function startFilmRig(t: TestContext, engines = 1, options: RigOptions = {}, entry = FILM): Promise<Rig> {
  const catalogue = listedCatalogue([entry]);
  return startRig(t, { ...options, engines: Array.from({ length: engines }, () => ({ catalogue })) });
}

/** The file's own bytes. */
function film(rig: Rig): Buffer {
  const broadcast = rig.broadcast(IH);
  const bytes = Buffer.alloc(fileSizeBytes(broadcast, SECONDS));
  broadcast.fill(bytes, 0, bytes.length / 188);
  return bytes;
}

async function get(rig: Rig, headers: Record<string, string> = {}, path = PATH, method = 'GET') {
  const reply = await fetch(`${rig.url}${path}`, { headers, method });
  return { status: reply.status, headers: reply.headers, body: Buffer.from(await reply.arrayBuffer()) };
}

test('a recording is played whole, byte for byte, with its length and type', async (t) => {
  const rig = await startFilmRig(t);
  const { body, headers, status } = await get(rig);
  assert.equal(status, 200);
  assert.ok(body.equals(film(rig)));
  assert.equal(headers.get('content-length'), String(body.length));
  assert.equal(headers.get('content-type'), 'video/mp2t');
  assert.equal(headers.get('accept-ranges'), 'bytes');
});

test('parts of it are what they are in the file, and several parts are the whole', async (t) => {
  const rig = await startFilmRig(t);
  const whole = film(rig);
  const { length } = whole;
  const table: readonly (readonly [string, number, number])[] = [
    ['bytes=0-', 0, length],
    ['bytes=0-0', 0, 1],
    ['bytes=1000-1999', 1_000, 2_000],
    [`bytes=${length - 10}-`, length - 10, length],
    [`bytes=${length - 10}-99999999`, length - 10, length],
    ['bytes=-200', length - 200, length],
    ['bytes=-99999999', 0, length],
  ];
  for (const [range, from, end] of table) {
    const { body, headers, status } = await get(rig, { Range: range });
    assert.equal(status, 206, range);
    assert.equal(headers.get('content-range'), `bytes ${from}-${end - 1}/${length}`);
    assert.ok(body.equals(whole.subarray(from, end)), range);
  }
  const several = await get(rig, { Range: 'bytes=0-1,5-6' });
  assert.deepEqual([several.status, several.body.length], [200, length]);
  const conditional = await get(rig, { Range: 'bytes=5-6', 'If-Range': '"some"' });
  assert.deepEqual([conditional.status, conditional.body.length], [200, length]);
});

test('a part behind the end is 416 with the length, asked of an engine once at most', async (t) => {
  const rig = await startFilmRig(t);
  const { length } = film(rig);
  for (const range of [`bytes=${length}-`, 'bytes=99999999-']) {
    const { body, headers, status } = await get(rig, { Range: range });
    assert.equal(status, 416);
    assert.equal(headers.get('content-range'), `bytes */${length}`);
    assert.equal(JSON.parse(body.toString()).code, 'range_unsatisfiable');
  }
  await get(rig);
  const { sessionsOpened } = rig.engine.counters;
  assert.equal((await get(rig, { Range: `bytes=${length}-` })).status, 416);
  assert.equal(rig.engine.counters.sessionsOpened, sessionsOpened);
});
