import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AcemuxError, REASONS, type Reason, type ReasonCode } from '../base/reasons.ts';
import { createLog } from '../telemetry/log.ts';
import { refusalOf } from './errors.ts';
import { call, HASH, startRig } from './testing/rig.ts';

const CODES = Object.keys(REASONS) as ReasonCode[];

test('every reason answers with its status, its word and its delay', () => {
  for (const code of CODES) {
    const reason: Reason = REASONS[code];
    if (reason.status === undefined) continue;
    const { status, headers, body } = refusalOf(new AcemuxError(code, 'this case'));
    assert.equal(status, reason.status, code);
    assert.equal(body.code, code);
    assert.equal(body.retry_after_seconds, reason.retryAfterSeconds, code);
    const delay = reason.retryAfterSeconds === undefined ? undefined : String(reason.retryAfterSeconds);
    assert.equal(headers['Retry-After'], delay, code);
  }
});

test('a reason that ends what was under way answers 503, to come again', () => {
  const { status, headers, body } = refusalOf(new AcemuxError('shutdown'));
  assert.equal(status, 503);
  assert.equal(body.code, 'shutdown');
  assert.equal(headers['Retry-After'], '2');
});

test('the detail is what happened this time, else the sentence and advice of the table', () => {
  assert.equal(refusalOf(new AcemuxError('no_media', 'Nothing in 30 s.')).body.detail, 'Nothing in 30 s.');
  const { what, todo } = REASONS.no_media;
  assert.equal(refusalOf(new AcemuxError('no_media')).body.detail, `${what} ${todo}`);
});

test('a house without engines always says how to add one', () => {
  const { detail } = refusalOf(new AcemuxError('no_engines_configured', 'There is none.')).body;
  assert.match(detail, /^There is none\. .*ENGINES=host:port.*--engine.*--demo/);
});

test('what is not ours is a mistake of acemux, and its message stays inside', () => {
  for (const thrown of [new TypeError('secret'), 'secret', undefined, { statusCode: 400 }]) {
    const { status, body } = refusalOf(thrown);
    assert.equal(status, 500);
    assert.equal(body.code, 'internal');
    assert.doesNotMatch(body.detail, /secret/);
  }
});

test('errors in which the framework blames the client keep the blame', () => {
  const blamed = (statusCode: number) => refusalOf(Object.assign(new Error('no good'), { statusCode }));
  assert.deepEqual([blamed(400).status, blamed(400).body], [400, { detail: 'no good', code: 'bad_request' }]);
  assert.equal(blamed(415).body.code, 'bad_request');
  assert.equal(blamed(413).status, 413);
  assert.equal(blamed(404).body.code, 'not_found');
  assert.equal(blamed(500).body.code, 'internal');
});

test('a 401 says how to identify oneself', () => {
  assert.match(refusalOf(new AcemuxError('key_required')).headers['WWW-Authenticate'] ?? '', /^Bearer/);
  assert.equal(refusalOf(new AcemuxError('key_wrong')).headers['WWW-Authenticate'], undefined);
});

test('a detail that quotes a request stays on one line', () => {
  const { body } = refusalOf(
    new AcemuxError('session_unknown', 'Session a\r\n{"level":60}\u2028\u0000b not found'),
  );
  assert.equal(body.detail, 'Session a {"level":60} b not found');
});

test('a refusal has the id of its request, in the reply and in the log', async (t) => {
  const lines: Record<string, unknown>[] = [];
  const log = createLog(
    { level: 'debug', format: 'json' },
    { write: (line) => void lines.push(JSON.parse(line)) },
  );
  const rig = await startRig(t, { log, playAccess: 'key' });
  const ids = new Set<unknown>();
  for (const path of [`/ace/getstream?id=${HASH}`, '/streams/none/stats', '/nowhere']) {
    const id = (await call(rig, path)).headers['x-request-id'];
    assert.ok(typeof id === 'string' && lines.some((line) => line['request'] === id && line['reason']), path);
    ids.add(id);
  }
  assert.equal(ids.size, 3);
});
