/** Every route of the OpenAPI document x everybody who may ask for it. A new route needs a line in RULES. */
import assert from 'node:assert/strict';
import { request as httpRequest } from 'node:http';
import { test } from 'node:test';
import { digestOf } from '../access/digest.ts';
import type { Area } from '../access/guard.ts';
import type { ConfiguredKey } from '../access/key-ring.ts';
import { ROLES, type Role } from '../access/roles.ts';
import { TokenSigner } from '../access/signed-token.ts';
import {
  ADMIN_KEY,
  call,
  HASH,
  LOOPBACK_PROXY,
  playingSession,
  type Rig,
  SIGNING_SECRETS,
  startRig,
} from './testing/rig.ts';

/** `unguessable`: a playing path that nobody knows but whom acemux gave it; whoever knows it may use it. */
type Rule = Area | 'unguessable';

const RULES: Readonly<Record<string, Rule>> = {
  'GET /ace/cmd/{infohash}/{token}': 'unguessable',
  'GET /ace/getstream': 'play',
  'GET /ace/hls/streams/{stream}/{segment}': 'unguessable',
  'GET /ace/hls/viewers/{viewer}/index.m3u8': 'play',
  'GET /ace/manifest.m3u8': 'play',
  'GET /ace/r/{infohash}/{token}': 'unguessable',
  'GET /ace/stat/{infohash}/{token}': 'unguessable',
  'GET /ace/status': 'view',
  'GET /by-label': 'operate',
  'GET /clients': 'view',
  'DELETE /clients/{id}': 'operate',
  'GET /containers/{id}': 'view',
  'DELETE /containers/{id}': 'operate',
  'GET /engines': 'view',
  'GET /engines/stats/all': 'view',
  'GET /engines/stats/total': 'view',
  'GET /engines/{id}': 'view',
  'POST /events/cleanup': 'operate',
  'PATCH /streams/{id}': 'operate',
  'POST /streams/{id}/move': 'operate',
  'GET /settings': 'admin',
  'GET /settings/audit': 'admin',
  'GET /settings/{key}': 'admin',
  'PUT /settings/{key}': 'admin',
  'DELETE /settings/{key}': 'admin',
  'DELETE /engines/{id}': 'operate',
  'POST /engines/{id}/drain': 'operate',
  'POST /engines/{id}/restart': 'operate',
  'GET /engines/{id}/stats': 'view',
  'POST /engines/{id}/undrain': 'operate',
  'GET /events': 'view',
  'GET /events/stats': 'view',
  'POST /events/stream_ended': 'operate',
  'POST /events/stream_started': 'operate',
  'GET /events/stream': 'view',
  'POST /gc': 'operate',
  'POST /health/circuit-breaker/reset': 'operate',
  'GET /health/status': 'overview',
  'GET /orchestrator/status': 'overview',
  'POST /provision': 'operate',
  'POST /provision/acestream': 'operate',
  'POST /scale/{n}': 'operate',
  'GET /health': 'open',
  'GET /health/live': 'open',
  'GET /health/ready': 'open',
  'GET /overview': 'view',
  'GET /history': 'view',
  'GET /history/evidence': 'view',
  'GET /history/streams': 'view',
  'GET /history/streams/{id}': 'view',
  'GET /history/timeline': 'view',
  'GET /keys': 'admin',
  'POST /keys': 'admin',
  'DELETE /keys/{id}': 'admin',
  'GET /livez': 'open',
  'GET /login': 'entry',
  'POST /login': 'entry',
  'POST /login-links': 'admin',
  'POST /logout': 'entry',
  'GET /metrics': 'metrics',
  'GET /openapi.json': 'overview',
  'GET /proxy/sessions': 'view',
  'GET /proxy/sessions/{id}': 'view',
  'GET /proxy/status': 'overview',
  'GET /readyz': 'open',
  'GET /search': 'play',
  'GET /server/api': 'play',
  'POST /signed-urls': 'admin',
  'GET /streams': 'view',
  'POST /streams/batch-stop': 'operate',
  'DELETE /streams/{id}': 'operate',
  'GET /streams/{id}/extended-stats': 'view',
  'GET /streams/{id}/livepos': 'view',
  'GET /streams/{id}/stats': 'view',
  'GET /vpn/publicip': 'view',
  'GET /vpn/status': 'view',
  'GET /webui/api/service': 'play',
  'GET /whoami': 'entry',
};

