import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fileHeaders, replyHeadOf, unsatisfiedRange } from './file-headers.ts';

const facts = { totalBytes: 100, type: 'video/mp4', takesRanges: true };
const whole = { from: 0, end: 100, totalBytes: 100, isPartial: false };

test('the whole file is 200 with its length and type', () => {
  const { headers, status } = replyHeadOf({ facts, head: whole });
  assert.equal(status, 200);
  assert.deepEqual(headers, fileHeaders(facts));
  assert.deepEqual(
    [headers['Content-Type'], headers['Content-Length'], headers['Accept-Ranges'], headers['Content-Range']],
    ['video/mp4', '100', 'bytes', undefined],
  );
});

test('a part is 206 with its own length and its place in the file', () => {
  const head = { from: 10, end: 20, totalBytes: 100, isPartial: true };
  const { headers, status } = replyHeadOf({ facts, head });
  assert.deepEqual(
    [status, headers['Content-Length'], headers['Content-Range']],
    [206, '10', 'bytes 10-19/100'],
  );
  const unknown = replyHeadOf({ facts, head: { ...head, totalBytes: undefined } });
  assert.equal(unknown.headers['Content-Range'], 'bytes 10-19/*');
});

test('without a known length the connection ends with the file', () => {
  const head = { from: 0, end: undefined, totalBytes: undefined, isPartial: false };
  const { headers, status } = replyHeadOf({ facts: { ...facts, takesRanges: false }, head });
  assert.deepEqual(
    [status, headers['Content-Length'], headers['Connection'], headers['Accept-Ranges']],
    [200, undefined, 'close', 'none'],
  );
});

test('a range that is not there is told the length, where it is known', () => {
  assert.deepEqual(unsatisfiedRange(100), { 'Content-Range': 'bytes */100' });
  assert.deepEqual(unsatisfiedRange(undefined), {});
});
