/** Bad clients again and again: memory stays what it was. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { heldBytes } from '../support/held-bytes.ts';
import { startRig, until } from '../support/rig.ts';

const ROUNDS = process.env['LONG_TESTS'] === '1' ? 40 : 6;
/** One long query that is kept would be more. */
const GROWTH_BYTES_MAX = 8 * 1024 * 1024;
const LONG_QUERY = 'x'.repeat(10_000_000);
const PIPELINED = 200;
const HALF_SENT = 50;
const MALFORMED = [
  '',
  'x',
  'g'.repeat(40),
  `${'a'.repeat(40)}%00`,
  '%0d%0a',
  'http://10.9.8.7/',
  '../'.repeat(200),
];

test('memory does not grow, however often clients send too much, too many requests, nonsense, or half of it', async (t) => {
  const rig = await startRig(t, { config: { streams: { idleTimeoutMs: 20 } } });
  let named = 0;
  const ask = (query: string): string => `GET /ace/getstream?${query} HTTP/1.1\r\nHost: 127.0.0.1\r\n`;
  const round = async (): Promise<void> => {
    const ended = (request: string): Promise<unknown> => rig.send(request).end();
    await ended(`${ask(`id=${'a'.repeat(40)}&x=${LONG_QUERY}`)}\r\n`);
    const ids = Array.from({ length: PIPELINED }, () => (named++).toString(16).padStart(40, 'e'));
    await ended(ids.map((id) => `${ask(`id=${id}`)}\r\n`).join(''));
    await Promise.all(MALFORMED.map((id) => ended(`${ask(`id=${id}`)}Connection: close\r\n\r\n`)));
    const halves = Array.from({ length: HALF_SENT }, () => rig.send(ask(`id=${'a'.repeat(40)}`)));
    // Answered on a connection of its own: by now the halves are there, too.
    await ended('GET /health/live HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n');
    for (const half of halves) half.leave();
    // The test itself remembers every viewer.
    rig.forgetViewers();
    await until(() => rig.app.sessions.list().length === 0);
    await rig.enginesFree();
  };
  // What is made once is made in these.
  for (let rounds = 0; rounds < 2; rounds++) await round();
  const before = await heldBytes();
  for (let rounds = 0; rounds < ROUNDS; rounds++) await round();
  const grown = (await heldBytes()) - before;
  t.diagnostic(`${Math.round(grown / 1024)} KiB more after ${ROUNDS} rounds`);
  assert.ok(grown < GROWTH_BYTES_MAX, `${grown} bytes more`);
});
