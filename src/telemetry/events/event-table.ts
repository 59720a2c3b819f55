import { FLEET_EVENTS } from './fleet-event-table.ts';

/** How bad it is: `info` nobody has to do anything, `warning` somebody may want to, `error` somebody should. */
export type EventSeverity = 'info' | 'warning' | 'error';

/** What a detail is: `texts` is a list of texts; with a question mark it may be left out. */
export type DetailKind = 'text' | 'number' | 'flag' | 'texts' | 'text?' | 'number?' | 'flag?' | 'texts?';

/** What an event is about: the first word of its name. In this order on the page for people. */
export const EVENT_SUBJECTS = {
  stream: 'One stream: its session, and the engines that it is played from',
  client: 'One viewer of a stream',
  request: 'Requests',
  access: 'Keys, and who tries them',
  engine: 'One engine',
  health: 'How an engine is',
  fleet: 'All engines together',
  vpn: 'VPNs of engines',
  timeshift: 'Time-shift',
  system: 'acemux itself',
} as const;

export type EventSubject = keyof typeof EVENT_SUBJECTS;

/** One type of event as it is declared: everything that is said of it anywhere comes from here. */
export interface EventDeclaration {
  readonly severity: EventSeverity;
  /** What has happened, one sentence for people. */
  readonly what: string;
  /**
   * Its details by their names in JSON: in snake_case with the unit last, durations in seconds. The ids of stream, engine,
   * client and request are no details: every event may have them.
   */
  readonly details: Readonly<Record<string, DetailKind>>;
  /** The component that tells it writes a line of its own, with more in it: the bus must not write a second one. */
  readonly hasOwnLogLine?: true;
}

/**
 * All types of events. A name is `subject.what`: acestream-orchestrator's `event_type` and `category`, in its words where
 * it has one.
 */
