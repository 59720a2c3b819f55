/** Every status and reason of DESIGN 2.2, provoked from one end of acemux to the other. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { REASONS, type Reason, type ReasonCode } from '../../src/base/reasons.ts';
import { StaticProvider } from '../../src/fleet/providers/static/static-provider.ts';
import { listedCatalogue } from '../../src/simulator/catalogue.ts';
import type { Fault } from '../../src/simulator/faults.ts';
import { ID, type Rig, type RigOptions, startRig, until } from '../support/rig.ts';
import type { Viewer } from '../support/viewer.ts';
import { beginMedia, replyJson, startWireServer, type WireRequest } from '../support/wire-server.ts';

const STREAM = `/ace/getstream?id=${ID}`;
const KEY = 'the-key-of-the-house';
const NO_KEY_FROM_AFAR = { server: { trustedProxies: ['127.0.0.1'] } };
const FROM_AFAR = ['X-Forwarded-For: 203.0.113.9'];
const FILES = [{ name: 'film.ts', durationSeconds: 1 }];

interface Case {
  readonly code: ReasonCode;
  /** Where this reason has more than one cause. */
  readonly because?: string;
  readonly options?: RigOptions;
  readonly faults?: readonly Fault[];
  /** An engine that does what no simulated one does, instead of one. */
  readonly wireEngine?: (request: WireRequest) => void;
  /** What has to be the case before the request. */
  readonly before?: (rig: Rig) => Promise<void>;
  readonly method?: string;
  readonly path?: string;
  readonly headers?: readonly string[];
}

const idOf = (number: number): string => number.toString(16).padStart(40, 'a');

const RECORDED: RigOptions = {
  engines: [{ catalogue: listedCatalogue([{ infohash: idOf(7), contentIds: [ID], files: FILES }]) }],
};

/** An engine whose broadcast is something else than MPEG-TS. */
function playsFile(request: WireRequest): void {
  const url = (kind: string): string => `http://x/ace/${kind}/${idOf(7)}/token`;
  if (request.path === '/ace/getstream') {
    const addresses = { playback_url: url('r'), stat_url: url('stat'), command_url: url('cmd') };
    replyJson(request, { response: { ...addresses, infohash: idOf(7), is_live: 1 }, error: null });
  } else if (request.path.startsWith('/ace/r/')) {
    beginMedia(request);
    request.socket.write(Buffer.alloc(4_000_000, 'This is a film, but not MPEG-TS. '));
  } else {
    replyJson(request, { response: 'ok', result: { version: '3.2.3', connected: true }, error: null });
  }
}

async function becomeIll(rig: Rig): Promise<void> {
  await until(() => rig.app.fleet.readiness().healthy === 0);
}

