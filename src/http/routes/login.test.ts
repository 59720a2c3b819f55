import assert from 'node:assert/strict';
import { Writable } from 'node:stream';
import { test } from 'node:test';
import { pino } from 'pino';
import { readEvents } from '../../../test/support/event-reader.ts';
import { until } from '../../../test/support/rig.ts';
import { digestOf } from '../../access/digest.ts';
import type { ConfiguredKey } from '../../access/key-ring.ts';
import { FAILURES_MAX } from '../../access/login-attempts.ts';
import { ManualClock } from '../../base/manual-clock.ts';
import { ADMIN_KEY, call, LOOPBACK_PROXY, type Reply, type Rig, startRig } from '../testing/rig.ts';

const OPERATOR: ConfiguredKey = {
  name: 'night shift',
  role: 'operator',
  digest: digestOf('key-of-the-operator').toString('hex'),
  limits: undefined,
};
const CLOSED = { playAccess: 'key', viewAccess: 'key', keys: [OPERATOR] } as const;

function login(rig: Rig, key: unknown, headers: Record<string, string> = {}): Promise<Reply> {
  const body = JSON.stringify({ key });
  return call(rig, '/login', {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', ...headers },
    body,
  });
}

/** The cookie that a browser would send back. */
function cookieOf({ headers }: Reply): string {
  return headers['set-cookie']?.[0]?.split(';')[0] ?? '';
}

const statusOf = async (rig: Rig, path: string, headers: Record<string, string>): Promise<number> =>
  (await call(rig, path, { headers })).status;

async function whoami(rig: Rig, headers: Record<string, string> = {}): Promise<Record<string, unknown>> {
  return Object((await call(rig, '/whoami', { headers })).json());
}

test('a key logs a browser in by a cookie that is not the key, and out again', async (t) => {
  const rig = await startRig(t, CLOSED);
  assert.equal(await statusOf(rig, '/streams', {}), 401);
  const reply = await login(rig, 'key-of-the-operator');
  assert.equal(reply.status, 200);
  assert.deepEqual(reply.json(), { role: 'operator', name: 'night shift' });
  const [header = ''] = reply.headers['set-cookie'] ?? [];
  assert.match(header, /^acemux_session=[\w-]{43}; Path=\/; Max-Age=604800; HttpOnly; SameSite=Strict$/);
  assert.ok(!header.includes('key-of-the-operator'));

  const headers = { Cookie: cookieOf(reply) };
  assert.equal(await statusOf(rig, '/streams', headers), 200);
  assert.equal(await statusOf(rig, '/keys', headers), 403, 'a login may what its key may');
  const { key, may, role } = await whoami(rig, headers);
  assert.deepEqual([role, key], ['operator', { id: 'config:night shift', name: 'night shift' }]);
  assert.deepEqual(may, ['open', 'entry', 'play', 'overview', 'metrics', 'view', 'operate']);

  const out = await call(rig, '/logout', { method: 'POST', headers });
  assert.match(out.headers['set-cookie']?.[0] ?? '', /^acemux_session=; Path=\/; Max-Age=0;/);
  assert.equal(await statusOf(rig, '/streams', headers), 401, 'the cookie that was, sent again');
});

test('who has logged out hears of nothing any more, in no tab of that browser', async (t) => {
  const clock = new ManualClock();
  const rig = await startRig(t, { ...CLOSED, clock });
  t.after(() => rig.server.endEventStreams());
  const cookies = [cookieOf(await login(rig, ADMIN_KEY)), cookieOf(await login(rig, ADMIN_KEY))];
  const [goes, stays] = await Promise.all(
    cookies.map((Cookie) => readEvents(t, `${rig.url}/events/stream`, { Cookie })),
  );
  assert.ok(goes && stays);
  await call(rig, '/logout', { method: 'POST', headers: { Cookie: cookies[0] ?? '' } });
  await clock.advance(15_000);
  await until(() => goes.response.destroyed);
  rig.parts.events.emit('stream.lingering', {}, {});
  await stays.until(() => stays.names.includes('stream.lingering'));
});

