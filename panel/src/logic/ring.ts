/** What is held of a stream, as a picture: the live edge at the right, and how far behind it everything is. */

export interface RingInput {
  /** Of media in memory. */
  readonly seconds: number;
  /** Of media on disk, reckoned from the live edge; 0: nothing is kept. */
  readonly timeshiftSeconds: number;
  readonly keyframesBehind: readonly number[];
  readonly viewers: readonly {
    readonly id: string;
    readonly behind: number | null;
    readonly state: string;
  }[];
  readonly width: number;
}

export interface RingPicture {
  /** Of the part in memory. What is on disk is left of it, not to scale. */
  readonly memoryX: number;
  readonly keyframes: readonly number[];
  readonly viewers: readonly {
    readonly id: string;
    readonly x: number;
    readonly level: number;
    readonly state: string;
  }[];
  /** Columns that are full, and how many viewers more there are. */
  readonly more: readonly { readonly x: number; readonly count: number }[];
  /** How many rows of viewers there are. */
  readonly levels: number;
  readonly ticks: readonly { readonly x: number; readonly seconds: number }[];
}

const DISK_PART = 0.22;
const DOT = 13;
const LEVELS_MAX = 8;
const TICKS = [1, 2, 5, 10, 20, 30, 60, 120, 300];

export function ringPicture({
  seconds,
  timeshiftSeconds,
  keyframesBehind,
  viewers,
  width,
}: RingInput): RingPicture {
  const memoryX = timeshiftSeconds > seconds ? Math.round(width * DISK_PART) : 0;
  const span = Math.max(0.1, seconds);
  const xOf = (behind: number): number => {
    if (behind <= span || memoryX === 0)
      return width - (Math.min(Math.max(0, behind), span) / span) * (width - memoryX);
    const part = Math.min(1, (behind - span) / Math.max(1, timeshiftSeconds - span));
    return memoryX * (1 - part);
  };
  const taken = new Map<number, number>();
  const placed = viewers
    .filter(({ behind }) => behind !== null && Number.isFinite(behind))
    .toSorted((one, other) => (one.behind ?? 0) - (other.behind ?? 0) || one.id.localeCompare(other.id))
    .map(({ id, behind, state }) => {
      const x = xOf(behind ?? 0);
      const column = Math.round(x / DOT);
      const level = taken.get(column) ?? 0;
      taken.set(column, level + 1);
      return { id, x, level, state };
    })
    .filter(({ level }) => level < LEVELS_MAX);
  const more = [...taken].flatMap(([column, count]) =>
    count > LEVELS_MAX ? [{ x: column * DOT, count: count - LEVELS_MAX }] : [],
  );
  const step = TICKS.find((each) => span / each <= 6) ?? 600;
  const ticks = [];
  for (let second = 0; second <= span; second += step) ticks.push({ x: xOf(second), seconds: second });
  return {
    memoryX,
    keyframes: keyframesBehind.filter((behind) => behind >= 0 && behind <= span).map(xOf),
    viewers: placed,
    more,
    levels: Math.max(1, ...placed.map(({ level }) => level + 1)) + (more.length > 0 ? 1 : 0),
    ticks,
  };
}
