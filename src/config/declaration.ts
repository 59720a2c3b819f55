import { ACCESS_KEYS } from './access-keys.ts';
import { listenAddressAlias, singleEngineAlias } from './aliases.ts';
import { CLIENT_KEYS } from './client-keys.ts';
import { DOCKER_KEYS } from './docker-keys.ts';
import { engineList } from './engine-list.ts';
import { FLEET_KEYS, REPLACEMENT_KEYS } from './fleet-keys.ts';
import { type Headers, headerList, TO_ENGINES } from './header-list.ts';
import { HISTORY_KEYS } from './history-keys.ts';
import { key } from './key.ts';
import { LIMIT_KEYS } from './limit-keys.ts';
import { BUFFER_MEMORY_RANGE } from './machine-memory.ts';
import { providerList } from './provider-list.ts';
import { bitRate, duration, integer, size } from './quantities.ts';
import { type StandbyWord, standbyList } from './standby-list.ts';
import { type StreamOverride, streamOverrides } from './stream-overrides.ts';
import { streamSeconds } from './stream-seconds.ts';
import { baseUrl, choice, folder, listenHost, networkList } from './texts.ts';
import { VPN_KEYS } from './vpn-keys.ts';
import { WEBHOOK_KEYS } from './webhook-keys.ts';

const SECOND = 1000;
const HOUR = 3_600_000;
const KIB = 1024;
const MIB = 1024 * KIB;

/**
 * Every key, by section and by its name in `Config`; the order is that of the documentation.
 * The names end in the unit of the value, the YAML names do not: there the unit is written with the value.
 */