test('whoami tells a guest what may be done without a key', async (t) => {
  const rig = await startRig(t);
  const { address, key, may, role } = await whoami(rig);
  assert.deepEqual([role, key, address], ['guest', null, '127.0.0.1']);
  assert.deepEqual(may, ['open', 'entry', 'play', 'overview', 'metrics', 'view']);
});

test('behind TLS the cookie goes over TLS only', async (t) => {
  const rig = await startRig(t, { ...CLOSED, publicUrl: 'https://tv.example.org' });
  const reply = await login(rig, ADMIN_KEY);
  assert.match(reply.headers['set-cookie']?.[0] ?? '', /; Secure$/);
});

test('every login has a session of its own', async (t) => {
  const rig = await startRig(t, CLOSED);
  const [one, other] = [await login(rig, ADMIN_KEY), await login(rig, ADMIN_KEY)];
  assert.notEqual(cookieOf(one), cookieOf(other));
  await call(rig, '/logout', { method: 'POST', headers: { Cookie: cookieOf(one) } });
  assert.equal(await statusOf(rig, '/streams', { Cookie: cookieOf(other) }), 200);
});

test('a session of a key that was removed is over', async (t) => {
  const rig = await startRig(t, CLOSED);
  const headers = { 'X-API-Key': ADMIN_KEY, 'Content-Type': 'application/json' };
  const body = JSON.stringify({ name: 'guest', role: 'operator' });
  const { id, key } = Object((await call(rig, '/keys', { method: 'POST', headers, body })).json());
  const cookie = { Cookie: cookieOf(await login(rig, key)) };
  assert.equal(await statusOf(rig, '/streams', cookie), 200);
  await call(rig, `/keys/${id}`, { method: 'DELETE', headers: { 'X-API-Key': ADMIN_KEY } });
  assert.notEqual(await statusOf(rig, '/streams', cookie), 200);
});

test('a flood of logins is answered with 429, for that address alone, until the time that it is told', async (t) => {
  const clock = new ManualClock();
  const rig = await startRig(t, { ...CLOSED, clock, trustedProxies: LOOPBACK_PROXY });
  const from = (address: string) => ({ 'X-Forwarded-For': address });
  for (let count = 0; count < FAILURES_MAX; count++) {
    const reply = await login(rig, `guess ${count}`, from('203.0.113.9'));
    assert.deepEqual([reply.status, Object(reply.json()).code], [403, 'login_failed']);
  }
  const flood = await Promise.all(
    Array.from({ length: 50 }, () => login(rig, ADMIN_KEY, from('203.0.113.9'))),
  );
  for (const reply of flood) {
    assert.equal(reply.status, 429);
    assert.equal(Object(reply.json()).code, 'too_many_logins');
    assert.equal(reply.headers['retry-after'], '600');
    assert.equal(reply.headers['set-cookie'], undefined, 'not even by the right key');
  }
  assert.equal((await login(rig, ADMIN_KEY, from('203.0.113.10'))).status, 200);
  await clock.advance(600_000);
  assert.equal((await login(rig, ADMIN_KEY, from('203.0.113.9'))).status, 200);
});

test('links count as logins: nobody tries them through', async (t) => {
  const rig = await startRig(t, CLOSED);
  for (let count = 0; count < FAILURES_MAX; count++) {
    assert.equal((await call(rig, `/login?link=guess${count}`)).status, 403);
  }
  assert.equal((await call(rig, '/login?link=one-more')).status, 429);
  assert.equal((await login(rig, ADMIN_KEY)).status, 429);
});

test('a login link opens the panel once', async (t) => {
  const rig = await startRig(t, { ...CLOSED, publicUrl: 'http://nas:8000/tv' });
  const made = await call(rig, '/login-links', { method: 'POST', headers: { 'X-API-Key': ADMIN_KEY } });
  const { expires_at, url } = Object(made.json());
  assert.ok(Date.parse(expires_at) - Date.now() > 9 * 60_000);
  const { pathname, search } = new URL(url);
  assert.equal(pathname, '/tv/login');

  assert.notEqual(
    (await call(rig, `/login${search}`, { method: 'HEAD' })).status,
    303,
    'a look uses nothing up',
  );
  const opened = await call(rig, `/login${search}`);
  assert.equal(opened.status, 303);
  assert.equal(opened.headers.location, 'http://nas:8000/tv/panel/');
  assert.equal(await statusOf(rig, '/keys', { Cookie: cookieOf(opened) }), 200);

  const replayed = await call(rig, `/login${search}`);
  assert.deepEqual([replayed.status, Object(replayed.json()).code], [403, 'login_failed']);
  assert.equal(replayed.headers['set-cookie'], undefined);
});

