import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AcemuxError } from '../../base/reasons.ts';
import { type ProbedClient, probe } from './probe.ts';

const signal = new AbortController().signal;
const version = { version: '3.2.3', platform: 'linux' };

function client(network: boolean | undefined | Error, failure?: Error): ProbedClient {
  return {
    version: () => (failure ? Promise.reject(failure) : Promise.resolve(version)),
    networkConnected: () => (network instanceof Error ? Promise.reject(network) : Promise.resolve(network)),
  };
}

test('an engine that answers and has a network is a hit', async () => {
  assert.deepEqual(await probe(client(true), signal), {
    verdict: 'hit',
    version,
    detail: undefined,
    reason: undefined,
    connected: true,
  });
});

test('so is one that does not tell whether it has', async () => {
  assert.equal((await probe(client(undefined), signal)).verdict, 'hit');
});

test('one without a network is a miss', async () => {
  const result = await probe(client(false), signal);
  assert.equal(result.verdict, 'miss');
  assert.match(result.detail ?? '', /network/);
});

test('one that does not answer is a miss that says why', async () => {
  const result = await probe(client(true, new AcemuxError('engine_unreachable')), signal);
  assert.deepEqual(
    [result.verdict, result.reason, result.version],
    ['miss', 'engine_unreachable', undefined],
  );
});

test('one that hangs at the second question is a miss too', async () => {
  assert.equal((await probe(client(new AcemuxError('engine_timeout')), signal)).verdict, 'miss');
});

test('a mistake of acemux is not held against the engine', async () => {
  await assert.rejects(probe(client(true, new TypeError('mistake')), signal), TypeError);
});

test('a probe that is ended has no result', async () => {
  const ended = AbortSignal.abort(new Error('ended'));
  await assert.rejects(probe(client(true, new AcemuxError('shutdown')), ended), /ended/);
});
