import assert from 'node:assert/strict';
import type { Socket } from 'node:net';
import { type TestContext, test } from 'node:test';
import { until } from '../../../test/support/recording-clock.ts';
import { ResponseServer } from '../../../test/support/response-server.ts';
import { ManualClock } from '../../base/manual-clock.ts';
import { ClientProgress } from './client-progress.ts';
import { PeerWatch } from './peer-watch.ts';
import { tcpTableKey } from './tcp-table.ts';

const TIMEOUT_MS = 30_000;

/** A watch over a kernel of the test's own, which says of every connection the same. */
async function rig(t: TestContext) {
  const server = await ResponseServer.start(t);
  const clock = new ManualClock();
  const sockets: Socket[] = [];
  const kernel = { unacknowledged: 0, unanswered: 0, looks: 0, isThere: true, answer: Promise.resolve() };
  const readTable = async (): Promise<string | undefined> => {
    kernel.looks++;
    const queue = `${hex(kernel.unacknowledged)}:00000000 01:00000014 ${hex(kernel.unanswered)}     0        0`;
    const rows = sockets.map((socket) => `   0: ${tcpTableKey(socket)} 01 ${queue} 1`);
    // What it says is as old as the question.
    await kernel.answer;
    return kernel.isThere ? ['header', ...rows].join('\n') : undefined;
  };
  const watch = new PeerWatch({ clock, readTable });
  const open = async () => {
    const { socket, client } = await server.open();
    sockets.push(socket);
    return { socket, client, progress: new ClientProgress(TIMEOUT_MS) };
  };
  return { clock, kernel, watch, open };
}

function hex(value: number): string {
  return value.toString(16).toUpperCase().padStart(8, '0');
}

test('a peer that acknowledges nothing more is noticed, one that does is not', async (t) => {
  const { clock, kernel, watch, open } = await rig(t);
  const [gone, paused] = [await open(), await open()];
  watch.add(gone.socket, gone.progress);
  kernel.unacknowledged = 1_316;
  kernel.unanswered = 6;
  for (let second = 0; second < 26; second++) {
    gone.socket.write(Buffer.alloc(1_316));
    kernel.unacknowledged += 1_316;
    await clock.advance(1_000);
  }
  assert.equal(gone.progress.verdict(clock.nowMs()), 'client_vanished');
  watch.add(paused.socket, paused.progress);
  kernel.unacknowledged = 0;
  await clock.advance(60_000);
  assert.equal(paused.progress.verdict(clock.nowMs()), undefined);
  await watch.stop();
  assert.equal(clock.pendingTimers, 0);
});

test('what is written while the kernel is asked does not count as taken', async (t) => {
  const { clock, kernel, watch, open } = await rig(t);
  const { socket, progress } = await open();
  watch.add(socket, progress);
  kernel.unanswered = 6;
  for (let look = 1; look <= 9; look++) {
    const answer = Promise.withResolvers<void>();
    kernel.answer = answer.promise;
    await clock.advance(3_000);
    assert.equal(kernel.looks, look);
    // More each time: to count it as taken would look like progress.
    const bytes = Buffer.alloc(1_000 * look);
    kernel.unacknowledged += bytes.length;
    socket.write(bytes);
    answer.resolve();
    await clock.advance(0);
  }
  assert.equal(progress.verdict(clock.nowMs()), 'client_vanished');
  await watch.stop();
});

test('one look serves all, none is made for nobody, and one that takes long makes the next one later', async (t) => {
  const { clock, kernel, watch, open } = await rig(t);
  const peers = [await open(), await open(), await open()];
  for (const { socket, progress } of peers) watch.add(socket, progress);
  const answer = Promise.withResolvers<void>();
  kernel.answer = answer.promise;
  await clock.advance(3_000);
  assert.equal(kernel.looks, 1);
  await clock.advance(35);
  answer.resolve();
  await clock.advance(3_400);
  assert.equal(kernel.looks, 1);
  await clock.advance(200);
  assert.equal(kernel.looks, 2);
  for (const { socket } of peers) watch.remove(socket);
  assert.equal(clock.pendingTimers, 0);
  await clock.advance(60_000);
  assert.equal(kernel.looks, 2);
  await watch.stop();
});

test('stopping waits for the look under way', async (t) => {
  const { clock, kernel, watch, open } = await rig(t);
  const { socket, progress } = await open();
  watch.add(socket, progress);
  const answer = Promise.withResolvers<void>();
  kernel.answer = answer.promise;
  await clock.advance(3_000);
  let isStopped = false;
  const stopped = watch.stop().then(() => {
    isStopped = true;
  });
  await clock.advance(0);
  assert.equal(isStopped, false);
  answer.resolve();
  await stopped;
  assert.equal(clock.pendingTimers, 0);
});

test('where there is no table, finished writes decide', async (t) => {
  const { clock, kernel, watch, open } = await rig(t);
  const { socket, progress } = await open();
  kernel.isThere = false;
  watch.add(socket, progress);
  progress.blocked(0);
  await clock.advance(TIMEOUT_MS);
  assert.equal(progress.verdict(clock.nowMs()), 'client_stalled');
  await watch.stop();
});

test('a connection that is closed already is not watched', async (t) => {
  const { clock, watch, open } = await rig(t);
  const { socket, client, progress } = await open();
  client.leave();
  await until(() => socket.destroyed);
  watch.add(socket, progress);
  assert.equal(clock.pendingTimers, 0);
  await watch.stop();
});
