/**
 * Whether two streams are the same: packet for packet, or at least in their pictures and sounds, whatever counters,
 * tables and clocks stand around them; and how far one is behind the other.
 */
import { Aligner } from '../mpegts/align.ts';
import { readPesTimestamps, wrappedDifference } from '../mpegts/clocks.ts';
import {
  hasPayload,
  isScrambled,
  NULL_PID,
  PACKET_BYTES,
  payloadAt,
  pidOf,
  startsUnit,
} from '../mpegts/packet.ts';

/** PIDs below carry tables only (ISO/IEC 13818-1 table 2-3, EN 300 468 table 1). */
const FIRST_MEDIA_PID = 0x20;
/** Fewer matches than this prove nothing. */
const PACKETS_MIN = 200;
const UNITS_MIN = 20;
/** So large a part of what stands between the first and the last match has one. */
const SHARE_MIN = 0.9;
/** More than this is not kept: about five minutes of 8 Mb/s. */
const PACKETS_MAX = 1_600_000;

interface Unit {
  /** Of its bytes behind the PES header, 52 bits. */
  readonly fingerprint: number;
  readonly bytes: number;
  readonly dts: number | undefined;
  /** When its first packet came, on the reader's clock. */
  readonly atMs: number;
}

interface OpenUnit {
  readonly hash: Hash;
  readonly dts: number | undefined;
  readonly atMs: number;
  bytes: number;
}

/** What two streams are compared by. */
export class StreamFingerprint {
  readonly #aligner = new Aligner();
  readonly #packets: number[] = [];
  readonly #units: Unit[] = [];
  readonly #open = new Map<number, OpenUnit>();

  push(bytes: Buffer, atMs: number): void {
    this.#aligner.push(bytes, (packets) => {
      for (let at = 0; at < packets.length; at += PACKET_BYTES) this.#take(packets, at, atMs);
    });
  }

  /** Of the packets that carry media, in order. */
  get packets(): readonly number[] {
    return this.#packets;
  }

  /** The PES packets that came whole, in the order of their ends. */
  get units(): readonly Unit[] {
    return this.#units;
  }

  #take(packets: Buffer, at: number, atMs: number): void {
    const pid = pidOf(packets, at);
    if (pid === NULL_PID || pid < FIRST_MEDIA_PID || !hasPayload(packets, at)) return;
    if (this.#packets.length >= PACKETS_MAX) return;
    const whole = new Hash();
    whole.add(packets, at, at + PACKET_BYTES);
    this.#packets.push(whole.value);
    if (isScrambled(packets, at)) return;
    let from = payloadAt(packets, at);
    if (startsUnit(packets, at)) {
      this.#close(pid);
      const times = readPesTimestamps(packets, at);
      if (times === undefined) return;
      const unit = { hash: new Hash(), dts: times.dts ?? times.pts, atMs, bytes: 0 };
      this.#open.set(pid, unit);
      from = Math.min(from + 9 + (packets[from + 8] ?? 0), at + PACKET_BYTES);
    }
    const open = this.#open.get(pid);
    if (open === undefined) return;
    open.hash.add(packets, from, at + PACKET_BYTES);
    open.bytes += at + PACKET_BYTES - from;
  }

  #close(pid: number): void {
    const open = this.#open.get(pid);
    if (open === undefined) return;
    this.#open.delete(pid);
    const { hash, bytes, dts, atMs } = open;
    this.#units.push({ fingerprint: hash.value, bytes, dts, atMs });
  }
}

export type Likeness =
  /** Packet for packet. */
  | 'same packets'
  /** The same pictures and sounds in a multiplex of another making. */
  | 'same streams'
  | 'different'
  /** Too little of one of them stands only once: it is short, or repeats itself. */
  | 'too little';

export interface Comparison {
  readonly likeness: Likeness;
  /** Of the packets of the common stretch: how many stand in both. */
  readonly packetShare: number;
  readonly unitsInBoth: number;
  /** The clocks of the second minus those of the first, 90 kHz ticks; undefined when nothing is common. */
  readonly clockOffset90: number | undefined;
  /** How much later the second delivers; negative: earlier. Undefined while bursts last. */
  readonly lagMs: number | undefined;
  /** How far the lag was from that at worst. */
  readonly lagSpreadMs: number | undefined;
}

