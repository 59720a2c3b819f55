import assert from 'node:assert/strict';
import { connect, type Socket } from 'node:net';
import { Writable } from 'node:stream';
import { type TestContext, test } from 'node:test';
import { pino } from 'pino';
import { ManualClock } from '../base/manual-clock.ts';
import { TS_RESPONSE_HEADERS } from '../output/ts/response-headers.ts';
import { call, GET_HEALTH, GET_STREAM, openRaw, type Parts, type Rig, startRig } from './testing/rig.ts';

const playForEver: Parts['play'] = (response) =>
  void response.writeHead(200, TS_RESPONSE_HEADERS).write('media');

const TURNED_AWAY = /^HTTP\/1\.1 503 Service Unavailable\r\n[\s\S]*"code":"too_many_connections"/;

/** A connection from another address of this machine. */
async function openFrom(t: TestContext, { port }: Rig, localAddress: string): Promise<Socket> {
  const socket = connect({ port, host: '127.0.0.1', localAddress });
  t.after(() => socket.destroy());
  socket.on('error', () => {});
  await new Promise<void>((resolve) => socket.once('connect', resolve));
  return socket;
}

/** Everything that comes until the connection ends. */
async function readAll(socket: Socket): Promise<string> {
  let text = '';
  socket.setEncoding('utf8');
  socket.on('data', (chunk: string) => {
    text += chunk;
  });
  await new Promise<void>((resolve) => socket.once('close', () => resolve()));
  return text;
}

test('one connection too many is told so and closed, and who is inside is not disturbed', async (t) => {
  const rig = await startRig(t, { limits: { connectionsMax: 2 }, play: playForEver });
  const playing = await openRaw(t, rig);
  playing.write(GET_STREAM);
  await playing.until('media');
  const idle = await openRaw(t, rig);
  idle.write(GET_HEALTH);
  await idle.until('live');

  const third = await openRaw(t, rig);
  third.write(GET_STREAM);
  const reply = await third.ended;
  assert.match(reply, TURNED_AWAY);
  assert.match(reply, /\r\nRetry-After: 5\r\n/);
  assert.match(reply, /\r\nConnection: close\r\n/);
  assert.deepEqual(rig.refused, ['too_many_connections']);
  assert.equal(rig.joins.length, 1, 'what it asked was not begun');
  assert.equal(playing.socket.destroyed, false);

  idle.socket.destroy();
  await idle.ended;
  for (;;) {
    const again = await openRaw(t, rig);
    again.write('GET /health HTTP/1.0\r\n\r\n');
    // The server hears of the end of a connection a moment after its client.
    if (/^HTTP\/1\.1 200/.test(await again.ended)) break;
  }
});

test('one address leaves connections for the others', async (t) => {
  const rig = await startRig(t, { limits: { connectionsMax: 10, connectionsPerAddressMax: 2 } });
  const first = await openFrom(t, rig, '127.0.0.1');
  await openFrom(t, rig, '127.0.0.1');
  assert.match(await readAll(await openFrom(t, rig, '127.0.0.1')), TURNED_AWAY);
  const other = await openFrom(t, rig, '127.0.0.2');
  other.write('GET /health HTTP/1.0\r\n\r\n');
  assert.match(await readAll(other), /^HTTP\/1\.1 200/);
  assert.equal(first.destroyed, false);
});

test('a client that is turned away and does not close is closed', async (t) => {
  const clock = new ManualClock();
  const rig = await startRig(t, { limits: { connectionsMax: 1, closeGraceMs: 1_000 }, clock });
  await openRaw(t, rig);
  const stubborn = connect({ port: rig.port, host: '127.0.0.1', allowHalfOpen: true });
  t.after(() => stubborn.destroy());
  stubborn.on('error', () => {});
  const ended = new Promise((resolve) => stubborn.once('end', resolve));
  const closed = new Promise((resolve) => stubborn.once('close', resolve));
  stubborn.resume();
  await ended;
  await clock.advance(1_000);
  // What is sent to a closed connection is answered with a reset.
  const nagging = setInterval(() => stubborn.write('x'), 5);
  await closed;
  clearInterval(nagging);
});

test('a flood of connections is counted whole, and logged once in ten seconds', async (t) => {
  const lines: string[] = [];
  const sink = new Writable({
    write(chunk, _encoding, done) {
      lines.push(String(chunk));
      done();
    },
  });
  const rig = await startRig(t, { limits: { connectionsMax: 1 }, log: pino({ level: 'info' }, sink) });
  const inside = await openRaw(t, rig);
  inside.write(GET_HEALTH);
  await inside.until('live');
  for (let count = 0; count < 100; count += 1) await (await openRaw(t, rig)).ended;
  assert.equal(rig.refused.length, 100);
  const said = lines.filter((line) => line.includes('connections are turned away'));
  assert.equal(said.length, 1);
  assert.match(said[0] ?? '', /"reason":"too_many_connections".*"connectionsMax":1/);
});

test('closing does not wait for those who are turned away', async (t) => {
  const rig = await startRig(t, { limits: { connectionsMax: 1, closeGraceMs: 60_000 } });
  await openRaw(t, rig);
  const stubborn = connect({ port: rig.port, host: '127.0.0.1', allowHalfOpen: true });
  t.after(() => stubborn.destroy());
  stubborn.on('error', () => {});
  stubborn.resume();
  stubborn.write('GET /health HTTP/1.1\r\nHo');
  await new Promise((resolve) => stubborn.once('end', resolve));
  await rig.server.close();
});

const QUICK = { headersTimeoutMs: 60, requestTimeoutMs: 60, checkIntervalMs: 20 };
const SLOW: readonly (readonly [string, string, string])[] = [
  ['says nothing', '', ''],
  ['sends its headers byte by byte', 'GET /health HTTP/1.1\r\nHost: test\r\nX-Slow: ', 'x'],
  ['sends one header after the other', 'GET /health HTTP/1.1\r\nHost: test\r\n', 'X-Slow: x\r\n'],
  [
    'sends its body byte by byte',
    'OPTIONS /ace/getstream HTTP/1.1\r\nHost: test\r\nContent-Type: text/plain\r\nContent-Length: 1000\r\n\r\n',
    'x',
  ],
];
for (const [what, begin, more] of SLOW) {
  test(`a client that ${what} is ended in time, however long it goes on`, async (t) => {
    const rig = await startRig(t, { limits: QUICK });
    const raw = await openRaw(t, rig);
    raw.write(begin);
    const dribble = setInterval(() => raw.write(more), 10);
    await raw.ended;
    clearInterval(dribble);
    assert.doesNotMatch(raw.received(), /^HTTP\/1\.1 200/);
    assert.equal((await call(rig, '/health')).status, 200, 'and the server lives');
  });
}

test('300 slow clients at once do not keep a good one out', async (t) => {
  const rig = await startRig(t);
  const slow = await Promise.all(Array.from({ length: 300 }, () => openRaw(t, rig)));
  for (const raw of slow) raw.write('GET /ace/getstream?id=');
  assert.equal((await call(rig, '/health')).status, 200);
  assert.equal(rig.joins.length, 0);
});
