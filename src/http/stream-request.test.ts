import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { AcemuxError, type ReasonCode } from '../base/reasons.ts';
import { PASSED_PARAMETERS, parseStreamRequest } from './stream-request.ts';

const HASH = '0123456789abcdef0123456789abcdef01234567';

const refuses = (query: string, code: ReasonCode): void =>
  assert.throws(
    () => parseStreamRequest(query),
    (error) => error instanceof AcemuxError && error.code === code,
    `${query} should be ${code}`,
  );

test('id, content_id and infohash each name a stream', () => {
  assert.deepEqual(parseStreamRequest(`id=${HASH}`), { kind: 'id', hash: HASH, parameters: {} });
  assert.deepEqual(parseStreamRequest(`content_id=${HASH}`), { kind: 'id', hash: HASH, parameters: {} });
  assert.deepEqual(parseStreamRequest(`infohash=${HASH}`), { kind: 'infohash', hash: HASH, parameters: {} });
});

test('one stream has one spelling: links, upper case and white space are taken off', () => {
  for (const value of [
    HASH.toUpperCase(),
    `acestream://${HASH}`,
    `ACESTREAM://${HASH.toUpperCase()}`,
    `%20${HASH}%0A`,
    `+${HASH}+`,
    `acestream%3A%2F%2F${HASH}`,
  ]) {
    assert.equal(parseStreamRequest(`id=${value}`).hash, HASH, value);
  }
});

test('an infohash is never a link', () => refuses(`infohash=acestream://${HASH}`, 'id_malformed'));

test('a request must name a stream', () => {
  refuses('', 'id_missing');
  refuses('quality=high', 'id_missing');
  refuses(`ID=${HASH}`, 'id_missing');
});

test('a request must name one stream, once', () => {
  refuses(`id=${HASH}&infohash=${HASH}`, 'id_ambiguous');
  refuses(`id=${HASH}&content_id=${HASH}`, 'id_ambiguous');
  refuses(`id=${HASH}&id=${HASH}`, 'id_ambiguous');
});

test('whatever is not 40 hexadecimal digits is malformed', () => {
  for (const value of [
    '',
    'x',
    HASH.slice(1),
    `${HASH}0`,
    `${HASH.slice(1)}g`,
    `${HASH}%26pid%3D1`,
    `http://evil/${HASH}`,
    `acestream://acestream://${HASH}`,
    `${HASH}%00`,
  ]) {
    refuses(`id=${value}`, 'id_malformed');
  }
});

test('the parameters that belong to a stream are passed on, all others are dropped', () => {
  const { parameters } = parseStreamRequest(
    `pid=42&id=${HASH}&quality=hd&_idx=1&token=secret&format=json&start=-60&sid=9&url=http://evil/&preferred_audio_language=en`,
  );
  assert.deepEqual(parameters, { _idx: '1', quality: 'hd', preferred_audio_language: 'en' });
});

test('the order of parameters and empty ones make no other stream', () => {
  const one = parseStreamRequest(`_idx=1&id=${HASH}&quality=hd`);
  const two = parseStreamRequest(`quality=hd&transcode_mp3=&id=${HASH}&_idx=1`);
  assert.deepEqual(Object.entries(one.parameters), Object.entries(two.parameters));
});

test('a parameter that is long, unprintable or given twice is refused', () => {
  assert.equal(parseStreamRequest(`id=${HASH}&quality=${'x'.repeat(64)}`).parameters['quality']?.length, 64);
  refuses(`id=${HASH}&quality=${'x'.repeat(65)}`, 'bad_request');
  refuses(`id=${HASH}&quality=a%0Ab`, 'bad_request');
  refuses(`id=${HASH}&quality=%C3%A9`, 'bad_request');
  refuses(`id=${HASH}&_idx=1&_idx=2`, 'bad_request');
});

test('any input gives a selector or an AcemuxError', () => {
  const key = fc.oneof(
    fc.constantFrom('id', 'content_id', 'infohash', 'pid', ...PASSED_PARAMETERS),
    fc.string(),
  );
  const value = fc.oneof(fc.constantFrom(HASH, `acestream://${HASH}`), fc.string({ unit: 'binary' }));
  const pairs = fc
    .array(fc.tuple(key, value), { maxLength: 6 })
    .map((each) => each.map(([name, text]) => `${name}=${text}`).join('&'));
  fc.assert(
    fc.property(fc.oneof(pairs, fc.string({ unit: 'binary' })), (query) => {
      try {
        const { hash, kind, parameters } = parseStreamRequest(query);
        assert.match(hash, /^[0-9a-f]{40}$/);
        assert.ok(kind === 'id' || kind === 'infohash');
        for (const [name, text] of Object.entries(parameters)) {
          assert.ok((PASSED_PARAMETERS as readonly string[]).includes(name));
          assert.match(text, /^[\x20-\x7e]{1,64}$/);
        }
      } catch (error) {
        assert.ok(error instanceof AcemuxError, String(error));
      }
    }),
    { numRuns: 500 },
  );
});