const CASES: readonly Case[] = [
  // ── the request ──
  { code: 'id_missing', path: '/ace/getstream' },
  { code: 'id_missing', because: 'the name of the parameter is misspelt', path: `/ace/getstream?ID=${ID}` },
  { code: 'id_ambiguous', path: `/ace/getstream?id=${ID}&infohash=${ID}` },
  { code: 'id_ambiguous', because: 'it is given twice', path: `/ace/getstream?id=${ID}&id=${ID}` },
  { code: 'id_malformed', path: '/ace/getstream?id=' },
  {
    code: 'id_malformed',
    because: 'a control character is in it',
    path: `/ace/getstream?id=${ID.slice(1)}%00`,
  },
  {
    code: 'id_malformed',
    because: 'a line break is in it',
    path: `/ace/getstream?id=${ID.slice(20)}%0d%0aX:%20y%0a`,
  },
  { code: 'id_malformed', because: 'it is a URL', path: '/ace/getstream?id=http://10.0.0.1:6878/x' },
  { code: 'id_malformed', because: 'it smuggles a parameter', path: `/ace/getstream?id=${ID}%26pid%3D1` },
  { code: 'bad_request', because: 'a parameter is given twice', path: `${STREAM}&quality=a&quality=b` },
  { code: 'bad_request', because: 'a parameter is no text', path: `${STREAM}&quality=a%0Ab` },
  { code: 'bad_request', because: 'the path cannot be read', path: '/proxy/sessions/%zz' },
  { code: 'method_unknown', path: '/server/api?api_version=3&method=get_server_settings' },
  { code: 'key_required', options: { config: NO_KEY_FROM_AFAR }, headers: FROM_AFAR },
  {
    code: 'key_wrong',
    options: { config: { access: { play: 'key', apiKey: KEY } } },
    headers: ['Authorization: Bearer guessed'],
  },
  { code: 'proxy_not_trusted', headers: FROM_AFAR },
  {
    code: 'address_not_allowed',
    options: { config: { access: { playDeny: ['127.0.0.0/8'] } } },
    headers: [`Authorization: Bearer ${KEY}`],
  },
  { code: 'login_failed', path: '/login?link=guessed' },
  { code: 'host_not_allowed', path: '/proxy/status', headers: ['Host: evil.example'] },
  { code: 'cross_site', path: '/proxy/status', headers: ['Origin: https://evil.example'] },
  { code: 'not_found', path: '/nothing' },
  { code: 'session_unknown', path: `/ace/status?id=${ID}` },
  {
    code: 'session_unknown',
    because: 'its name is forged',
    path: '/proxy/sessions/a%0A%7B%22level%22:60%7D',
  },
  { code: 'method_not_allowed', method: 'DELETE' },
  { code: 'headers_too_large', headers: [`X-Long: ${'x'.repeat(17 * 1024)}`] },
  {
    code: 'headers_too_large',
    because: 'the query has 10 MB',
    path: `${STREAM}&x=${'x'.repeat(10_000_000)}`,
  },
  {
    code: 'body_too_large',
    method: 'OPTIONS',
    headers: ['Content-Type: text/plain', `Content-Length: ${64 * 1024 + 1}`],
  },

  // ── the content ──
  { code: 'content_unknown', options: { engines: [{ catalogue: listedCatalogue([]) }] } },
  {
    code: 'content_unknown',
    because: 'nobody knows what is in it',
    options: { engines: [{ catalogue: listedCatalogue([]) }] },
    path: `/server/api?api_version=3&method=get_media_files&content_id=${ID}`,
  },
  { code: 'content_scrambled', options: { engines: [{ media: 'scrambled' }] } },
  {
    code: 'paid_option_missing',
    faults: [
      { kind: 'errorJson', error: 'Buy', extraData: { reason: 'missing_option', option: 'proxyServer' } },
    ],
  },
  { code: 'foreign_redirect', faults: [{ kind: 'redirectForeign', url: 'http://origin.example/live.m3u8' }] },
  { code: 'not_mpegts', wireEngine: playsFile },
  { code: 'file_unknown', options: RECORDED, path: `${STREAM}&_idx=7` },
  { code: 'range_unsatisfiable', options: RECORDED, headers: ['Range: bytes=99999999-'] },

  // ── the engine ──
  {
    code: 'engine_unreachable',
    faults: [{ kind: 'refuse' }],
    // It is asked once more after a second.
    options: { config: { streams: { emptyTimeoutMs: 5_000 } } },
  },
  { code: 'engine_busy', faults: [{ kind: 'http503' }] },
  {
    code: 'engine_broken',
    faults: [{ kind: 'errorJson', error: 'oops at http://10.9.8.7:6878/\r\n{"level":60}' }],
  },
  { code: 'engine_protocol', faults: [{ kind: 'htmlBody' }] },
  { code: 'engine_protocol', because: 'it answers without an end', faults: [{ kind: 'hugeBody' }] },
  { code: 'engine_closed', faults: [{ kind: 'cut', how: 'rst', afterBytes: 0 }] },
  { code: 'engine_timeout', faults: [{ kind: 'hangBeforeHeaders', routes: ['start'] }] },
  {
    code: 'engine_refuses_call',
    options: { engines: [{ profile: { contentMethods: 'not-found' } }] },
    path: '/search?query=x',
  },
  { code: 'zero_peers', faults: [{ kind: 'zeroPeers' }] },
  { code: 'no_media', faults: [{ kind: 'peersNoData', peers: 5 }] },
  {
    code: 'playback_unknown',
    faults: [{ kind: 'mediaStatus', status: 500, body: 'unknown playback session id' }],
  },

  // ── the fleet and the house ──
  { code: 'no_engines_configured', options: { engines: [] } },
  { code: 'no_engine_available', faults: [{ kind: 'refuse' }], before: becomeIll },
  {
    code: 'no_engine_available',
    because: 'nobody can be asked',
    faults: [{ kind: 'refuse' }],
    before: becomeIll,
    path: '/search',
  },
  {
    code: 'no_capacity',
    options: { config: { engines: { maxStreamsPerEngine: 1, selectionTimeoutMs: 50 } } },
    before: async (rig) => void (await rig.watch(`id=${idOf(1)}`).received(1)),
  },
  {
    code: 'overloaded',
    faults: [{ kind: 'hangBeforeHeaders', routes: ['other'] }],
    before: async (rig) => {
      for (let count = 0; count < 16; count++) rig.send('GET /search?query=x HTTP/1.1\r\nHost: x\r\n\r\n');
      await until(() => (rig.engine.counters.requestsByRoute.get('other') ?? 0) === 16);
    },
    path: '/search?query=x',
  },
  {
    code: 'draining',
    before: async (rig) => {
      await rig.watch().received(1);
      void rig.app.drain();
    },
  },
];

