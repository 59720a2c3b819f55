import assert from 'node:assert/strict';
import { Writable } from 'node:stream';
import { test } from 'node:test';
import { pino } from 'pino';
import { NO_LISTS } from '../access/address-lists.ts';
import { digestOf } from '../access/digest.ts';
import { type ConfiguredKey, KeyRing } from '../access/key-ring.ts';
import { MemoryKeyStore } from '../access/key-store.ts';
import { FAILURES_MAX, LoginAttempts } from '../access/login-attempts.ts';
import { LoginSessions } from '../access/login-sessions.ts';
import { TokenSigner } from '../access/signed-token.ts';
import { systemClock } from '../base/clock.ts';
import { ManualClock } from '../base/manual-clock.ts';
import { AcemuxError } from '../base/reasons.ts';
import { silentLog } from '../telemetry/log.ts';
import { AccessControl } from './access-control.ts';
import { ADMIN_KEY, call, HASH, LOOPBACK_PROXY, type Rig, SIGNING_SECRETS, startRig } from './testing/rig.ts';

const STRANGER = { 'X-Forwarded-For': '203.0.113.9' };
const GUEST = 'the-key-of-a-guest';
const GUEST_KEY: ConfiguredKey = {
  name: 'guest',
  role: 'operator',
  digest: digestOf(GUEST).toString('hex'),
  limits: undefined,
};
const PLAY = `/ace/getstream?id=${HASH}`;
const VIEWS = [
  '/proxy/status',
  '/api/v1/proxy/sessions',
  '/metrics',
  '/openapi.json',
  '/docs/',
  '/docs/static/index.css',
];

async function answerOf(rig: Rig, path: string, headers: Record<string, string> = {}): Promise<string> {
  const reply = await call(rig, path, { headers });
  return reply.status < 400 ? 'allowed' : `${reply.status} ${Object(reply.json()).code}`;
}

test('a trusted proxy that is no address is an error at once', () => {
  const parts = {
    policy: { play: 'private', view: 'private' },
    lists: NO_LISTS,
    keys: new KeyRing({
      adminKey: ADMIN_KEY,
      configured: [],
      store: new MemoryKeyStore(),
      clock: systemClock,
    }),
    signer: new TokenSigner(SIGNING_SECRETS),
    logins: new LoginSessions(systemClock),
    attempts: new LoginAttempts(systemClock),
    clock: systemClock,
  } as const;
  assert.throws(
    () => new AccessControl({ ...parts, trustedProxies: ['traefik'], log: silentLog() }),
    (error) =>
      error instanceof AcemuxError && error.code === 'config_invalid' && /traefik/.test(error.message),
  );
});

test('private: this machine may play and look without a key', async (t) => {
  const rig = await startRig(t);
  for (const path of [PLAY, ...VIEWS]) assert.equal(await answerOf(rig, path), 'allowed', path);
});

test('private: a stranger needs the right key for each area', async (t) => {
  const rig = await startRig(t, { trustedProxies: LOOPBACK_PROXY });
  for (const path of [PLAY, ...VIEWS]) {
    assert.equal(await answerOf(rig, path, STRANGER), '401 key_required', path);
    assert.equal(await answerOf(rig, path, { ...STRANGER, 'X-API-Key': 'wrong' }), '403 key_wrong', path);
    assert.equal(await answerOf(rig, path, { ...STRANGER, 'X-API-Key': ADMIN_KEY }), 'allowed', path);
    const bearer = { ...STRANGER, Authorization: `Bearer ${ADMIN_KEY}` };
    assert.equal(await answerOf(rig, path, bearer), 'allowed', path);
  }
  assert.equal(rig.joins.length, 2, 'nobody joined without the key');
  assert.deepEqual(
    rig.joins.map(({ viewer }) => viewer.address),
    ['203.0.113.9', '203.0.113.9'],
  );
});

test('a stranger does not even reach HEAD of a stream', async (t) => {
  const rig = await startRig(t, { trustedProxies: LOOPBACK_PROXY });
  const reply = await call(rig, PLAY, { method: 'HEAD', headers: STRANGER });
  assert.equal(reply.status, 401);
  assert.match(reply.headers['www-authenticate'] ?? '', /^Bearer/);
  assert.equal(reply.headers['access-control-allow-origin'], '*');
});

test('key: this machine needs it too', async (t) => {
  const rig = await startRig(t, { playAccess: 'key', viewAccess: 'key' });
  for (const path of [PLAY, ...VIEWS]) {
    assert.equal(await answerOf(rig, path), '401 key_required', path);
    assert.equal(await answerOf(rig, path, { 'X-API-Key': ADMIN_KEY }), 'allowed', path);
  }
});

test('open: strangers may play, and looking is another matter', async (t) => {
  const rig = await startRig(t, { playAccess: 'open', trustedProxies: LOOPBACK_PROXY });
  assert.equal(await answerOf(rig, PLAY, STRANGER), 'allowed');
  assert.equal(await answerOf(rig, '/proxy/status', STRANGER), '401 key_required');
});

