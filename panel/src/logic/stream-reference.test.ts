import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { m3uOf, parseStreamReference, queryOf } from './stream-reference.ts';

const HASH = '0123456789abcdef0123456789abcdef01234567';

test('an id, a link, an address and an M3U line name a stream', () => {
  const id = { kind: 'id', hash: HASH } as const;
  const infohash = { kind: 'infohash', hash: HASH } as const;
  const table = [
    [HASH, id],
    [`  ${HASH.toUpperCase()} `, id],
    [`acestream://${HASH}`, id],
    [`acestream:${HASH}`, id],
    [`magnet:?dn=x&xt=urn:btih:${HASH}&tr=y`, infohash],
    [`http://127.0.0.1:6878/ace/getstream?id=${HASH}&.mp4`, id],
    [`http://h/ace/manifest.m3u8?x=1&infohash=${HASH}`, infohash],
    [`http://h/ace/getstream?content_id=acestream%3A%2F%2F${HASH}`, id],
    [
      `#EXTM3U\n#EXTINF:-1 tvg-id="a,b" group-title="x",News, live\nacestream://${HASH}\n`,
      { ...id, name: 'News, live' },
    ],
    [`#EXTINF:-1,One acestream://${HASH}`, { ...id, name: 'One' }],
    [`\r\n#comment\r\nhttp://h/ace/getstream?id=${HASH}\r\n`, id],
  ] as const;
  for (const [text, expected] of table) assert.deepEqual(parseStreamReference(text), expected, text);
});

test('what names none is none, however long', () => {
  for (const text of [
    '',
    'hello',
    HASH.slice(1),
    `${HASH}0`,
    `acestream://${HASH}0`,
    `http://h/?id=${HASH}f`,
    '#EXTINF',
    'x'.repeat(1e6),
  ])
    assert.equal(parseStreamReference(text), undefined, text.slice(0, 60));
});

test('any text is taken without an exception, and what comes out is 40 digits', () => {
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        fc.string().map((text) => `#EXTINF${text},${text}\nacestream://${HASH}`),
      ),
      (text) => {
        const found = parseStreamReference(text);
        assert.ok(found === undefined || /^[0-9a-f]{40}$/.test(found.hash));
        assert.ok((found?.name?.length ?? 0) <= 300);
      },
    ),
  );
});

test('a list of one stream is read as that stream, and its name can’t add lines', () => {
  const list = m3uOf('a\nhttp://evil/\r\nb', `http://h/ace/getstream?${queryOf({ kind: 'id', hash: HASH })}`);
  assert.equal(list.trim().split('\n').length, 3);
  assert.deepEqual(parseStreamReference(list), { kind: 'id', hash: HASH, name: 'a http://evil/ b' });
});