/** Reasons that answer requests and take more than a request to provoke: who shows them. */
const ELSEWHERE: Readonly<Partial<Record<ReasonCode, string>>> = {
  request_timeout: 'src/http/connections.test.ts',
  too_many_connections: 'src/http/connection-bounds.test.ts',
  starting: 'src/http/consultations.test.ts',
  internal: 'src/http/server.test.ts',
  lease_unknown: 'src/http/routes/lease.test.ts',
  command_unsupported: 'src/http/routes/lease.test.ts',
  too_many_leases: 'src/session/lease-book.test.ts',
  playlist_unknown: 'test/integration/hls.test.ts',
  segment_unknown: 'test/integration/hls.test.ts',
  hls_unsupported: 'src/engine/hls-media.test.ts',
  memory: 'test/integration/capacity.test.ts',
  // For whoever can't be given a file.
  vod_not_yet: 'src/session/session.test.ts',
  infohash_in_use: 'src/session/one-broadcast.test.ts',
  superseded: 'src/session/one-broadcast.test.ts',
  retry_budget_spent: 'src/session/session.test.ts',
  // What happens to those who watch; a request meets it in the moment between two sessions only.
  source_ended: 'src/session/source-loss.test.ts',
  source_failed: 'src/session/source-loss.test.ts',
  abandoned: 'src/session/source-attempt.test.ts',
  engine_creation_paused: 'src/fleet/reconciler/reconciler.test.ts',
  provider_unreachable: 'src/fleet/reconciler/reconciler.test.ts',
  vpn_down: 'src/fleet/reconciler/reconciler.test.ts',
  host_memory: 'src/fleet/reconciler/plan-failures.test.ts',
  engine_unknown: 'src/fleet/fleet-control.test.ts',
  stream_unknown: 'src/http/routes/streams.test.ts',
  setting_unknown: 'test/integration/settings.test.ts',
  set_by_environment: 'src/config/settings.test.ts',
  setting_fixed: 'test/integration/settings.test.ts',
  setting_invalid: 'test/integration/settings.test.ts',
  client_unknown: 'test/integration/stream-control.test.ts',
  move_impossible: 'test/integration/stream-control.test.ts',
  kicked_by_operator: 'test/integration/stream-control.test.ts',
  stream_not_active: 'src/http/routes/streams.test.ts',
  max_replicas: 'src/fleet/fleet-control.test.ts',
  image_not_allowed: 'src/http/routes/provision.test.ts',
  engine_stats_unknown: 'src/http/routes/engines.test.ts',
  past_unknown: 'src/output/hls/excerpt.test.ts',
  docker_unreachable: 'src/fleet/providers/docker/creation-errors.test.ts',
  docker_forbidden: 'src/fleet/providers/docker/docker-errors.test.ts',
  docker_tls: 'src/fleet/providers/docker/docker-errors.test.ts',
  docker_protocol: 'src/fleet/providers/docker/docker-errors.test.ts',
  docker_refused: 'src/fleet/providers/docker/creation-errors.test.ts',
  docker_image_invalid: 'src/fleet/providers/docker/creation-errors.test.ts',
  docker_image_missing: 'src/fleet/providers/docker/creation-errors.test.ts',
  docker_pull_failed: 'src/fleet/providers/docker/image-store.test.ts',
  docker_name_taken: 'src/fleet/providers/docker/creation-errors.test.ts',
  docker_ports_taken: 'src/fleet/providers/docker/creation-errors.test.ts',
  docker_disk_full: 'src/fleet/providers/docker/creation-errors.test.ts',
  docker_limits: 'src/fleet/providers/docker/creation-errors.test.ts',
  docker_network_missing: 'src/fleet/providers/docker/creation-errors.test.ts',
  docker_vpn_not_running: 'src/fleet/providers/docker/creation-errors.test.ts',
  docker_start_failed: 'src/fleet/providers/docker/creation-errors.test.ts',
  role_not_enough: 'src/http/access-matrix.test.ts',
  signed_url_wrong: 'src/http/routes/signed-urls.test.ts',
  signed_url_expired: 'src/http/routes/signed-urls.test.ts',
  signed_url_elsewhere: 'src/http/routes/signed-urls.test.ts',
  too_many_logins: 'src/http/routes/login.test.ts',
  key_unknown: 'src/http/routes/keys.test.ts',
  key_configured: 'src/http/routes/keys.test.ts',
  key_name_taken: 'src/http/routes/keys.test.ts',
  too_many_keys: 'src/access/key-ring.test.ts',
  docker_not_ours: 'test/docker/engine-made.test.ts',
  vpn_address_unknown: 'src/http/routes/vpn.test.ts',
  engine_occupied: 'src/fleet/engine-starts.test.ts',
  store_unavailable: 'src/http/routes/history.test.ts',
  provider_fixed: 'src/http/routes/engines.test.ts',
  too_many_sessions: 'test/integration/limits.test.ts',
  too_many_streams: 'src/access/limits/admission.test.ts',
  too_many_viewers: 'test/integration/limits.test.ts',
  too_many_starts: 'test/integration/limits.test.ts',
  too_many_streams_of_address: 'test/integration/limits.test.ts',
  too_many_viewers_of_address: 'src/access/limits/admission.test.ts',
  too_many_starts_of_address: 'src/access/limits/admission.test.ts',
  too_many_streams_of_key: 'src/access/limits/admission.test.ts',
  too_many_viewers_of_key: 'src/access/limits/admission.test.ts',
  too_many_starts_of_key: 'src/access/limits/admission.test.ts',
  stream_replaced: 'src/access/limits/audience.test.ts',
  key_revoked: 'src/access/limits/audience.test.ts',
  too_many_wrong_keys: 'src/http/access-control.test.ts',
  bandwidth_below_stream: 'test/integration/limits.test.ts',
};

