import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { AcemuxError } from '../base/reasons.ts';
import { envelopeFormOf, parseMediaFilesRequest, parseMethod, parseSearchRequest } from './engine-call.ts';

const HASH = '0123456789abcdef0123456789abcdef01234567';

test('api_version=3 asks for the newer shape, anything else for the older one', () => {
  assert.equal(envelopeFormOf('api_version=3&method=x'), 'v3');
  for (const query of ['', 'api_version=2', 'api_version=', 'api_version=33']) {
    assert.equal(envelopeFormOf(query), 'old', query);
  }
});

test('a method is one that acemux answers, named once', () => {
  assert.equal(parseMethod('method=get_version'), 'get_version');
  for (const query of [
    '',
    'method=',
    'method=GET_VERSION',
    'method=get_api_access_token',
    'method=constructor',
  ]) {
    assert.throws(() => parseMethod(query), { code: 'method_unknown' }, query);
  }
  assert.throws(() => parseMethod('method=get_status&method=get_version'), { code: 'bad_request' });
});

test('files are asked for by one name, brief or full', () => {
  const name = { kind: 'id', hash: HASH } as const;
  assert.deepEqual(parseMediaFilesRequest(`content_id=${HASH.toUpperCase()}`), { name, isFull: false });
  assert.deepEqual(parseMediaFilesRequest(`id=${HASH}&mode=full`), { name, isFull: true });
  assert.equal(parseMediaFilesRequest(`infohash=${HASH}&mode=brief`).name.kind, 'infohash');
  for (const [query, code] of [
    ['', 'id_missing'],
    ['url=http://10.0.0.1/x.torrent', 'id_missing'],
    [`content_id=${HASH}&infohash=${HASH}`, 'id_ambiguous'],
    ['content_id=x', 'id_malformed'],
    [`content_id=${HASH}&mode=all`, 'bad_request'],
  ] as const) {
    assert.throws(() => parseMediaFilesRequest(query), { code }, query);
  }
});

test('a search has the vendor’s parameters and defaults', () => {
  assert.deepEqual(parseSearchRequest(''), { query: '', category: undefined, page: 0, pageSize: 10 });
  assert.deepEqual(parseSearchRequest('query=%C3%BC+b&category=sport&page=2&page_size=200&token=x&pid=7'), {
    query: 'ü b',
    category: 'sport',
    page: 2,
    pageSize: 200,
  });
});

test('a search with what no engine understands is refused', () => {
  for (const query of [
    `query=${'x'.repeat(201)}`,
    'query=a%0Ab',
    'query=a&query=b',
    `category=${'x'.repeat(65)}`,
    'page=-1',
    'page=1.5',
    'page=0x1',
    'page=10001',
    'page_size=0',
    'page_size=201',
    'page_size=many',
  ]) {
    assert.throws(() => parseSearchRequest(query), { code: 'bad_request' }, query);
  }
});

test('any query is read or refused', () => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.webQueryParameters()), (query) => {
      for (const parse of [parseMethod, parseMediaFilesRequest, parseSearchRequest]) {
        try {
          parse(query);
        } catch (error) {
          assert.ok(error instanceof AcemuxError);
        }
      }
    }),
  );
});
