import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BLOCK_MEMORY_BYTES } from '../../src/session/ring.ts';
import { BYTES_PER_SECOND, startRig, until } from '../support/rig.ts';
import { inspect } from '../support/viewer.ts';

const ZAPS = 20;

function idOf(number: number): string {
  return number.toString(16).padStart(40, 'b');
}

test('invariant 5: 20 zaps within a minute leave at most 2 sessions without clients, and every start was stopped', async (t) => {
  // src/session/zapping.test.ts has the real numbers; here what lingers does so for two seconds.
  const rig = await startRig(t, { engines: [{}, {}], config: { streams: { idleTimeoutMs: 2_000 } } });
  const sessions = () => rig.app.sessions.list();
  for (let zap = 0; zap < ZAPS; zap++) {
    const viewer = rig.watch(`id=${idOf(zap)}`);
    // Some wait for the picture, others zap on at once.
    if (zap % 4 === 3) await until(() => rig.app.sessions.find(idOf(zap)) !== undefined);
    else await viewer.received(20_000);
    viewer.leave();
    await until(() => rig.app.sessions.clientCount === 0);
  }
  await until(() => sessions().length <= 2);
  assert.ok(sessions().every(({ clientCount }) => clientCount === 0));
  await until(() => sessions().length === 0);
  await rig.enginesFree();
  const counters = rig.engines.map((engine) => engine.counters);
  const opened = counters.reduce((sum, { sessionsOpened }) => sum + sessionsOpened, 0);
  const stopped = counters.reduce((sum, { stopsReceived }) => sum + stopsReceived, 0);
  assert.ok(opened >= (ZAPS * 3) / 4 && opened <= ZAPS, `${opened} were opened`);
  assert.equal(stopped, opened);
});

test('invariant 4: when buffers need all their memory, a new stream is refused with 503 and those who watch play on; a stream that ends makes room', async (t) => {
  const bufferMemoryBytes = 20 * BLOCK_MEMORY_BYTES;
  const rig = await startRig(t, { config: { streams: { bufferMemoryBytes, idleTimeoutMs: 60_000 } } });
  const [one, two] = [rig.watch(`id=${idOf(1)}`), rig.watch(`id=${idOf(2)}`)];
  await Promise.all([one.received(BYTES_PER_SECOND), two.received(BYTES_PER_SECOND)]);
  const refused = await fetch(`${rig.url}/ace/getstream?id=${idOf(3)}`);
  assert.equal(refused.status, 503);
  assert.equal(refused.headers.get('retry-after'), '10');
  const body: unknown = await refused.json();
  assert.equal(Reflect.get(Object(body), 'code'), 'memory');
  assert.equal(Reflect.get(Object(body), 'retry_after_seconds'), 10);
  // Who wants to watch what plays needs no memory.
  await rig.watch(`id=${idOf(1)}`).received(50_000);
  await Promise.all([one.receivedMore(BYTES_PER_SECOND), two.receivedMore(BYTES_PER_SECOND)]);
  for (const viewer of [one, two]) {
    assert.equal(viewer.ended, undefined);
    assert.equal(inspect(viewer.media).continuityErrors, 0);
  }
  const metrics = await (await fetch(`${rig.url}/metrics`)).text();
  const held = Number(/^acemux_buffer_bytes (\d+)$/m.exec(metrics)?.[1]);
  assert.ok(held > 0 && held <= bufferMemoryBytes + 2 * BLOCK_MEMORY_BYTES, `${held}`);
  two.leave();
  // It lingers, or has given way already to the buffer of the other one.
  await until(() => (rig.app.sessions.find(idOf(2))?.clientCount ?? 0) === 0);
  const third = rig.watch(`id=${idOf(3)}`);
  await third.received(50_000);
  assert.equal(await third.status(), 200);
  assert.equal(rig.app.sessions.find(idOf(2)), undefined, 'what lingered ended for it');
  assert.equal(one.ended, undefined);
});