/** Starts fail soon, and engines are looked at often. */
const QUICK = {
  streams: { emptyTimeoutMs: 400, startTimeoutMs: 5_000 },
  engines: { selectionTimeoutMs: 50 },
  health: { checkIntervalMs: 20_000, failureThreshold: 1 },
} as const;

/** acemux and engines as this case needs them, in the state in which it is to be asked. */
async function houseFor(t: TestContext, each: Case): Promise<Rig> {
  const { config, ...simulated } = each.options ?? {};
  const wire = each.wireEngine && (await startWireServer(t, each.wireEngine));
  const unusual = { forwarded: false, name: undefined, vpn: undefined };
  const engines = wire
    ? { engines: [], providers: [new StaticProvider([{ ...wire.address, ...unusual }])] }
    : simulated;
  const checkIntervalMs = each.before === becomeIll ? 20 : QUICK.health.checkIntervalMs;
  const rig = await startRig(t, {
    ...engines,
    config: { ...QUICK, health: { ...QUICK.health, checkIntervalMs }, ...config },
  });
  if (each.code !== 'no_engines_configured') await until(() => rig.app.fleet.readiness().healthy > 0);
  for (const fault of each.faults ?? []) rig.engine.faults.set({ fault });
  await Promise.all(rig.engines.map((engine) => engine.settled()));
  await each.before?.(rig);
  return rig;
}

function ask(rig: Rig, { headers = [], method = 'GET', path = STREAM }: Case): Viewer {
  const host = headers.some((line) => line.startsWith('Host:')) ? [] : ['Host: 127.0.0.1'];
  const request = [`${method} ${path} HTTP/1.1`, ...host, ...headers, 'Connection: close', '', ''];
  return rig.send(request.join('\r\n'));
}

function titleOf({ code, because }: Case): string {
  return `${REASONS[code].status} ${code}${because === undefined ? '' : `: ${because}`}`;
}

