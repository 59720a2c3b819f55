import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { ChunkedBody, framingOf, headerOf, parseHead } from './http-head.ts';

describe('a head', () => {
  test('is its status and its headers in their order and spelling', () => {
    const head = parseHead('HTTP/1.1 302 Found\r\nserver:  x/1 \r\nLocation: http://a:1/b\r\nX-Empty:');
    assert.deepEqual(head, {
      status: 302,
      headers: [
        ['server', 'x/1'],
        ['Location', 'http://a:1/b'],
        ['X-Empty', ''],
      ],
      secondStatusLine: false,
    });
    assert.equal(headerOf(head, 'SERVER'), 'x/1');
    assert.equal(headerOf(head, 'date'), undefined);
  });

  test('may hold a second status line, which is told', () => {
    const head = parseHead(
      'HTTP/1.1 200 OK\r\nHTTP/1.1 500 Internal Server Error\r\nContent-Type: video/mp2t',
    );
    assert.deepEqual([head.status, head.secondStatusLine], [200, true]);
    assert.equal(headerOf(head, 'content-type'), 'video/mp2t');
  });

  test('of anything else is refused', () => {
    for (const text of ['', 'hello', 'HTTP/1.1 2000 OK', 'HTP/1.1 200 OK']) {
      assert.throws(() => parseHead(text), { code: 'engine_protocol' }, text);
    }
  });

  test('says where the body ends', () => {
    const framing = (headers: string): string => framingOf(parseHead(`HTTP/1.1 200 OK\r\n${headers}`)).kind;
    assert.equal(framing('Content-Length: 12'), 'length');
    assert.equal(framing('Content-Length: many'), 'close');
    assert.equal(framing('Content-Length: 12\r\nTransfer-Encoding: Chunked'), 'chunked');
    assert.equal(framing('Server: x'), 'close');
  });
});

describe('a chunked body', () => {
  const whole = Buffer.from('5\r\nhello\r\n6;x=y\r\n world\r\n0\r\n\r\n');

  test('comes without its coding, wherever it was cut', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(whole.length), { maxLength: 8 }), (places) => {
        const body = new ChunkedBody();
        let text = '';
        const cuts = [0, ...places.toSorted((a, b) => a - b), whole.length];
        for (const [index, from] of cuts.entries()) {
          body.push(whole.subarray(from, cuts[index + 1]), (part) => {
            text += part.toString();
          });
        }
        assert.deepEqual([text, body.isOver], ['hello world', true]);
      }),
    );
  });

  test('is refused when a size is none, or endless', () => {
    for (const text of ['xyz\r\n', '-1\r\n', '0'.repeat(5_000)]) {
      assert.throws(
        () => new ChunkedBody().push(Buffer.from(text), () => {}),
        { code: 'engine_protocol' },
        text,
      );
    }
  });
});
