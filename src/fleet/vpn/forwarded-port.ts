/** Times of the forwarded port, milliseconds. */
export const PORT_TIMES = {
  /** The first port must have been seen for this long. */
  firstMs: 4_000,
  /** Another one than before must, and no other between; doubled with each change of late. */
  changeMs: 30_000,
  changeMaxMs: 10 * 60_000,
  /** Changes are remembered for this. */
  memoryMs: 30 * 60_000,
  /** Seen as none for this long, there is none any more. */
  lossMs: 2 * 60_000,
} as const;

const CHANGES_MAX = 16;

/** The port that a VPN forwards, as it is believed: each change of it costs an engine. Times are monotonic, milliseconds. */
export interface PortRecord {
  /** Undefined: none. */
  readonly port: number | undefined;
  readonly sinceMs: number;
  /** What was seen last, if that is another one. */
  readonly other: { readonly port: number | undefined; readonly sinceMs: number } | undefined;
  /** When it changed from one port to another, of late. */
  readonly changesMs: readonly number[];
}

export function newPortRecord(nowMs: number): PortRecord {
  return { port: undefined, sinceMs: nowMs, other: undefined, changesMs: [] };
}

/** After one more look; `seen` is what the VPN says now: undefined for none (yet). */
export function judgePort(record: PortRecord, seen: number | undefined, nowMs: number): PortRecord {
  const changesMs = record.changesMs.filter((atMs) => nowMs - atMs < PORT_TIMES.memoryMs);
  if (seen === record.port) return { ...record, other: undefined, changesMs };
  const sinceMs = record.other !== undefined && record.other.port === seen ? record.other.sinceMs : nowMs;
  const other = { port: seen, sinceMs };
  // Not in the first look, however long the looks are apart.
  if (record.other === undefined || nowMs - sinceMs < neededMs(record, seen, changesMs.length)) {
    return { ...record, other, changesMs };
  }
  return {
    port: seen,
    sinceMs: nowMs,
    other: undefined,
    changesMs: [...changesMs, nowMs].slice(-CHANGES_MAX),
  };
}

function neededMs(record: PortRecord, seen: number | undefined, changes: number): number {
  if (seen === undefined) return PORT_TIMES.lossMs;
  if (record.port === undefined && changes === 0) return PORT_TIMES.firstMs;
  return Math.min(PORT_TIMES.changeMaxMs, PORT_TIMES.changeMs * 2 ** Math.max(0, changes - 1));
}
