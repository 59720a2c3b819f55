import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { type TestContext, test } from 'node:test';
import { Listener } from './listener.ts';

const HOST = '127.0.0.1';

function startListener(t: TestContext, port = 0): Listener {
  const listener = new Listener(HOST, port, (socket) => socket.end());
  t.after(() => listener.stop());
  return listener;
}

/** How a connection to the port goes. */
function dial(port: number): Promise<'accepted' | 'refused'> {
  return new Promise((resolve) => {
    const socket = connect(port, HOST);
    socket.once('connect', () => resolve('accepted'));
    socket.on('error', () => resolve('refused'));
    socket.resume();
  });
}

test('it listens while it is wanted, and has the same port again', async (t) => {
  const listener = startListener(t);
  assert.equal(listener.port, 0);
  listener.obey(() => true);
  await listener.settled();
  const { port } = listener;
  assert.equal(await dial(port), 'accepted');
  listener.obey(() => false);
  assert.equal(await dial(port), 'refused', 'it closes at once');
  listener.obey(() => true);
  await listener.settled();
  assert.deepEqual([listener.port, await dial(port)], [port, 'accepted']);
  await listener.stop();
  assert.equal(await dial(port), 'refused');
});

test('what changes while it opens counts', async (t) => {
  const listener = startListener(t);
  let isWanted = true;
  listener.obey(() => isWanted);
  isWanted = false;
  await listener.settled();
  assert.equal(listener.port, 0);
  isWanted = true;
  listener.obey(() => isWanted);
  listener.obey(() => isWanted);
  await listener.settled();
  assert.equal(await dial(listener.port), 'accepted');
});

test('a taken port is told to whoever waits, and stopping goes on all the same', async (t) => {
  const first = startListener(t);
  first.obey(() => true);
  await first.settled();
  const second = startListener(t, first.port);
  second.obey(() => true);
  await assert.rejects(second.settled(), /EADDRINUSE/);
  await second.stop();
});