/** What everybody may do; beside it what the key is for. */
const FOR_ALL: readonly Rule[] = ['open', 'entry', 'unguessable'];
const FOR_ROLE: Readonly<Record<Role, readonly Rule[]>> = {
  admin: ['play', 'overview', 'metrics', 'view', 'operate', 'admin'],
  operator: ['play', 'overview', 'metrics', 'view', 'operate'],
  viewer: ['play', 'overview'],
  metrics: ['metrics'],
};
const WITHOUT_KEY_AT_HOME: readonly Rule[] = ['play', 'overview', 'metrics', 'view'];

const KEYS: readonly ConfiguredKey[] = ROLES.filter((role) => role !== 'admin').map((role) => ({
  name: role,
  role,
  digest: digestOf(`key-of-${role}`).toString('hex'),
  limits: undefined,
}));
const keyOf = (role: Role): string => (role === 'admin' ? ADMIN_KEY : `key-of-${role}`);

const signer = new TokenSigner(SIGNING_SECRETS);
const signedFor = (seconds: number): string =>
  signer.sign({
    expiresAtMs: Date.now() + seconds * 1000,
    ...{ stream: undefined, address: undefined, keyId: undefined, limits: undefined },
  });

interface Asker {
  readonly who: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly query?: string;
  readonly may: readonly Rule[];
  /** The code of the refusal. */
  readonly otherwise: string;
}

/** Who asks where everybody needs a key. */
const ASKERS: readonly Asker[] = [
  { who: 'nobody', headers: {}, may: [], otherwise: 'key_required' },
  { who: 'a wrong key', headers: { 'X-API-Key': 'guessed' }, may: [], otherwise: 'key_wrong' },
  { who: 'no session', headers: { Cookie: 'acemux_session=guessed' }, may: [], otherwise: 'key_required' },
  ...ROLES.map((role) => ({
    who: `the key of ${role}`,
    headers: { Authorization: `Bearer ${keyOf(role)}` },
    may: FOR_ROLE[role],
    otherwise: 'role_not_enough',
  })),
];

async function operationsOf(rig: Rig): Promise<string[]> {
  const document = await call(rig, '/openapi.json', { headers: { 'X-API-Key': ADMIN_KEY } });
  const { paths } = Object(document.json());
  return Object.entries<object>(paths).flatMap(([path, operations]) =>
    Object.keys(operations).map((method) => `${method.toUpperCase()} ${path}`),
  );
}

/** The refusal of a request by who asks; undefined if it got as far as its route. Nothing is read but the answer's head. */
function refusalOf(
  rig: Rig,
  method: string,
  path: string,
  { headers, query }: Asker,
): Promise<string | undefined> {
  const filled = path
    .replace('{infohash}', HASH)
    .replace('{n}', '1')
    .replace(/\{\w+\}/g, 'x');
  const name = path.endsWith('getstream') || path.endsWith('.m3u8') ? `id=${HASH}` : 'a=b';
  const target = `${filled}?${name}${query ?? ''}`;
  return new Promise((resolve, reject) => {
    const request = httpRequest(
      { host: '127.0.0.1', port: rig.port, method, path: target, headers, agent: false },
      (response) => {
        const { statusCode = 0 } = response;
        // Some replies never end.
        if (statusCode !== 401 && statusCode !== 403) {
          response.destroy();
          resolve(undefined);
          return;
        }
        let text = '';
        response.setEncoding('utf8');
        response.on('data', (chunk: string) => {
          text += chunk;
        });
        response.once('end', () => {
          if (method === 'HEAD') return resolve(String(statusCode));
          const { code, response: engineForm } = Object(JSON.parse(text));
          resolve(code ?? String(engineForm));
        });
      },
    );
    request.once('error', reject);
    request.end();
  });
}