test('a proxy that is not trusted does not open the house: it is named in each reply, and once in the log', async (t) => {
  const lines: string[] = [];
  const sink = new Writable({
    write(chunk, _encoding, done) {
      lines.push(String(chunk));
      done();
    },
  });
  const rig = await startRig(t, { log: pino({ level: 'warn' }, sink) });
  for (let count = 0; count < 3; count += 1) {
    const reply = await call(rig, '/proxy/status', { headers: { 'X-Forwarded-For': '192.168.1.5' } });
    assert.equal(reply.status, 403);
    const { code, detail } = Object(reply.json());
    assert.equal(code, 'proxy_not_trusted');
    assert.match(detail, /add 127\.0\.0\.1 to TRUSTED_PROXIES/);
  }
  const headers = { 'X-Forwarded-For': '192.168.1.5', 'X-API-Key': ADMIN_KEY };
  assert.equal(await answerOf(rig, '/proxy/status', headers), 'allowed', 'the right key needs no address');
  const warnings = lines.filter((line) => line.includes('TRUSTED_PROXIES'));
  assert.equal(warnings.length, 1);
  assert.match(warnings[0] ?? '', /"proxy":"127\.0\.0\.1"/);
});

test('supervisors need no key', async (t) => {
  const rig = await startRig(t, { viewAccess: 'key', playAccess: 'key', trustedProxies: LOOPBACK_PROXY });
  for (const path of [
    '/health',
    '/health/live',
    '/livez',
    '/health/ready',
    '/readyz',
    '/api/v1/health/ready',
  ]) {
    assert.equal(await answerOf(rig, path, STRANGER), 'allowed', path);
  }
});

test('no log line holds a key or a query', async (t) => {
  const lines: string[] = [];
  const sink = new Writable({
    write(chunk, _encoding, done) {
      lines.push(String(chunk));
      done();
    },
  });
  const rig = await startRig(t, {
    log: pino({ level: 'trace' }, sink),
    playAccess: 'key',
    viewAccess: 'key',
  });
  const headers = { Authorization: 'Bearer guessed-key-1', 'X-API-Key': ADMIN_KEY };
  await call(rig, `${PLAY}&token=secret-token`, { headers });
  await call(rig, '/proxy/status', { headers });
  await call(rig, '/nothing?token=secret-token', { headers });
  assert.ok(
    lines.some((line) => line.includes('key_wrong')),
    'the refusals were logged',
  );
  assert.doesNotMatch(lines.join(''), new RegExp(`guessed-key-1|${ADMIN_KEY}|secret-token`));
});

test('different wrong keys are tried ten times from one address; then no key is looked at there that was not right before', async (t) => {
  const clock = new ManualClock();
  const rig = await startRig(t, { clock, trustedProxies: LOOPBACK_PROXY, keys: [GUEST_KEY] });
  const withKey = (key: string) => ({ ...STRANGER, 'X-API-Key': key });
  assert.equal(await answerOf(rig, '/streams', withKey(GUEST)), 'allowed');
  for (let count = 1; count <= FAILURES_MAX; count++) {
    const guess = count % 2 === 0 ? `/streams?token=guess-${count}` : '/streams';
    const headers = count % 2 === 0 ? STRANGER : withKey(`guess-${count}`);
    assert.equal(await answerOf(rig, guess, headers), '403 key_wrong', `guess ${count}`);
  }
  const refused = await call(rig, '/streams', { headers: withKey('one-more') });
  assert.deepEqual([refused.status, refused.headers['retry-after']], [429, '600']);
  assert.equal(
    await answerOf(rig, '/streams', withKey(ADMIN_KEY)),
    '429 too_many_wrong_keys',
    'not even the right one',
  );
  assert.equal(await answerOf(rig, `/streams?token=${ADMIN_KEY}`, STRANGER), '429 too_many_wrong_keys');
  const whoami = await call(rig, '/whoami', { headers: withKey(ADMIN_KEY) });
  assert.equal(Object(whoami.json()).role, 'guest', 'nor does it tell which one is right');
  assert.equal(
    await answerOf(rig, '/streams', withKey(GUEST)),
    'allowed',
    'what was right there before goes on',
  );
  const elsewhere = { ...withKey(ADMIN_KEY), 'X-Forwarded-For': '203.0.113.10' };
  assert.equal(await answerOf(rig, '/streams', elsewhere), 'allowed');
  assert.equal(
    await answerOf(rig, '/streams', { 'X-API-Key': 'a-stale-key' }),
    'allowed',
    'no key is needed there',
  );
  const blocked = [...rig.parts.events.newestFirst()].filter(({ type }) => type === 'access.address_blocked');
  assert.deepEqual(
    blocked.map(({ details }) => details),
    [{ address: '203.0.113.9' }],
  );
  await clock.advance(600_000);
  assert.equal(await answerOf(rig, '/streams', withKey(ADMIN_KEY)), 'allowed');
});

test('a player that repeats an old key for ever guesses nothing, and keeps nobody out', async (t) => {
  const rig = await startRig(t, { trustedProxies: LOOPBACK_PROXY });
  for (let count = 0; count < 3 * FAILURES_MAX; count++) {
    const reply = await call(rig, `${PLAY}&token=the-key-of-last-year`, { headers: STRANGER });
    assert.equal(reply.status, 403);
  }
  assert.equal(await answerOf(rig, '/streams', { ...STRANGER, 'X-API-Key': ADMIN_KEY }), 'allowed');
});
