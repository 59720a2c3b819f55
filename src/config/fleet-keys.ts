import { key } from './key.ts';
import { duration, integer, size } from './quantities.ts';
import { yesNo } from './yes-no.ts';

const SECOND = 1000;
const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const MIB = 1024 * 1024;
const REPLICAS_MAX = 1000;

/** How many engines the providers that make some are to have, and how carefully: the section `fleet`. */
export const FLEET_KEYS = {
  min: key({
    yaml: 'min_replicas',
    environment: 'MIN_REPLICAS',
    aliases: ['ACESTREAM_MIN_REPLICAS'],
    type: integer({ min: 0, max: REPLICAS_MAX }),
    default: 1,
    applies: 'now',
    doc: 'So many engines are kept at least, by providers that make engines. Higher is ready for more at once; lower costs less.',
  }),
  max: key({
    yaml: 'max_replicas',
    environment: 'MAX_REPLICAS',
    aliases: ['ACESTREAM_MAX_REPLICAS'],
    type: integer({ min: 1, max: REPLICAS_MAX }),
    default: 10,
    applies: 'now',
    doc: 'There are never more engines than this. Higher takes more streams; each engine takes memory and bandwidth.',
  }),
  minFree: key({
    yaml: 'min_free_replicas',
    environment: 'MIN_FREE_REPLICAS',
    type: integer({ min: 0, max: REPLICAS_MAX }),
    default: 1,
    applies: 'now',
    doc: 'So many engines without a stream are kept ready, as far as MAX_REPLICAS allows. Higher: nobody waits for an engine to start; lower costs less.',
  }),
  maxBehindVpn: key<number | undefined>({
    yaml: 'max_active_replicas',
    environment: 'MAX_ACTIVE_REPLICAS',
    type: integer({ min: 1, max: REPLICAS_MAX }),
    default: undefined,
    whenUnset: '`MAX_REPLICAS`',
    applies: 'restart',
    doc: 'So many engines behind VPNs at most, of all VPNs together.',
  }),
  removesSurplus: key({
    yaml: 'auto_delete',
    environment: 'AUTO_DELETE',
    type: yesNo(),
    default: true,
    applies: 'now',
    doc: 'Whether engines that are not needed any more are removed. `false`: the fleet only grows.',
  }),
  idleGraceMs: key({
    yaml: 'idle_grace',
    environment: 'ENGINE_GRACE_PERIOD',
    aliases: ['ENGINE_GRACE_PERIOD_S'],
    type: duration({ min: 0, max: DAY }),
    default: 30 * SECOND,
    applies: 'now',
    doc: 'An engine is removed only after it, and the fleet, had no use for it for so long. Higher is steadier where the load comes and goes.',
  }),
  intervalMs: key({
    yaml: 'interval',
    environment: 'AUTOSCALE_INTERVAL',
    aliases: ['AUTOSCALE_INTERVAL_S'],
    type: duration({ min: SECOND, max: HOUR }),
    default: 30 * SECOND,
    applies: 'restart',
    doc: 'How often the fleet is looked at although nothing happened. What happens is acted on at once, so this changes little.',
  }),
  startupTimeoutMs: key({
    yaml: 'startup_timeout',
    environment: 'STARTUP_TIMEOUT',
    aliases: ['STARTUP_TIMEOUT_S'],
    type: duration({ min: SECOND, max: HOUR }),
    default: 25 * SECOND,
    applies: 'restart',
    doc: 'A new engine that has not answered after this has failed, and is removed. Higher forgives slow machines; lower tries again sooner.',
  }),
  concurrentCreates: key({
    yaml: 'max_concurrent_provisions',
    environment: 'MAX_CONCURRENT_PROVISIONS',
    type: integer({ min: 1, max: 100 }),
    default: 5,
    applies: 'restart',
    doc: 'So many engines are created at a time. Higher grows faster; costs the host more while it lasts.',
  }),
  createIntervalMs: key({
    yaml: 'min_provision_interval',
    environment: 'MIN_PROVISION_INTERVAL',
    aliases: ['MIN_PROVISION_INTERVAL_S'],
    type: duration({ min: 0, max: HOUR }),
    default: 500,
    applies: 'restart',
    doc: 'From the beginning of one creation to the next.',
  }),
  actionsPerMinute: key({
    yaml: 'actions_per_minute',
    environment: 'FLEET_ACTIONS_PER_MINUTE',
    type: integer({ min: 1, max: 1000 }),
    default: 60,
    applies: 'restart',
    doc: 'So many engines are created, drained or removed within a minute at most, whatever happens. A bound against storms, not a speed.',
  }),
  maxAgeMs: key({
    yaml: 'engine_max_age',
    environment: 'ENGINE_MAX_AGE',
    type: duration({ min: 0, max: 365 * DAY }),
    default: 0,
    applies: 'restart',
    doc: 'An engine older than this is replaced by a new one, which stands in first; 0 = never.',
  }),
  recycleMemoryBytes: key<number | undefined>({
    yaml: 'engine_recycle_memory',
    environment: 'ENGINE_RECYCLE_MEMORY',
    type: size({ min: 16 * MIB, max: 1024 * 1024 * MIB }),
    default: undefined,
    whenUnset: 'never',
    applies: 'restart',
    doc: 'An engine that takes more memory than this is replaced by a new one, before its limit would kill it.',
  }),
  memoryReserveBytes: key({
    yaml: 'host_memory_reserve',
    environment: 'HOST_MEMORY_RESERVE',
    type: size({ min: 0, max: 1024 * 1024 * MIB }),
    default: 512 * MIB,
    applies: 'restart',
    doc: 'No engine is created where the host would have less memory available than this. 0 leaves it to the system, which may kill something.',
  }),
  breakerThreshold: key({
    yaml: 'breaker_threshold',
    environment: 'CIRCUIT_BREAKER_FAILURE_THRESHOLD',
    type: integer({ min: 1, max: 100 }),
    default: 5,
    applies: 'restart',
    doc: 'After so many failures in a row of the same cause, creating engines pauses; the pause grows while trials fail.',
  }),
  breakerPauseMaxMs: key({
    yaml: 'breaker_pause_max',
    environment: 'CIRCUIT_BREAKER_RECOVERY_TIMEOUT',
    aliases: ['CIRCUIT_BREAKER_RECOVERY_TIMEOUT_S'],
    type: duration({ min: SECOND, max: DAY }),
    default: 300 * SECOND,
    applies: 'restart',
    doc: 'The longest of these pauses. After each, one engine is tried.',
  }),
};

/** Of the section `health`: when an engine that is unwell is replaced. */
export const REPLACEMENT_KEYS = {
  unwellGraceMs: key({
    yaml: 'unhealthy_grace',
    environment: 'HEALTH_UNHEALTHY_GRACE_PERIOD',
    aliases: ['HEALTH_UNHEALTHY_GRACE_PERIOD_S'],
    type: duration({ min: 0, max: DAY }),
    default: 60 * SECOND,
    applies: 'restart',
    doc: 'An engine that acemux made and that is unhealthy may heal for so long before it is replaced. Its streams move at once.',
  }),
  replacementCooldownMs: key({
    yaml: 'replacement_cooldown',
    environment: 'HEALTH_REPLACEMENT_COOLDOWN',
    aliases: ['HEALTH_REPLACEMENT_COOLDOWN_S'],
    type: duration({ min: 0, max: DAY }),
    default: 60 * SECOND,
    applies: 'restart',
    doc: 'From one replacement to the next. Higher is gentler where many engines fall ill at once, or a new image rolls out.',
  }),
};
