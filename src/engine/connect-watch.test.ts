import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { test } from 'node:test';
import { RecordingClock, until } from '../../test/support/recording-clock.ts';
import { startWireServer } from '../../test/support/wire-server.ts';
import { ConnectWatch, LOOK_AGAIN_MS } from './connect-watch.ts';
import { EngineTransport } from './transport.ts';

const FOREVER = new AbortController().signal;

test('one connect at a time tells all who wait that the engine accepts connections', async () => {
  const clock = new RecordingClock();
  const answers = [false, false, true];
  let looks = 0;
  const watch = new ConnectWatch({ accepts: async () => answers[looks++] === true, clock });
  const all = [watch.until(FOREVER), watch.until(FOREVER), watch.until(FOREVER)];
  for (let time = 1; time <= answers.length; time++) await clock.passWait(LOOK_AGAIN_MS, time);
  await Promise.all(all);
  assert.deepEqual([looks, clock.pendingTimers], [3, 0]);
});

test('nothing is looked at any more when the last one who waits has left, and it begins anew with the next', async () => {
  const clock = new RecordingClock();
  let looks = 0;
  const watch = new ConnectWatch({ accepts: async () => ++looks > 2, clock });
  const [first, second] = [new AbortController(), new AbortController()];
  const left = [watch.until(first.signal), watch.until(second.signal)].map((each) =>
    assert.rejects(each, /left/),
  );
  first.abort(new Error('left'));
  await clock.passWait(LOOK_AGAIN_MS);
  await until(() => looks === 1 && clock.pendingTimers === 1);
  second.abort(new Error('left'));
  await Promise.all(left);
  await until(() => clock.pendingTimers === 0);
  const again = watch.until(FOREVER);
  await clock.passWait(LOOK_AGAIN_MS, 3);
  await clock.passWait(LOOK_AGAIN_MS, 4);
  await again;
  assert.deepEqual([looks, clock.pendingTimers], [3, 0]);
});

test('an engine’s address accepts connections or not; none is left behind by looking', async (t) => {
  const clock = new RecordingClock();
  const limits = { connectTimeoutMs: 3_000, headerBytesMax: 16_384 };
  const server = await startWireServer(t, () => assert.fail('nothing is asked'));
  const listening = new EngineTransport({ address: server.address, clock, limits });
  t.after(() => listening.close());
  assert.equal(await listening.accepts(FOREVER), true);
  await server.allClosed();
  await until(() => listening.connectionCount === 0);

  const nobody = createServer().listen(0, '127.0.0.1');
  await once(nobody, 'listening');
  const { port } = nobody.address() as AddressInfo;
  await new Promise((resolve) => nobody.close(resolve));
  const nowhere = new EngineTransport({ address: { host: '127.0.0.1', port }, clock, limits });
  t.after(() => nowhere.close());
  assert.equal(await nowhere.accepts(FOREVER), false);
  assert.equal(await nowhere.accepts(AbortSignal.abort()), false);
  assert.equal(clock.pendingTimers, 0);
});