/** `steadyFromMs`: what came before belongs to bursts and tells nothing about the lag. */
export function compareStreams(
  first: StreamFingerprint,
  second: StreamFingerprint,
  steadyFromMs: number,
): Comparison {
  const packets = commonPackets(first.packets, second.packets);
  const { pairs, clockOffset90, comparable } = commonUnits(first.units, second.units);
  const steady = pairs.filter(([a, b]) => a.atMs >= steadyFromMs && b.atMs >= steadyFromMs);
  const lags = steady.map(([a, b]) => b.atMs - a.atMs);
  const lagMs = median(lags);
  // Another multiplex may have the same counters by chance: then only its clocks tell.
  const isSame = packets.count >= PACKETS_MIN && packets.share >= SHARE_MIN && !clockOffset90;
  const others = comparable < UNITS_MIN ? 'too little' : 'different';
  return {
    likeness: isSame ? 'same packets' : pairs.length >= UNITS_MIN ? 'same streams' : others,
    packetShare: packets.share,
    unitsInBoth: pairs.length,
    clockOffset90,
    lagMs,
    lagSpreadMs: lagMs === undefined ? undefined : Math.max(...lags.map((lag) => Math.abs(lag - lagMs))),
  };
}

/** Of the packets that stand only once, as tables do not: how many are in both, and how large a part of the stretch. */
function commonPackets(
  first: readonly number[],
  second: readonly number[],
): { count: number; share: number } {
  const inFirst = onceOnly(first, (fingerprint) => fingerprint);
  const isCommon = [...onceOnly(second, (fingerprint) => fingerprint).keys()].map((each) =>
    inFirst.has(each),
  );
  const [from, to] = [isCommon.indexOf(true), isCommon.lastIndexOf(true)];
  const count = isCommon.filter(Boolean).length;
  return { count, share: count === 0 ? 0 : count / (to - from + 1) };
}

/**
 * The units of both, as pairs in the order of the second, whose clocks differ by the same amount: silence is the same
 * bytes in any broadcast, and at any time.
 */
function commonUnits(
  first: readonly Unit[],
  second: readonly Unit[],
): {
  readonly pairs: readonly (readonly [Unit, Unit])[];
  readonly clockOffset90: number | undefined;
  /** How many of either could have been among them. */
  readonly comparable: number;
} {
  const keyOf = ({ fingerprint, bytes }: Unit): string => `${fingerprint}:${bytes}`;
  const inFirst = onceOnly(first, keyOf);
  const inSecond = onceOnly(second, keyOf);
  const both = [...inSecond].flatMap(([key, unit]) => {
    const other = inFirst.get(key);
    if (other?.dts === undefined || unit.dts === undefined) return [];
    return [{ pair: [other, unit] as const, offset: wrappedDifference(unit.dts, other.dts) }];
  });
  const byOffset = [...Map.groupBy(both, ({ offset }) => offset)];
  const [clockOffset90, found = []] = byOffset.toSorted(([, a], [, b]) => b.length - a.length)[0] ?? [];
  const pairs = found.map(({ pair }) => pair);
  // A sound that repeats itself has such pairs, too; but then the pictures between them have none.
  const common = new Set(pairs.map(([, unit]) => unit));
  const inFirstAtAll = new Set(first.map(keyOf));
  const isCommon = [...inSecond]
    .filter(([key]) => inFirst.has(key) || !inFirstAtAll.has(key))
    .map(([, unit]) => common.has(unit));
  const stretch = isCommon.lastIndexOf(true) - isCommon.indexOf(true) + 1;
  const areMany = pairs.length >= UNITS_MIN && pairs.length >= stretch * SHARE_MIN;
  const comparable = Math.min(inFirst.size, inSecond.size);
  return areMany ? { pairs, clockOffset90, comparable } : { pairs: [], clockOffset90: undefined, comparable };
}

/** What stands once, in its order. */
function onceOnly<Item, Key>(items: readonly Item[], keyOf: (item: Item) => Key): Map<Key, Item> {
  const once = new Map<Key, Item>();
  const several = new Set<Key>();
  for (const item of items) {
    const key = keyOf(item);
    if (once.delete(key)) several.add(key);
    else if (!several.has(key)) once.set(key, item);
  }
  return once;
}

function median(values: readonly number[]): number | undefined {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];
}

/** Two FNV-1a of 32 bits with different beginnings, 52 bits of them together. */
class Hash {
  #low = 0x811c9dc5;
  #high = 0x2f0b4c47;

  add(bytes: Buffer, from: number, to: number): void {
    let low = this.#low;
    let high = this.#high;
    for (let at = from; at < to; at++) {
      const byte = bytes[at]!;
      low = Math.imul(low ^ byte, 0x01000193);
      high = Math.imul(high ^ byte, 0x01000193) ^ (high >>> 15);
    }
    this.#low = low;
    this.#high = high;
  }

  get value(): number {
    return (this.#high >>> 12) * 2 ** 32 + (this.#low >>> 0);
  }
}