/** Paths that are no playing paths answer below /api/v1 as well. */
function placesOf(path: string): string[] {
  const isOnce = path.startsWith('/ace/') && path !== '/ace/status';
  const once = ['/search', '/server/api', '/webui/api/service'];
  return isOnce || once.includes(path) ? [path] : [path, `/api/v1${path}`];
}

async function checkAll(rig: Rig, askers: readonly Asker[], ofRule: (rule: Rule) => boolean = () => true) {
  const wrong: string[] = [];
  for (const [operation, rule] of Object.entries(RULES).filter(([, rule]) => ofRule(rule))) {
    const [method = '', path = ''] = operation.split(' ');
    const asks = placesOf(path).flatMap((place) => askers.map((asker) => ({ place, asker })));
    await Promise.all(
      asks.map(async ({ asker, place }) => {
        const expected = [...FOR_ALL, ...asker.may].includes(rule) ? undefined : asker.otherwise;
        const refusal = await refusalOf(rig, method, place, asker);
        if (refusal !== expected) wrong.push(`${asker.who}: ${method} ${place} ${refusal}, not ${expected}`);
      }),
    );
  }
  assert.deepEqual(wrong, []);
}

test('every route has a rule here, and every rule a route', async (t) => {
  const rig = await startRig(t);
  assert.deepEqual((await operationsOf(rig)).sort(), Object.keys(RULES).sort());
});

test('where everybody needs a key, each key opens what its role says, and nothing else does', async (t) => {
  const rig = await startRig(t, { playAccess: 'key', viewAccess: 'key', keys: KEYS });
  await checkAll(rig, ASKERS);
});

test('a look at the headers needs the same key', async (t) => {
  const rig = await startRig(t, { playAccess: 'key', viewAccess: 'key', keys: KEYS });
  const wrong: string[] = [];
  for (const [operation, rule] of Object.entries(RULES)) {
    const [method = '', path = ''] = operation.split(' ');
    // These two have no HEAD: one uses a link up, the other has no end.
    if (method !== 'GET' || path === '/login' || path === '/events/stream') continue;
    for (const asker of ASKERS) {
      const isRefused = (await refusalOf(rig, 'HEAD', path, asker)) !== undefined;
      if (isRefused === [...FOR_ALL, ...asker.may].includes(rule)) wrong.push(`${asker.who}: HEAD ${path}`);
    }
  }
  assert.deepEqual(wrong, []);
});

test('a key in the URL opens the same, where nothing is changed, and nothing where something is', async (t) => {
  const rig = await startRig(t, { playAccess: 'key', viewAccess: 'key', keys: KEYS });
  const askers = ROLES.map((role) => ({
    who: `?token= of ${role}`,
    headers: {},
    query: `&token=${keyOf(role)}`,
    may: FOR_ROLE[role].filter((rule) => rule !== 'admin' && rule !== 'operate'),
    otherwise: 'role_not_enough',
  }));
  const isChange = (rule: Rule): boolean => rule === 'operate' || rule === 'admin';
  await checkAll(rig, askers, (rule) => !isChange(rule));
  for (const [operation, rule] of Object.entries(RULES)) {
    const [method = '', path = ''] = operation.split(' ');
    if (!isChange(rule) || method === 'GET') continue;
    const asker = { who: '', headers: {}, query: `&token=${ADMIN_KEY}`, may: [], otherwise: '' };
    assert.equal(await refusalOf(rig, method, path, asker), 'key_required', operation);
  }
});

