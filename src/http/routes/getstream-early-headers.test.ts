import assert from 'node:assert/strict';
import { test } from 'node:test';
import { untilAborted } from '../../base/abort.ts';
import { AcemuxError } from '../../base/reasons.ts';
import { TS_RESPONSE_HEADERS } from '../../output/ts/response-headers.ts';
import type { HttpDeps } from '../deps.ts';
import { call, FakeAttachment, GET_STREAM, HASH, openRaw, startRig } from '../testing/rig.ts';

/** An output whose 200 goes out when the test says so. */
function fakeOutput() {
  const events: string[] = [];
  const state = { areSent: false, allowed: [] as boolean[], send: (): void => {} };
  const awaitStart: HttpDeps['tsOutput']['awaitStart'] = (response, allows, onSend) => {
    state.allowed.push(allows);
    state.areSent = false;
    state.send = () => {
      state.areSent = true;
      onSend();
      response.useChunkedEncodingByDefault = false;
      response.writeHead(200, TS_RESPONSE_HEADERS);
      response.write('nulls');
    };
    return {
      get areSent() {
        return state.areSent;
      },
      streamIsLive: () => void events.push('live'),
      stop: () => void events.push('stop'),
      fail: () => {
        events.push('fail');
        response.socket?.resetAndDestroy();
      },
    };
  };
  return { events, state, awaitStart };
}

test('the wait is told when the stream is live, and its end before the output takes over', async (t) => {
  const { events, state, awaitStart } = fakeOutput();
  const attachment = new FakeAttachment();
  const rig = await startRig(t, {
    awaitStart,
    join: async ({ onLive }) => {
      onLive();
      state.send();
      return attachment;
    },
    play: (response) => {
      events.push('play');
      response.end('media');
    },
  });
  const reply = await call(rig, `/ace/getstream?id=${HASH}`);
  assert.equal(reply.status, 200);
  assert.equal(reply.text, 'nullsmedia');
  assert.deepEqual(events, ['live', 'stop', 'play']);
  assert.deepEqual(attachment.reasons, []);
});

test('a request may forbid early headers, and that is no part of what the engine is asked', async (t) => {
  const { state, awaitStart } = fakeOutput();
  const rig = await startRig(t, { awaitStart });
  for (const [query, allows] of [
    ['', true],
    ['&early_headers=0', false],
    ['&early_headers=1', true],
    ['&early_headers=', true],
  ] as const) {
    await call(rig, `/ace/getstream?id=${HASH}${query}`);
    assert.equal(state.allowed.at(-1), allows, query);
    assert.deepEqual(rig.joins.at(-1)?.selector.parameters, {});
  }
});

test('a start that fails before its headers is answered with its status', async (t) => {
  const { events, awaitStart } = fakeOutput();
  const rig = await startRig(t, {
    awaitStart,
    join: () => Promise.reject(new AcemuxError('zero_peers')),
  });
  assert.equal((await call(rig, `/ace/getstream?id=${HASH}`)).status, 504);
  assert.deepEqual(events, ['stop']);
});

test('a start that fails after its headers ends by a reset, and is logged and counted by its reason', async (t) => {
  const { events, state, awaitStart } = fakeOutput();
  const rig = await startRig(t, {
    awaitStart,
    join: async () => {
      state.send();
      throw new AcemuxError('zero_peers');
    },
  });
  const raw = await openRaw(t, rig);
  const failed = new Promise((resolve) => raw.socket.once('error', resolve));
  raw.write(GET_STREAM);
  const error = await failed;
  assert.ok(error instanceof Error && 'code' in error && error.code === 'ECONNRESET');
  await raw.ended;
  assert.deepEqual(events, ['fail', 'stop']);
  assert.deepEqual(rig.refused, ['zero_peers']);
  assert.equal((await call(rig, '/health')).status, 200);
});

test('a player that leaves behind early headers aborts the start and leaves nothing', async (t) => {
  const { events, state, awaitStart } = fakeOutput();
  const rig = await startRig(t, {
    awaitStart,
    join: ({ signal }) => {
      state.send();
      return untilAborted(new Promise(() => {}), signal);
    },
  });
  const raw = await openRaw(t, rig);
  raw.write(GET_STREAM);
  await raw.until('nulls');
  const { signal } = rig.joins[0]!;
  const aborted = new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
  raw.socket.destroy();
  await aborted;
  await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual(events, ['stop']);
  assert.deepEqual(rig.refused, []);
});

test('HEAD waits for nothing', async (t) => {
  const { state, awaitStart } = fakeOutput();
  const rig = await startRig(t, { awaitStart });
  await call(rig, `/ace/getstream?id=${HASH}`, { method: 'HEAD' });
  assert.deepEqual(state.allowed, []);
});