export const EVENT_TABLE = {
  // ── streams ───────────────────────────────────────────────────────────────────────────────────────────────
  'stream.begun': {
    severity: 'info',
    what: 'Somebody asked for a stream that nobody watched, and engines are asked for it.',
    details: { key_type: 'text', is_live: 'flag' },
    hasOwnLogLine: true,
  },
  'stream.started': {
    severity: 'info',
    what: 'The stream plays: viewers are let in.',
    details: { start_seconds: 'number' },
    hasOwnLogLine: true,
  },
  'stream.lingering': {
    severity: 'info',
    what: 'The last viewer has left, and the stream is kept ready for a while.',
    details: {},
    hasOwnLogLine: true,
  },
  'stream.resumed': {
    severity: 'info',
    what: 'A stream that was kept ready has a viewer again.',
    details: {},
    hasOwnLogLine: true,
  },
  'stream.ended': {
    severity: 'info',
    what: 'The session of a stream is over.',
    details: { reason: 'text', duration_seconds: 'number' },
    hasOwnLogLine: true,
  },
  'stream.failed': {
    severity: 'warning',
    what: 'A stream could not be started: those who waited for it were refused.',
    details: { reason: 'text', engines: 'texts', duration_seconds: 'number' },
    hasOwnLogLine: true,
  },
  'stream.attempt_failed': {
    severity: 'info',
    what: 'An engine that was asked for the stream did not deliver it; others may be asked.',
    details: { reason: 'text' },
    hasOwnLogLine: true,
  },
  'stream.source_over': {
    severity: 'warning',
    what: 'The engine that a stream was played from has stopped delivering, or was given up; another one is looked for.',
    details: { reason: 'text' },
    hasOwnLogLine: true,
  },
  'stream.source_explained': {
    severity: 'info',
    what: 'It is known now why a stream lost its source: the engine had gone.',
    details: { over_id: 'number' },
  },
  'stream.source_suspected': {
    severity: 'info',
    what: 'The engine that a stream is played from does not do well; another one is looked for while it still plays.',
    details: { reason: 'text' },
  },
  'stream.source_recovered': {
    severity: 'info',
    what: 'The engine that a stream is played from does well again, and is kept.',
    details: {},
  },
  'stream.spliced': {
    severity: 'info',
    what: 'Another engine goes on with a playing stream.',
    details: {
      kind: 'text',
      from_engine: 'text?',
      overlap_seconds: 'number',
      gap_seconds: 'number?',
      lag_seconds: 'number',
    },
    hasOwnLogLine: true,
  },
  'stream.hedged': {
    severity: 'info',
    what: 'A start is slow, and a second engine is asked as well.',
    details: { slow_engine: 'text' },
    hasOwnLogLine: true,
  },
  'stream.hedge_won': {
    severity: 'info',
    what: 'The second engine of a slow start was the first to deliver.',
    details: {},
    hasOwnLogLine: true,
  },
  'stream.standby_switched': {
    severity: 'info',
    what: 'A second engine that plays along goes on with the stream, because the first lacked something.',
    details: { why: 'text', from_engine: 'text?' },
  },
  'stream.retry_budget_spent': {
    severity: 'error',
    what: 'No engine went on with a playing stream within the retry budget: its viewers are disconnected.',
    details: { reason: 'text' },
  },
  'stream.reported_started': {
    severity: 'info',
    what: 'Another program says that it plays a stream from an engine itself: acemux shows that here, and does nothing with it.',
    details: {
      id: 'text',
      key_type: 'text',
      name: 'text',
      address: 'text',
      is_known_engine: 'flag',
      by: 'text?',
    },
  },
  'stream.reported_ended': {
    severity: 'info',
    what: 'Another program says that a stream has ended which it has played itself.',
    details: { id: 'text', reason: 'text?', by: 'text?' },
  },
  'stream.warning': {
    severity: 'warning',
    what: 'A stream plays, but not as it should.',
    details: { reason: 'text' },
    hasOwnLogLine: true,
  },

  // ── viewers ───────────────────────────────────────────────────────────────────────────────────────────────
  'client.joined': {
    severity: 'info',
    what: 'A viewer was let in.',
    details: { address: 'text', name: 'text?' },
  },
  'client.left': {
    severity: 'info',
    what: 'A viewer is gone.',
    details: { reason: 'text' },
    hasOwnLogLine: true,
  },
  'client.evicted': {
    severity: 'warning',
    what: 'A viewer was disconnected by acemux while its stream goes on.',
    details: { reason: 'text' },
    hasOwnLogLine: true,
  },
  'client.skipped': {
    severity: 'info',
    what: 'A viewer was too slow for its stream and went on at a newer keyframe.',
    details: {},
    hasOwnLogLine: true,
  },

  // ── requests ──────────────────────────────────────────────────────────────────────────────────────────────
  'request.refused': {
    severity: 'info',
    what: 'Requests were refused, all for the same reason: so many since this was last told.',
    details: { reason: 'text', count: 'number' },
    hasOwnLogLine: true,
  },

  // ── access ────────────────────────────────────────────────────────────────────────────────────────────────
  'access.key_made': {
    severity: 'info',
    what: 'A key was made.',
    details: { name: 'text', id: 'text', role: 'text', by: 'text?', address: 'text' },
  },
  'access.key_removed': {
    severity: 'info',
    what: 'A key was removed: whoever played by it, or was logged in with it, has been ended.',
    details: { name: 'text', id: 'text', role: 'text', by: 'text?', address: 'text' },
  },
  'access.address_blocked': {
    severity: 'warning',
    what: 'From one address too many different wrong keys came, or too many logins failed: no key that is new there is looked at for ten minutes.',
    details: { address: 'text' },
  },

  ...FLEET_EVENTS,

  // ── time-shift ────────────────────────────────────────────────────────────────────────────────────────────
  'timeshift.warning': {
    severity: 'warning',
    what: 'What is played is not kept as it should be; live goes on.',
    details: { reason: 'text' },
    hasOwnLogLine: true,
  },

  // ── acemux ────────────────────────────────────────────────────────────────────────────────────────────────
  'system.started': {
    severity: 'info',
    what: 'acemux is ready.',
    details: { version: 'text' },
    hasOwnLogLine: true,
  },
  'system.overloaded': {
    severity: 'warning',
    what: 'There is more to do than can be done without harm to those who watch: nobody new is let in.',
    details: {
      cause: 'text',
      loop_delay_seconds: 'number',
      open_files: 'number',
      buffer_bytes: 'number',
      egress_bytes_per_second: 'number',
    },
  },
  'system.relieved': {
    severity: 'info',
    what: 'What was too much is no longer so: as far as this goes, viewers are let in again.',
    details: {
      cause: 'text',
      loop_delay_seconds: 'number',
      open_files: 'number',
      buffer_bytes: 'number',
      egress_bytes_per_second: 'number',
    },
  },
  'system.store_degraded': {
    severity: 'error',
    what: 'What is to be stored is kept in memory only, or waits; playing goes on.',
    details: { reason: 'text', place: 'text', detail: 'text?' },
  },
  'system.store_recovered': {
    severity: 'info',
    what: 'The database takes again what is to be stored, and has what waited.',
    details: { place: 'text' },
  },
  'system.start_not_noted': {
    severity: 'warning',
    what: 'An engine was asked for a stream before that was written down: should acemux be killed now, it may play on for a minute.',
    details: { state: 'text' },
  },
  'system.settings_changed': {
    severity: 'info',
    what: 'Settings have another value from now on: they were changed by API, or in the file.',
    details: { settings: 'texts' },
  },
  'system.draining': {
    severity: 'info',
    what: 'acemux was told to stop: nobody new is let in, and those who watch play on for a moment.',
    details: { clients: 'number' },
    hasOwnLogLine: true,
  },
  'system.stopping': {
    severity: 'info',
    what: 'acemux stops: whatever still plays is ended.',
    details: {},
    hasOwnLogLine: true,
  },
} as const satisfies Readonly<Record<`${EventSubject}.${string}`, EventDeclaration>>;