test('/login without a link leads to the panel', async (t) => {
  const rig = await startRig(t, CLOSED);
  const reply = await call(rig, '/login');
  assert.deepEqual([reply.status, reply.headers.location], [303, `${rig.url}/panel/`]);
  assert.equal(reply.headers['set-cookie'], undefined);
});

test('no page of another host logs anybody in or out', async (t) => {
  const rig = await startRig(t, CLOSED);
  for (const headers of [
    { Origin: 'https://evil.example' },
    { 'Sec-Fetch-Site': 'cross-site' },
    { Host: 'evil.example' },
  ]) {
    assert.equal((await login(rig, ADMIN_KEY, headers)).status, 403);
    assert.equal((await call(rig, '/logout', { method: 'POST', headers })).status, 403);
    assert.equal((await call(rig, '/whoami', { headers })).status, 403);
  }
});

test('what is no key is refused as it is', async (t) => {
  const rig = await startRig(t, CLOSED);
  for (const key of ['', 'x'.repeat(601), 7, null, ['a'], { $gt: '' }]) {
    const { status } = await login(rig, key);
    assert.ok(status === 400 || status === 403, `${JSON.stringify(key)}: ${status}`);
  }
  const { status } = await call(rig, '/login', {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: '{',
  });
  assert.equal(status, 400);
});

test('the log tells of logins, and holds neither key nor cookie nor link', async (t) => {
  const lines: string[] = [];
  const sink = new Writable({
    write(chunk, _encoding, done) {
      lines.push(String(chunk));
      done();
    },
  });
  const rig = await startRig(t, { ...CLOSED, log: pino({ level: 'trace' }, sink) });
  const cookie = cookieOf(await login(rig, 'key-of-the-operator'));
  await login(rig, 'wrong\r\n{"level":60,"msg":"forged"}');
  const made = await call(rig, '/login-links', { method: 'POST', headers: { 'X-API-Key': ADMIN_KEY } });
  const link = new URL(Object(made.json()).url).searchParams.get('link') ?? '';
  await call(rig, `/login?link=${link}`);
  await call(rig, `/login?link=${link}`);
  const text = lines.join('');
  assert.match(text, /"keyName":"night shift".*logged in/);
  assert.match(text, /a login failed/);
  for (const secret of ['key-of-the-operator', ADMIN_KEY, cookie.split('=')[1] ?? '', link, 'forged']) {
    assert.ok(secret.length > 5 && !text.includes(secret), secret);
  }
  for (const line of text.trim().split('\n')) assert.doesNotThrow(() => JSON.parse(line));
});

test('bombs of headers and cookies are refused, or read in no time, and what follows is answered', async (t) => {
  const rig = await startRig(t, CLOSED);
  const cookies = 'a=b; '.repeat(2_000);
  assert.equal(await statusOf(rig, '/whoami', { Cookie: cookies }), 200);
  assert.equal((await whoami(rig, { Cookie: `${cookies}acemux_session=guess` }))['role'], 'guest');
  assert.equal(await statusOf(rig, '/whoami', { Cookie: 'a=b; '.repeat(4_000) }), 431);
  assert.equal(await statusOf(rig, '/whoami', { Authorization: `Bearer ${'x'.repeat(15_000)}` }), 200);
  const many = Object.fromEntries(
    Array.from({ length: 1_500 }, (_, index) => [`X-${index}`, 'y'.repeat(10)]),
  );
  assert.equal(await statusOf(rig, '/whoami', many), 431);
  assert.equal(await statusOf(rig, '/whoami', {}), 200);
});
