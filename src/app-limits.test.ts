import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  fleetFacts,
  fleetLimits,
  type LiveConfig,
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
