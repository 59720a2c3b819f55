import assert from 'node:assert/strict';
import { test } from 'node:test';
import { settled } from '../test/support/fleet-world.ts';
import {
  fleetFacts,
  fleetLimits,
  type LiveConfig,
  limitRules,
  overloadBounds,
  planRules,
  recordingLimits,
  sessionLimits,
  timeshiftLimits,
  viewerLimits,
  withLimits,
} from './app-limits.ts';
import { ManualClock } from './base/manual-clock.ts';
import { declaredKeys, defaultConfig } from './config/config.ts';
import { MemorySettings } from './config/memory-settings.ts';
import { asLoaded, Settings } from './config/settings.ts';
import { type Candidate, chooseEngine } from './fleet/selection.ts';

const STREAM = 'a'.repeat(40);

/** A value that is none of the defaults, for each key that may change, and where a component sees it. */
const SEEN: Readonly<Record<string, readonly [unknown, ...((live: LiveConfig) => () => unknown)[]]>> = {
  'engines.max_streams_per_engine': [
    3,
    seen(fleetLimits, 'maxStreamsPerEngine'),
    seen(fleetFacts, 'streamsPerEngine'),
    seen(planRules, 'streamsPerEngine'),
  ],
  'engines.forwarded_preferred_streams': [1, seen(fleetLimits, 'forwardedPreferredStreams')],
  'engines.selection_timeout': [1, seen(fleetLimits, 'selectionTimeoutMs')],
  'fleet.min_replicas': [2, seen(planRules, 'min')],
  'fleet.max_replicas': [20, seen(planRules, 'max'), seen(planRules, 'maxBehindVpn')],
  'fleet.min_free_replicas': [2, seen(planRules, 'minFree'), seen(fleetFacts, 'minFree')],
  'fleet.auto_delete': [false, seen(planRules, 'removesSurplus'), seen(fleetFacts, 'removesSurplus')],
  'fleet.idle_grace': [7, seen(planRules, 'idleGraceMs'), seen(fleetFacts, 'idleGraceMs')],
  'streams.empty_timeout': [
    7,
    seen(sessionLimits, 'firstByteTimeoutMs'),
    seen(recordingLimits, 'firstByteTimeoutMs'),
  ],
  'streams.start_timeout': [
    70,
    seen(sessionLimits, 'startTimeoutMs'),
    seen(recordingLimits, 'startTimeoutMs'),
    seen(viewerLimits, 'startTimeoutMs'),
  ],
  'streams.hedge_after': [7, seen(sessionLimits, 'hedgeAfterMs')],
  'streams.retry_budget': [7, seen(sessionLimits, 'retryBudgetMs'), seen(recordingLimits, 'retryBudgetMs')],
  'streams.splice_wait': [7, seen(sessionLimits, 'spliceWaitMs')],
  'streams.standby': ['warm', seen(sessionLimits, 'standby')],
  'streams.standby_streams': [[`${STREAM}=hot`], seen(sessionLimits, 'standbyStreams')],
  'streams.standby_window': [7, seen(sessionLimits, 'standbyWindowMs')],
  'streams.idle_timeout': [7, seen(sessionLimits, 'idleTimeoutMs'), seen(recordingLimits, 'idleTimeoutMs')],
  'streams.max_lingering': [7, seen(sessionLimits, 'lingeringMax')],
  'streams.buffer_seconds': [30, seen(sessionLimits, 'bufferMs')],
  'streams.buffer_size': ['7MiB', seen(sessionLimits, 'bufferBytes')],
  'clients.timeout': [7, seen(viewerLimits, 'clientTimeoutMs'), seen(recordingLimits, 'clientTimeoutMs')],
  'clients.early_headers_after': [
    6,
    seen(viewerLimits, 'earlyHeadersAfterMs'),
    seen(recordingLimits, 'earlyHeadersAfterMs'),
  ],
  'limits.max_sessions': [7, seen(sessionLimits, 'sessionsMax')],
  'limits.max_streams': [7, seen(limitRules, 'all')],
  'limits.max_viewers': [7, seen(limitRules, 'all')],
  'limits.starts_per_minute': [7, seen(limitRules, 'all')],
  'limits.max_streams_per_address': [7, seen(limitRules, 'address')],
  'limits.max_viewers_per_address': [7, seen(limitRules, 'address')],
  'limits.starts_per_minute_per_address': [7, seen(limitRules, 'address')],
  'limits.bytes_per_second_per_address': ['7MB', seen(limitRules, 'address')],
  'limits.max_streams_per_key': [7, seen(limitRules, 'key')],
  'limits.max_viewers_per_key': [7, seen(limitRules, 'key')],
  'limits.starts_per_minute_per_key': [7, seen(limitRules, 'key')],
  'limits.bytes_per_second_per_key': ['7MB', seen(limitRules, 'key')],
  'limits.on_key_limit': ['refuse', seen(limitRules, 'key')],
  'limits.bytes_per_second_per_viewer': ['7MB', seen(limitRules, 'viewerBytesPerSecond')],
  'limits.egress_max': ['7MB', seen(overloadBounds, 'egressBytesPerSecond')],
  'limits.overload_loop_delay': [7, seen(overloadBounds, 'loopDelayMs')],
  'clients.prebuffer_seconds': [7, seen(sessionLimits, 'prebufferMs')],
  'clients.prebuffer_streams': [[`${STREAM}=7`], seen(sessionLimits, 'prebufferStreams')],
  'clients.copy_chunk_size': ['7KiB', seen(viewerLimits, 'chunkBytes')],
  'timeshift.seconds': [7, seen(timeshiftLimits, 'windowMs')],
  'timeshift.streams': [[`${STREAM}=7`], seen(timeshiftLimits, 'streams')],
  'timeshift.max_bytes': ['70MiB', seen(timeshiftLimits, 'bytesMax')],
  'timeshift.pause_max': [7, seen(timeshiftLimits, 'pauseMaxMs')],
};