async function isRefused(rig: Rig, each: Case): Promise<void> {
  const { code } = each;
  const reason: Reason = REASONS[code];
  const reply = ask(rig, each);
  assert.equal(await reply.status(), reason.status);
  await reply.end();
  const head = await reply.head();
  const text = reply.media.toString();
  const body = Object(JSON.parse(text));
  assert.equal(body.code, code, text);
  assert.match(head, /\r\nContent-Type: application\/json; charset=utf-8(\r\n|$)/i);
  assert.match(head, /\r\nX-Content-Type-Options: nosniff(\r\n|$)/i);

  assert.equal(body.retry_after_seconds, reason.retryAfterSeconds);
  const retryAfter = /\r\nRetry-After: (\d+)/i.exec(head)?.[1];
  assert.equal(
    retryAfter,
    reason.retryAfterSeconds === undefined ? undefined : `${reason.retryAfterSeconds}`,
  );

  const known = new Set(['detail', 'code', 'retry_after_seconds', 'result', 'error']);
  assert.deepEqual(
    Object.keys(body).filter((key) => !known.has(key)),
    [],
  );
  assert.ok(body.detail.length > 10 && body.detail.length < 500, body.detail);
  assert.doesNotMatch(body.detail, /[\p{Cc}\u2028\u2029]/u, 'it cannot look like a line of its own');
  for (const { port } of rig.engines) assert.ok(!text.includes(`:${port}`), 'it names no engine');
  assert.doesNotMatch(text, /10\.9\.8\.7|origin\.example|guessed/);
}

/** The request says it all: nothing about acemux or its engine is unusual. */
function isOrdinary({ options, faults, wireEngine, before }: Case): boolean {
  return [options, faults, wireEngine, before].every((unusual) => unusual === undefined);
}

test('a request that is refused for what it is', async (t) => {
  const [first, ...others] = CASES.filter(isOrdinary);
  assert.ok(first);
  const rig = await houseFor(t, first);
  for (const each of [first, ...others]) await t.test(titleOf(each), () => isRefused(rig, each));
  assert.equal(rig.engine.counters.sessionsOpened, 0, 'none has reached the engine');
});

// They wait for what does not come, most of them.
describe('a request that is refused for how things are', { concurrency: 4 }, () => {
  for (const each of CASES.filter((one) => !isOrdinary(one))) {
    test(titleOf(each), async (t) => isRefused(await houseFor(t, each), each));
  }
});

test('every reason that answers a request is provoked here, or shown where it says', () => {
  const codes = Object.entries<Reason>(REASONS).flatMap(([code, { status }]) => (status ? [code] : []));
  const provoked = new Set<string>(CASES.map(({ code }) => code));
  const missing = codes.filter((code) => !provoked.has(code) && !(code in ELSEWHERE));
  assert.deepEqual(missing, [], 'add a case');
  for (const [code, file] of Object.entries(ELSEWHERE)) {
    const path = join(import.meta.dirname, '..', '..', file);
    assert.ok(existsSync(path) && readFileSync(path, 'utf8').includes(code), `${file} does not show ${code}`);
    assert.ok(!provoked.has(code), `${code} is provoked here now`);
  }
});

test('200 pipelined requests for 200 streams on one connection cost one engine session at most', async (t) => {
  const rig = await startRig(t);
  const requests = Array.from(
    { length: 200 },
    (_, number) => `GET /ace/getstream?id=${idOf(number)} HTTP/1.1\r\nHost: x\r\n\r\n`,
  );
  const flood = rig.send(requests.join(''));
  const opened = (): number => rig.engine.counters.sessionsOpened;
  await until(() => flood.ended !== undefined || opened() > 1);
  assert.ok(opened() <= 1, `${opened()} sessions`);
  assert.equal(rig.app.sessions.clientCount, 0);
  const good = rig.watch();
  await good.received(1);
  assert.equal(await good.status(), 200);
  // What the flood had asked the engine for would have come before this one.
  assert.ok(opened() <= 2, `${opened()} sessions`);
});

test('whoever watches sees nothing of what others are refused', async (t) => {
  const rig = await startRig(t);
  const viewer = rig.watch();
  await viewer.received(1);
  const bad = [
    `GET ${STREAM}&x=${'x'.repeat(1_000_000)} HTTP/1.1\r\nHost: x\r\n\r\n`,
    'GET /ace/getstream?id=x HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n',
    '\u0000\u0001\u0002 nonsense\r\n\r\n',
    `POST ${STREAM} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n`,
    'GET / HTTP/9.9\r\n\r\n',
  ];
  await Promise.all(bad.map((request) => rig.send(request).end()));
  await viewer.receivedMore(50_000);
  assert.equal(viewer.ended, undefined);
  assert.equal(rig.engine.counters.sessionsOpened, 1);
});
