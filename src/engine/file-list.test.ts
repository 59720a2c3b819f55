import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { FileListError, parseFileList } from './file-list.ts';

const ROOT = new URL('http://10.0.0.7:6878');
const HASH = 'c'.repeat(40);

test('a list of files tells their indexes and names, and the infohash', () => {
  const at = `http://10.0.0.7:6878/ace/getstream?infohash=${HASH.toUpperCase()}&_idx=`;
  const list = parseFileList(
    `#EXTM3U\r\n#EXTINF:-1,One, two.mkv\r\n${at}0\r\n#EXTINF:-1,B\r\n${at}3\r\n`,
    ROOT,
  );
  assert.equal(list.infohash, HASH);
  assert.deepEqual(
    list.files.map(({ index, name }) => [index, name]),
    [
      [0, 'One, two.mkv'],
      [3, 'B'],
    ],
  );
});

test('what is no file of the list is left out, and names tell no address', () => {
  const text = `#EXTM3U\n#EXTINF:-1,x http://10.0.0.7:6878/y\nhttp://a/?id=1&_idx=2\nhttp://a/b\n#EXTINF:-1\n_idx=1\n`;
  const list = parseFileList(text, ROOT);
  assert.equal(list.infohash, undefined);
  assert.deepEqual(list.files, [{ index: 2, name: 'x', mime: undefined, sizeBytes: undefined }]);
});

test('any text is a list, of bounded length', () => {
  fc.assert(fc.property(fc.string(), (text) => parseFileList(text, ROOT).files.length <= 1_000));
  const long = '#EXTINF:-1,a\nhttp://a/?_idx=1\n'.repeat(3_000);
  assert.equal(parseFileList(long, ROOT).files.length, 1_000);
});

test('it is the failure of a start that named no file', () => {
  const error = new FileListError({ infohash: HASH, files: [] });
  assert.equal(error.code, 'vod_not_yet');
});