test('a signed URL plays, and does nothing else', async (t) => {
  const rig = await startRig(t, { playAccess: 'key', viewAccess: 'key' });
  const good = { who: 'signed', headers: {}, query: `&token=${signedFor(60)}`, may: ['play'] } as const;
  await checkAll(
    rig,
    [{ ...good, otherwise: 'role_not_enough' }],
    (rule) => rule !== 'operate' && rule !== 'admin',
  );
  for (const [token, code] of [
    [signedFor(-1), 'signed_url_expired'],
    [signedFor(60).slice(0, -1), 'signed_url_wrong'],
    [
      new TokenSigner(['another secret']).sign({
        expiresAtMs: Date.now() + 60_000,
        stream: undefined,
        address: undefined,
        keyId: undefined,
        limits: undefined,
      }),
      'signed_url_wrong',
    ],
  ] as const) {
    const asker = { who: code, headers: {}, query: `&token=${token}`, may: [], otherwise: code };
    await checkAll(rig, [asker], (rule) => rule === 'play' || FOR_ALL.includes(rule));
  }
});

test('private: the house plays and looks without a key, strangers and whoever hides behind a proxy do not', async (t) => {
  const rig = await startRig(t, { trustedProxies: LOOPBACK_PROXY, keys: KEYS });
  await checkAll(rig, [
    { who: 'the house', headers: {}, may: WITHOUT_KEY_AT_HOME, otherwise: 'key_required' },
    {
      who: 'a stranger',
      headers: { 'X-Forwarded-For': '203.0.113.9' },
      may: [],
      otherwise: 'key_required',
    },
    {
      who: 'a stranger who says that he is at home',
      headers: { 'X-Forwarded-For': '192.168.1.5, 203.0.113.9' },
      may: [],
      otherwise: 'key_required',
    },
  ]);
  const untrusting = await startRig(t);
  await checkAll(
    untrusting,
    [
      {
        who: 'a proxy',
        headers: { 'X-Forwarded-For': '192.168.1.5' },
        may: [],
        otherwise: 'proxy_not_trusted',
      },
    ],
    (rule) => WITHOUT_KEY_AT_HOME.includes(rule),
  );
});

test('open: whoever it is plays and looks, and changes nothing', async (t) => {
  const rig = await startRig(t, { playAccess: 'open', viewAccess: 'open', trustedProxies: LOOPBACK_PROXY });
  const headers = { 'X-Forwarded-For': '203.0.113.9' };
  await checkAll(rig, [{ who: 'a stranger', headers, may: WITHOUT_KEY_AT_HOME, otherwise: 'key_required' }]);
});

test('nothing that a viewer’s key opens tells of others: no stream, no engine, no session', async (t) => {
  const session = playingSession();
  const rig = await startRig(t, { playAccess: 'key', viewAccess: 'key', keys: KEYS, sessions: [session] });
  const secrets = [session.streamId, session.infohash, session.sessionId, session.engine?.host];
  for (const [operation, rule] of Object.entries(RULES)) {
    const [method = '', path = ''] = operation.split(' ');
    if (rule !== 'overview' || method !== 'GET') continue;
    for (const place of placesOf(path)) {
      const { status, text } = await call(rig, place, { headers: { 'X-API-Key': keyOf('viewer') } });
      assert.equal(status, 200, place);
      for (const secret of secrets) assert.ok(secret && !text.includes(secret), `${place} tells ${secret}`);
    }
  }
  const { sessions, ...numbers } = Object(
    (await call(rig, '/proxy/status', { headers: { 'X-API-Key': keyOf('viewer') } })).json(),
  );
  assert.deepEqual(sessions, []);
  assert.deepEqual(numbers, { running: true, total_sessions: 1, active_sessions: 1, total_clients: 2 });
  const operator = await call(rig, '/proxy/status', { headers: { 'X-API-Key': keyOf('operator') } });
  assert.equal(Object(operator.json()).sessions.length, 1);
});
