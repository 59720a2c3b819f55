/** What happened to one stream, as a picture: which engine it was played from and when, and what there is to see between. */

export interface TimelineEvent {
  readonly id: number;
  readonly ms: number;
  readonly type: string;
  readonly message: string;
  readonly severity: string;
  readonly engine: string | null;
  readonly details: Readonly<Record<string, unknown>>;
}

export interface Span {
  readonly fromMs: number;
  readonly toMs: number;
  /** Undefined: the stream had no source then, and viewers were held. */
  readonly engine: string | undefined;
  /** Whether it goes on. */
  readonly isOpen: boolean;
}

export type MarkKind = 'splice' | 'trouble' | 'failure' | 'note' | 'viewer';

export interface Mark {
  readonly ms: number;
  readonly kind: MarkKind;
  readonly event: TimelineEvent;
}

export interface Timeline {
  readonly spans: readonly Span[];
  readonly marks: readonly Mark[];
  /** How many watched from then on; as far as the events tell. */
  readonly viewers: readonly { readonly ms: number; readonly count: number }[];
}

const MARK_KINDS: Readonly<Record<string, MarkKind>> = {
  'stream.spliced': 'splice',
  'stream.standby_switched': 'splice',
  'stream.source_suspected': 'trouble',
  'stream.source_over': 'trouble',
  'stream.warning': 'trouble',
  'stream.retry_budget_spent': 'failure',
  'stream.failed': 'failure',
  'stream.attempt_failed': 'failure',
  'stream.source_recovered': 'note',
  'stream.source_explained': 'note',
  'stream.lingering': 'note',
  'stream.resumed': 'note',
  'client.joined': 'viewer',
  'client.left': 'viewer',
  'client.evicted': 'trouble',
  'client.skipped': 'trouble',
  'timeshift.warning': 'trouble',
};

/** Whatever brings another engine. */
const BEGINS_SOURCE: ReadonlySet<string> = new Set([
  'stream.started',
  'stream.spliced',
  'stream.standby_switched',
]);
const ENDS_SESSION: ReadonlySet<string> = new Set(['stream.ended', 'stream.failed']);

export interface TimelineBounds {
  readonly fromMs: number;
  /** When it ended, or now. */
  readonly toMs: number;
  readonly isOver: boolean;
  /** What it is played from now: what there is to say where no event is left that tells. */
  readonly engineNow: string | undefined;
}

/** @param events of this stream only, oldest first */
export function timelineOf(events: readonly TimelineEvent[], bounds: TimelineBounds): Timeline {
  const within = events.filter(({ ms }) => ms >= bounds.fromMs - 1 && ms <= bounds.toMs + 1);
  return { spans: spansOf(within, bounds), marks: marksOf(within), viewers: viewersOf(within) };
}

function spansOf(
  events: readonly TimelineEvent[],
  { fromMs, toMs, isOver, engineNow }: TimelineBounds,
): Span[] {
  const spans: Span[] = [];
  let sinceMs = fromMs;
  const first = events.find(({ type }) => BEGINS_SOURCE.has(type) || type === 'stream.source_over');
  const sawBeginning = events.some(({ type }) => type === 'stream.begun');
  // What came before the oldest event that is held: the first one that names an engine tells.
  let engine: string | undefined = sawBeginning ? undefined : first ? engineBefore(first) : engineNow;
  let isEnded = false;
  const close = (ms: number, isOpen = false): void => {
    if (ms > sinceMs || isOpen) spans.push({ fromMs: sinceMs, toMs: ms, engine, isOpen });
    sinceMs = Math.max(sinceMs, ms);
  };
  for (const event of events) {
    if (isEnded) break;
    if (BEGINS_SOURCE.has(event.type)) {
      close(event.ms);
      engine = event.engine ?? undefined;
    } else if (event.type === 'stream.source_over') {
      close(event.ms);
      engine = undefined;
    } else if (ENDS_SESSION.has(event.type)) {
      close(event.ms);
      isEnded = true;
    }
  }
  if (!isEnded) close(toMs, !isOver);
  return spans;
}

function engineBefore({ type, engine, details }: TimelineEvent): string | undefined {
  if (type === 'stream.source_over') return engine ?? undefined;
  const from = details['from_engine'];
  return typeof from === 'string' ? from : undefined;
}

function marksOf(events: readonly TimelineEvent[]): Mark[] {
  return events.flatMap((event) => {
    const kind = MARK_KINDS[event.type];
    return kind === undefined ? [] : [{ ms: event.ms, kind, event }];
  });
}

function viewersOf(events: readonly TimelineEvent[]): { ms: number; count: number }[] {
  const steps: { ms: number; count: number }[] = [];
  let count = 0;
  for (const { type, ms } of events) {
    if (type === 'client.joined') count++;
    else if (type === 'client.left' || type === 'client.evicted') count = Math.max(0, count - 1);
    else continue;
    steps.push({ ms, count });
  }
  return steps;
}

/** Marks that stand closer than this to each other are drawn as one. */
export function clusterMarks(
  marks: readonly Mark[],
  xOf: (ms: number) => number,
  distance: number,
): { readonly x: number; readonly kind: MarkKind; readonly marks: readonly Mark[] }[] {
  const order: readonly MarkKind[] = ['viewer', 'note', 'trouble', 'splice', 'failure'];
  const clusters: { x: number; kind: MarkKind; marks: Mark[] }[] = [];
  for (const mark of marks) {
    const x = xOf(mark.ms);
    const last = clusters.at(-1);
    if (last && x - last.x < distance) {
      last.marks.push(mark);
      if (order.indexOf(mark.kind) > order.indexOf(last.kind)) last.kind = mark.kind;
    } else clusters.push({ x, kind: mark.kind, marks: [mark] });
  }
  return clusters;
}

const STEPS_SECONDS = [
  1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10_800, 21_600, 43_200, 86_400,
];

/** Moments at round local times, at most so many, within a span. */
export function ticksOf(fromMs: number, toMs: number, countMax: number, zoneOffsetMinutes = 0): number[] {
  const length = toMs - fromMs;
  if (!(length > 0) || countMax < 1) return [];
  const step =
    1000 *
    (STEPS_SECONDS.find((each) => length / (each * 1000) <= countMax) ?? Math.ceil(length / countMax / 1000));
  const zoneMs = zoneOffsetMinutes * 60_000;
  const first = Math.ceil((fromMs - zoneMs) / step) * step + zoneMs;
  const ticks: number[] = [];
  for (let ms = first; ms <= toMs && ticks.length <= countMax; ms += step) ticks.push(ms);
  return ticks;
}
