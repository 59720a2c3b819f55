import assert from 'node:assert/strict';
import { test } from 'node:test';
import { listOfFiles } from './file-listing.ts';

const BASE = 'http://acemux.example:8000';
const HASH = 'a'.repeat(40);
const file = (index: number, name: string) => ({ index, name, mime: undefined, sizeBytes: 1 });

test('each file has a line with its name and an address of acemux with its number', () => {
  const list = { infohash: 'c'.repeat(40), files: [file(0, 'One, two.mkv'), file(3, '')] };
  const selector = { kind: 'id', hash: HASH, parameters: { quality: 'hd' } } as const;
  assert.deepEqual(listOfFiles(list, selector, BASE, () => undefined).split('\n'), [
    '#EXTM3U',
    '#EXTINF:-1,One, two.mkv',
    `${BASE}/ace/getstream?infohash=${'c'.repeat(40)}&quality=hd&_idx=0`,
    '#EXTINF:-1,File 3',
    `${BASE}/ace/getstream?infohash=${'c'.repeat(40)}&quality=hd&_idx=3`,
    '',
  ]);
});

test('where no infohash is known the name stands that was asked for, and a name is one line', () => {
  const list = { infohash: undefined, files: [file(1, 'a\nhttp://x')] };
  const selector = { kind: 'id', hash: HASH, parameters: {} } as const;
  assert.deepEqual(
    listOfFiles(list, selector, BASE, () => undefined)
      .split('\n')
      .slice(1, 3),
    ['#EXTINF:-1,a http://x', `${BASE}/ace/getstream?id=${HASH}&_idx=1`],
  );
});

test('where one needs a key, each address carries what lets it in, for the name that it has', () => {
  const list = {
    infohash: 'f'.repeat(40),
    files: [{ index: 0, name: 'one', mime: undefined, sizeBytes: undefined }],
  };
  const selector = { kind: 'id', hash: 'a'.repeat(40), parameters: {} } as const;
  const text = listOfFiles(list, selector, BASE, (hash) => `pass-of-${hash.slice(0, 4)}`);
  assert.match(text, /getstream\?infohash=f{40}&_idx=0&token=pass-of-ffff$/m);
});