export const DECLARATION = {
  server: {
    host: key({
      yaml: 'host',
      environment: 'HOST',
      aliases: [
        listenAddressAlias('ACEXY_LISTEN_ADDR', 'host'),
        listenAddressAlias('PROXY_LISTEN_ADDR', 'host'),
      ],
      flag: { name: '--host', value: 'H' },
      type: listenHost(),
      default: '0.0.0.0',
      applies: 'restart',
      doc: 'The address to listen on. `127.0.0.1` keeps acemux to this machine.',
    }),
    port: key({
      yaml: 'port',
      environment: 'PORT',
      aliases: [
        'APP_PORT',
        listenAddressAlias('ACEXY_LISTEN_ADDR', 'port'),
        listenAddressAlias('PROXY_LISTEN_ADDR', 'port'),
      ],
      flag: { name: '--port', value: 'N' },
      type: integer({ min: 0, max: 65_535 }),
      default: 8000,
      applies: 'restart',
      doc: 'The port to listen on; 0 takes any free one. The control server of Gluetun uses 8000 too.',
    }),
    publicUrl: key<string | undefined>({
      yaml: 'public_url',
      environment: 'PUBLIC_URL',
      type: baseUrl(),
      default: undefined,
      whenUnset: 'taken from each request',
      applies: 'restart',
      doc: 'The base of every absolute URL in replies; may have a path. Set it when players reach acemux by another address than acemux sees, and to look at acemux under a public name.',
    }),
    trustedProxies: key({
      yaml: 'trusted_proxies',
      environment: 'TRUSTED_PROXIES',
      type: networkList(),
      default: [],
      whenUnset: 'nobody',
      applies: 'restart',
      doc: 'Whose `X-Forwarded-*` headers are believed. Name only reverse proxies of your own: who is in this list can claim any address.',
    }),
    shutdownTimeoutMs: key({
      yaml: 'shutdown_timeout',
      environment: 'SHUTDOWN_TIMEOUT',
      type: duration({ min: 0, max: HOUR }),
      default: 8 * SECOND,
      applies: 'restart',
      doc: 'How long SIGTERM lets viewers play on. Higher is kinder to them, but Docker kills after 10 s unless its stop timeout is raised too.',
    }),
  },
  storage: {
    dataDir: key({
      yaml: 'data_dir',
      environment: 'DATA_DIR',
      type: folder(),
      default: './data',
      applies: 'restart',
      doc: 'The folder for what must outlive a restart: the generated admin key, the database, and what time-shift keeps.',
    }),
  },
  access: ACCESS_KEYS,
  engines: {
    providers: key({
      yaml: 'provider',
      environment: 'ENGINE_PROVIDER',
      type: providerList(),
      default: [],
      whenUnset:
        '`docker` if `CONTAINER_LABEL`, `DOCKER_NETWORK`, `DOCKER_HOSTS`, `ENGINE_VARIANT` or `GLUETUN_CONTAINER_NAME` is set, else `static` if `ENGINES` is, else none (`simulated` with `--demo`)',
      applies: 'restart',
      doc: 'Where engines come from. `static`: those in `ENGINES`; `docker`: containers that acemux makes and looks after (docs/fleet.md); `simulated`: engines inside the process that play a test pattern.',
    }),
    static: key({
      yaml: 'static',
      environment: 'ENGINES',
      aliases: [singleEngineAlias],
      flag: { name: '--engine', value: 'HOST:PORT', repeatable: true },
      type: engineList(),
      default: [],
      whenUnset: 'none',
      applies: 'now',
      onlyInFile: true,
      doc: 'The AceStream engines to play from. `forwarded=true` marks one whose peer-to-peer port is reachable from outside: it is preferred. Those that are in the old and the new list play on undisturbed; a VPN that no engine had at the start is watched after a restart only.',
    }),
    maxStreamsPerEngine: key({
      yaml: 'max_streams_per_engine',
      environment: 'MAX_STREAMS_PER_ENGINE',
      aliases: ['ACEXY_MAX_STREAMS_PER_ENGINE'],
      type: integer({ min: 1, max: 1000 }),
      default: 10,
      applies: 'now',
      doc: 'How many streams one engine plays at most. Higher needs fewer engines; each stream then gets less of its bandwidth and CPU.',
    }),
    forwardedPreferredStreams: key({
      yaml: 'forwarded_preferred_streams',
      environment: 'FORWARDED_PREFERRED_STREAMS',
      type: integer({ min: 0, max: 1000 }),
      default: 3,
      applies: 'now',
      doc: 'A forwarded engine is preferred while it plays fewer streams than this; 0: always. Higher fills forwarded engines first; lower spreads the load sooner.',
    }),
    selectionTimeoutMs: key({
      yaml: 'selection_timeout',
      environment: 'ENGINE_SELECTION_TIMEOUT',
      type: duration({ min: 0, max: HOUR }),
      default: 5 * SECOND,
      applies: 'next',
      doc: 'How long a viewer waits for a free engine where none is about to start. Higher helps when engines come and go; lower refuses sooner.',
    }),
    headers: key<Headers>({
      yaml: 'headers',
      environment: 'ENGINE_HEADERS',
      type: headerList(TO_ENGINES),
      default: {},
      whenUnset: 'none',
      applies: 'restart',
      doc: 'Headers that every request to an engine has beside those that acemux sends by itself; `User-Agent` may be another one. For single streams, see STREAM_OVERRIDES.',
    }),
    cacheTtlMs: key({
      yaml: 'cache_ttl',
      environment: 'ENGINE_CACHE_TTL',
      aliases: ['ENGINE_CACHE_TTL_S'],
      type: duration({ min: 100, max: HOUR }),
      default: 2 * SECOND,
      applies: 'restart',
      doc: 'How old what is known of which engines there are may be, where a provider does not tell of changes itself. Lower asks it more often.',
    }),
  },
  fleet: FLEET_KEYS,
  docker: DOCKER_KEYS,
  simulated: {
    engineCount: key({
      yaml: 'engines',
      environment: 'SIMULATED_ENGINES',
      type: integer({ min: 1, max: 64 }),
      default: 2,
      applies: 'restart',
      doc: 'How many engines the `simulated` provider runs.',
    }),
    bitsPerSecond: key({
      yaml: 'bitrate',
      environment: 'SIMULATED_BITRATE',
      type: bitRate({ min: 1_000_000, max: 100_000_000 }),
      default: 4_000_000,
      applies: 'restart',
      doc: 'The bit rate of what simulated engines play. Higher costs CPU and memory.',
    }),
  },
  streams: {
    ingest: key<'auto' | 'ts' | 'hls'>({
      yaml: 'ingest',
      environment: 'INGEST',
      type: choice(['auto', 'ts', 'hls']),
      default: 'auto',
      applies: 'restart',
      doc: 'How media is taken from engines; viewers get MPEG-TS or HLS, as they ask, either way. `auto`: as MPEG-TS, and as HLS what an engine offers in no other form; `ts`: never as HLS; `hls`: always, which is about 15 s further behind and costs the engines CPU.',
    }),
    emptyTimeoutMs: key({
      yaml: 'empty_timeout',
      environment: 'EMPTY_STREAM_TIMEOUT',
      type: duration({ min: SECOND, max: HOUR }),
      default: 30 * SECOND,
      applies: 'next',
      doc: 'From asking one engine to its first media byte. Higher gives rare broadcasts time to find peers; lower tries the next engine sooner.',
    }),
    startTimeoutMs: key({
      yaml: 'start_timeout',
      environment: 'START_TIMEOUT',
      type: duration({ min: SECOND, max: HOUR }),
      default: 60 * SECOND,
      applies: 'next',
      doc: 'All attempts of one start together (at most 3 engines, each once). Higher tries longer; lower tells the viewer sooner that it failed.',
    }),
    hedgeAfterMs: key({
      yaml: 'hedge_after',
      environment: 'HEDGE_AFTER',
      type: duration({ min: 0, max: HOUR }),
      default: 10 * SECOND,
      applies: 'next',
      doc: 'When an engine has not delivered a new stream after this time, a second one that plays nothing is asked for it, too, and the first to deliver goes on. Lower starts sooner where engines are slow, and asks more of them twice; 0 = never.',
    }),
    retryBudgetMs: key({
      yaml: 'retry_budget',
      environment: 'RETRY_BUDGET',
      type: duration({ min: SECOND, max: HOUR }),
      default: 120 * SECOND,
      applies: 'next',
      doc: 'How long viewers of a playing stream are held without new media, while other engines are asked, before they are ended together. Higher rides out longer failures; lower tells the player sooner.',
    }),
    spliceWaitMs: key({
      yaml: 'splice_wait',
      environment: 'SPLICE_WAIT',
      type: duration({ min: 0, max: 120 * SECOND }),
      default: 10 * SECOND,
      applies: 'next',
      doc: 'How long a new engine that is behind what viewers have seen may take to catch up, so that nothing is shown twice. Longer, and a third engine is tried, and then the stream goes on with a break.',
    }),
    standby: key<StandbyWord>({
      yaml: 'standby',
      environment: 'STANDBY',
      type: choice(['off', 'warm', 'hot']),
      default: 'off',
      applies: 'now',
      doc: 'Insurance of streams that are watched against the loss of their engine. `warm` keeps a place on a second engine reserved; `hot` has a second engine play the same stream all the time, which takes its bandwidth twice, and fills what one engine lacks from the other.',
    }),
    standbyStreams: key({
      yaml: 'standby_streams',
      environment: 'STANDBY_STREAMS',
      type: standbyList(),
      default: new Map<string, StandbyWord>(),
      applies: 'now',
      doc: 'Streams that are insured otherwise than STANDBY says, by id or infohash.',
    }),
    standbyWindowMs: key({
      yaml: 'standby_window',
      environment: 'STANDBY_WINDOW',
      type: duration({ min: 0, max: 10 * SECOND }),
      default: 500,
      applies: 'next',
      doc: 'With `hot`: how long a stream is held where something is missing, until the second engine has it. Higher fills more, with a longer pause where both lack it; 0 fills only what is there already.',
    }),
    overrides: key({
      yaml: 'overrides',
      environment: 'STREAM_OVERRIDES',
      type: streamOverrides(),
      default: new Map<string, StreamOverride>(),
      whenUnset: 'none',
      applies: 'restart',
      doc: 'What is otherwise for single streams, in one place: how far behind live viewers begin, insurance, time-shift, headers. Comes before STANDBY_STREAMS, PREBUFFER_STREAMS and TIMESHIFT_STREAMS, which are each about one of these.',
    }),
    idleTimeoutMs: key({
      yaml: 'idle_timeout',
      environment: 'STREAM_IDLE_TIMEOUT',
      type: duration({ min: 0, max: 24 * HOUR }),
      default: 300 * SECOND,
      applies: 'now',
      doc: 'How long a session without viewers is kept. Higher: a returning viewer starts at once; lower: the engine and its bandwidth are free sooner.',
    }),
    maxLingering: key({
      yaml: 'max_lingering',
      environment: 'MAX_LINGERING_SESSIONS',
      type: integer({ min: 0, max: 1000 }),
      default: 2,
      applies: 'now',
      doc: 'So many of the streams left last linger for `STREAM_IDLE_TIMEOUT`; older ones end 10 s after their last viewer. Higher makes zapping back faster and keeps more engines busy.',
    }),
    cleanupIntervalMs: key({
      yaml: 'cleanup_interval',
      environment: 'SESSION_CLEANUP_INTERVAL',
      type: duration({ min: SECOND, max: HOUR }),
      default: 60 * SECOND,
      applies: 'restart',
      doc: 'How often a sweep proves that no session has leaked. Deadlines do the work: this changes nothing for viewers.',
    }),
    bufferMs: key({
      yaml: 'buffer_seconds',
      environment: 'STREAM_BUFFER_SECONDS',
      type: duration({ min: 2 * SECOND, max: 600 * SECOND }),
      default: 20 * SECOND,
      applies: 'now',
      doc: 'How much of each stream is kept in memory. Higher forgives slower viewers; costs that many seconds of the stream in memory.',
    }),
    bufferSizeBytes: key({
      yaml: 'buffer_size',
      environment: 'STREAM_BUFFER_SIZE',
      type: size({ min: 2 * MIB, max: 4096 * MIB }),
      default: 64 * MIB,
      applies: 'now',
      doc: 'The most that is kept of one stream; its memory is a fifth more. `STREAM_BUFFER_SECONDS` is cut to what fits. Lower saves memory; too low leaves slow viewers no room.',
    }),
    bufferMemoryBytes: key<number | undefined>({
      yaml: 'buffer_memory_max',
      environment: 'BUFFER_MEMORY_MAX',
      type: size(BUFFER_MEMORY_RANGE),
      default: undefined,
      whenUnset: "a quarter of the container's or machine's memory",
      applies: 'restart',
      doc: 'The most memory that the buffers of all streams may take together. When it is used up, streams without viewers end, then buffers shrink to two GOPs each, then new streams are refused. Higher keeps more for slow viewers; too high and the system may kill acemux.',
    }),
  },
  clients: CLIENT_KEYS,
  limits: LIMIT_KEYS,
  hls: {
    segmentMs: key({
      yaml: 'segment_seconds',
      environment: 'HLS_SEGMENT_SECONDS',
      type: duration({ min: 2 * SECOND, max: 10 * SECOND }),
      default: 4 * SECOND,
      applies: 'restart',
      doc: 'How long HLS segments are, at least, where the keyframes allow it. Higher needs fewer requests; lower is closer to live.',
    }),
  },
  timeshift: {
    windowMs: key({
      yaml: 'seconds',
      environment: 'TIMESHIFT_SECONDS',
      type: duration({ min: 0, max: 7 * 24 * HOUR }),
      default: 0,
      applies: 'next',
      doc: 'How much of each stream is kept on disk under DATA_DIR, to rewind and to pause; 0 = off. Higher reaches further back and takes more disk: a stream of 8 Mb/s writes 3.6 GB an hour.',
    }),
    streams: key({
      yaml: 'streams',
      environment: 'TIMESHIFT_STREAMS',
      type: streamSeconds({ min: 0, max: 7 * 24 * HOUR }),
      default: new Map<string, number>(),
      applies: 'next',
      doc: 'Streams of which more, or less, is kept than TIMESHIFT_SECONDS says, by id or infohash; `0` = nothing.',
    }),
    maxBytes: key({
      yaml: 'max_bytes',
      environment: 'TIMESHIFT_MAX_BYTES',
      type: size({ min: 16 * MIB, max: 16 * 1024 * 1024 * MIB }),
      default: 10 * 1024 * MIB,
      applies: 'now',
      doc: 'The most that is kept on disk of all streams together: the oldest of any stream goes first. Higher needs a larger disk; lower cuts the time that can be rewound.',
    }),
    pauseMaxMs: key<number | undefined>({
      yaml: 'pause_max',
      environment: 'PAUSE_MAX',
      type: duration({ min: 0, max: 7 * 24 * HOUR }),
      default: undefined,
      whenUnset: 'as long as the stream is kept',
      applies: 'next',
      doc: 'With time-shift: how long a viewer that takes nothing stays connected, to go on where it stopped. Lower frees the connections of forgotten players sooner; less than CLIENT_TIMEOUT is CLIENT_TIMEOUT.',
    }),
  },
  history: HISTORY_KEYS,
  webhooks: WEBHOOK_KEYS,
  health: {
    checkIntervalMs: key({
      yaml: 'check_interval',
      environment: 'HEALTH_CHECK_INTERVAL',
      aliases: ['HEALTH_CHECK_INTERVAL_S'],
      type: duration({ min: SECOND, max: HOUR }),
      default: 20 * SECOND,
      applies: 'restart',
      doc: 'How often each engine is asked whether it is well. Lower notices a dead one sooner; costs two small requests each time.',
    }),
    failureThreshold: key({
      yaml: 'failure_threshold',
      environment: 'HEALTH_FAILURE_THRESHOLD',
      type: integer({ min: 1, max: 100 }),
      default: 3,
      applies: 'restart',
      doc: 'So many failures in a row make an engine unhealthy. Higher forgives hiccups; lower avoids a dead engine sooner.',
    }),
    ...REPLACEMENT_KEYS,
  },
  vpn: VPN_KEYS,
  log: {
    level: key<'fatal' | 'error' | 'warn' | 'info' | 'debug' | 'trace'>({
      yaml: 'level',
      environment: 'LOG_LEVEL',
      aliases: ['ACEXY_LOG_LEVEL'],
      type: choice(['fatal', 'error', 'warn', 'info', 'debug', 'trace']),
      default: 'info',
      applies: 'now',
      doc: 'How much is logged: this level and the graver ones.',
    }),
    format: key<'auto' | 'pretty' | 'json'>({
      yaml: 'format',
      environment: 'LOG_FORMAT',
      type: choice(['auto', 'pretty', 'json']),
      default: 'auto',
      applies: 'restart',
      doc: '`pretty` for people, `json` for programs (one object a line); `auto`: pretty on a terminal, else JSON.',
    }),
  },
} as const;