/** Keys that are no limits: what a change does is judged elsewhere. */
const OTHERS: readonly string[] = ['log.level', 'webhooks.events'];

function seen<Limits extends object>(
  limitsOf: (live: LiveConfig) => Limits,
  name: keyof Limits,
): (live: LiveConfig) => () => unknown {
  return (live) => {
    const limits = limitsOf(live);
    return () => limits[name];
  };
}

function settings(): Settings {
  return new Settings({
    loaded: asLoaded(defaultConfig()),
    store: new MemorySettings(),
    clock: new ManualClock(),
    onWarning: () => {},
  });
}

test('each setting that may change reaches those who go by it, without anybody building them anew', async () => {
  for (const [path, [value, ...places]] of Object.entries(SEEN)) {
    const live = settings();
    const looks = places.map((place) => place(live));
    const before = looks.map((look) => look());
    await live.set(path, value, 'test');
    for (const [index, look] of looks.entries()) {
      assert.notDeepEqual(look(), before[index], path);
      assert.deepEqual(look(), looks[0]?.(), path);
    }
  }
});

test('and all that may change are here', () => {
  const changeable = declaredKeys().filter(({ key }) => key.applies !== 'restart' && !key.onlyInFile);
  assert.deepEqual(
    changeable.map(({ path }) => path).toSorted(),
    [...Object.keys(SEEN), ...OTHERS].toSorted(),
  );
});

test('AUTO_DELETE and FORWARDED_PREFERRED_STREAMS reach the next decision', async () => {
  const live = settings();
  await live.set('fleet.auto_delete', false, 'test');
  await live.set('fleet.min_free_replicas', 0, 'test');
  const world = settled();
  world.rules = planRules(live);
  world.demand = 30;
  world.run(300_000);
  world.demand = 0;
  world.run(300_000);
  assert.equal(world.readyCount, 3, 'of ten streams each');
  await live.set('fleet.auto_delete', true, 'test');
  world.run(300_000);
  assert.equal(world.readyCount, 1);

  const rules = fleetLimits(live);
  const engine = (id: string, forwarded: boolean, streams: number): Candidate => ({
    id,
    isUsable: true,
    isLastResort: false,
    forwarded,
    vpn: undefined,
    failuresLately: 0,
    streams,
    isStartingUnknown: false,
    lastChosen: 0,
    plays: () => false,
    hasPlayedLately: () => false,
  });
  const chosen = (): unknown => {
    const wish = {
      exclude: new Set<string>(),
      infohash: STREAM,
      preferredEngine: undefined,
      lastEngine: undefined,
    };
    const choice = chooseEngine([engine('forwarded', true, 2), engine('other', false, 0)], wish, rules);
    return choice.kind === 'chosen' && choice.engine.id;
  };
  assert.equal(chosen(), 'forwarded');
  await live.set('engines.forwarded_preferred_streams', 1, 'test');
  assert.equal(chosen(), 'other');
});

test('every limit of viewers is off unless it is set; only sessions in all, and how late acemux may be, have a bound', () => {
  const live = { current: defaultConfig() };
  const off = {
    streamsMax: undefined,
    viewersMax: undefined,
    startsPerMinute: undefined,
    bytesPerSecond: undefined,
  };
  const { all, address, key, viewerBytesPerSecond } = limitRules(live);
  assert.deepEqual([all, address, viewerBytesPerSecond], [off, off, undefined]);
  assert.deepEqual(key, { ...off, onLimit: 'replace_oldest' });
  assert.deepEqual({ ...overloadBounds(live) }, { loopDelayMs: 50, egressBytesPerSecond: undefined });
  assert.equal(sessionLimits(live).sessionsMax, 2_000);
});

test('limits go on being asked for when other parts are put beside them', () => {
  let now = 1;
  const limits = {
    get count() {
      return now;
    },
  };
  const both = withLimits(limits, { name: 'x' });
  now = 2;
  assert.deepEqual([both.count, both.name], [2, 'x']);
});
