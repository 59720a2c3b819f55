import { readPcr, wrappedDifference } from '../clocks.ts';
import { continuityCounter, hasPayload, NULL_PID, PACKET_BYTES, PID_COUNT, pidOf } from '../packet.ts';
import { FingerprintBook } from './fingerprint-book.ts';
import { type Fingerprint, Fingerprinter, type FollowedStream } from './fingerprints.ts';
import { type BegunUnit, lightHash } from './gate.ts';
import { bytesOfKey, type PesTrack } from './pes-track.ts';
import type { ProgramMap } from './program-map.ts';

/** How far back a new source is recognized, seconds of media. */
const BOOK_SECONDS = 60;
const DEFAULT_UNIT_TICKS = 3_600;
/** Two PES packets of one stream are not further apart than this, 90 kHz ticks. */
const UNIT_TICKS_MAX = 90_000;

/** What is known of one stream at the ring's end. */
export interface StreamEnd {
  readonly pid: number;
  readonly role: string;
  /** Undefined for a stream without timestamps. */
  readonly unit: BegunUnit | undefined;
  /** The latest moment that any of its PES packets is presented at. */
  readonly latestPts: number | undefined;
}

interface Clocks {
  latestPts: number | undefined;
  lastDts: number | undefined;
  unitTicks: number;
  /** Of the PES packet that ended last. */
  lastBytes: number;
}

/**
 * What has to be known of a ring's end so that another source can be joined to it: fingerprints of its last minute, the
 * counters of all PIDs, its tables, what is under way on each PID. Fed with every packet that goes into the ring, in
 * order; whichever source they come from. It keeps no packets, and a candidate that fails leaves no trace in it.
 */
export class StreamTail {
  readonly book = new FingerprintBook(BOOK_SECONDS);
  readonly #fingerprinter: Fingerprinter;
  readonly #counters = new Int8Array(PID_COUNT).fill(-1);
  readonly #used = new Uint8Array(PID_COUNT);
  readonly #seen: number[] = [];
  /** Packets of each PID, and how many of them there were when the reference's latest PES packet began. */
  readonly #packets = new Uint32Array(PID_COUNT);
  readonly #atAnchor = new Uint32Array(PID_COUNT);
  readonly #emptyPackets = new Uint16Array(PID_COUNT);
  readonly #lastHashes = new Int32Array(PID_COUNT);
  readonly #hasLastHash = new Uint8Array(PID_COUNT);
  readonly #clocks = new Map<string, Clocks>();
  #pcr: number | undefined;
  #endOffset90 = 0;

  constructor() {
    this.#fingerprinter = new Fingerprinter({
      unitBegins: (stream) => this.#unitBegins(stream),
      unitEnds: (fingerprint) => this.#unitEnds(fingerprint),
    });
  }

  /** Undefined as long as there is nothing to join to: no tables yet, no media. */
  get map(): ProgramMap | undefined {
    return this.#fingerprinter.map;
  }

  /** Whether a PID carries the PAT or a PMT. */
  isTable(pid: number): boolean {
    return this.#fingerprinter.isTable(pid);
  }

  /** The DTS at which the reference stream's PES packet under way is decoded; undefined before the first. */
  get endDts(): number | undefined {
    return this.#reference?.track.lastDts;
  }

  /** The first DTS of the reference stream that is remembered. */
  get firstDts(): number | undefined {
    return this.book.oldest(this.map?.reference?.role ?? '')?.clock90;
  }

  /** 90 kHz ticks between the reference's last two PES packets. */
  get unitTicks(): number {
    return this.#clocks.get(this.#reference?.role ?? '')?.unitTicks ?? DEFAULT_UNIT_TICKS;
  }

  /** The latest PTS of all streams; undefined before the first. */
  get latestPts(): number | undefined {
    let latest: number | undefined;
    for (const { latestPts } of this.#clocks.values()) latest = later(latest, latestPts);
    return latest;
  }

  /** The last PCR of the reference's program, 27 MHz ticks. */
  get pcr(): number | undefined {
    return this.#pcr;
  }

  /** What is added to the timestamps of the source that came last; for the next one it is the most likely. */
  get lastOffset90(): number {
    return this.#endOffset90;
  }

  /** 1 for each PID that has occurred. */
  get usedPids(): Uint8Array {
    return this.#used;
  }

  /** The PIDs that have occurred, null packets' included. */
  get seenPids(): readonly number[] {
    return this.#seen;
  }

  /** The streams of the program map, as they end. */
  get streamEnds(): readonly StreamEnd[] {
    return this.#fingerprinter.streams.map(({ pid, role, track }) => ({
      pid,
      role,
      latestPts: this.#clocks.get(role)?.latestPts,
      unit:
        track.lastDts === undefined
          ? undefined
          : {
              lastDts: track.lastDts,
              unitsSinceDts: track.unitsSinceDts,
              esBytes: track.esBytes,
              significantBytes: track.significantBytes,
              hash: track.hash,
              isHeaderDone: track.isHeaderDone && !track.isStrange,
              isWhole: track.isWhole,
              coveredTicks: this.#coveredTicks(role, track),
              emptyPackets: this.#emptyPackets[pid]!,
            },
    }));
  }

  /** A copy of the counters of the last packets, by PID; -1 where there was none. */
  copyCounters(): Int8Array {
    return Int8Array.from(this.#counters);
  }

  /** Packets of a PID since, and without, the packet in which the reference's PES packet under way begins. */
  packetsSinceAnchor(pid: number): number {
    return this.#packets[pid]! - this.#atAnchor[pid]!;
  }

  /** lightHash of the last packet with payload; undefined for streams of the program map with timestamps, and tables. */
  lastHash(pid: number): number | undefined {
    return this.#hasLastHash[pid] === 1 ? this.#lastHashes[pid] : undefined;
  }

  /** Tells that from here on packets of another source come, moved by so much. */
  sourceChanged(offset90: number): void {
    this.#endOffset90 = offset90;
  }

  /** Takes whole packets as they go into the ring; the first will stand at `position`. */
  push(packets: Buffer, position: number): void {
    for (let at = 0; at + PACKET_BYTES <= packets.length; at += PACKET_BYTES) {
      const pid = pidOf(packets, at);
      if (this.#used[pid] === 0) {
        this.#used[pid] = 1;
        this.#seen.push(pid);
      }
      this.#packets[pid]!++;
      if (pid !== NULL_PID) this.#pushPacket(packets, at, pid, position + at);
    }
  }

  get #reference(): FollowedStream | undefined {
    const pid = this.map?.reference?.pid;
    return pid === undefined ? undefined : this.#fingerprinter.streamOf(pid);
  }

  #pushPacket(packets: Buffer, at: number, pid: number, position: number): void {
    this.#counters[pid] = continuityCounter(packets, at);
    if (hasPayload(packets, at)) this.#emptyPackets[pid] = 0;
    else this.#emptyPackets[pid]!++;
    this.#fingerprinter.pushPacket(packets, at, pid, position);
    const map = this.map;
    if (!map) return;
    if (pid === map.pcrPid) this.#pcr = readPcr(packets, at) ?? this.#pcr;
    const stream = this.#fingerprinter.streamOf(pid);
    if (stream?.track.lastDts !== undefined) return;
    if (!hasPayload(packets, at) || this.#fingerprinter.isTable(pid)) return;
    this.#lastHashes[pid] = lightHash(packets, at);
    this.#hasLastHash[pid] = 1;
  }

  #unitBegins({ role, track, isReference }: FollowedStream): void {
    if (isReference) for (const pid of this.#seen) this.#atAnchor[pid] = this.#packets[pid]!;
    const clocks = this.#clocks.get(role) ?? {
      latestPts: undefined,
      lastDts: undefined,
      unitTicks: DEFAULT_UNIT_TICKS,
      lastBytes: 0,
    };
    this.#clocks.set(role, clocks);
    clocks.latestPts = later(clocks.latestPts, track.pts);
    if (track.dts === undefined) return;
    const ticks = clocks.lastDts === undefined ? 0 : wrappedDifference(track.dts, clocks.lastDts);
    if (ticks > 0 && ticks <= UNIT_TICKS_MAX) clocks.unitTicks = ticks;
    // After a leap backwards the old maximum means nothing any more.
    if (ticks < -UNIT_TICKS_MAX) clocks.latestPts = track.pts;
    clocks.lastDts = track.dts;
  }

  #unitEnds(fingerprint: Fingerprint): void {
    const clocks = this.#clocks.get(fingerprint.role);
    if (clocks) clocks.lastBytes = bytesOfKey(fingerprint.key);
    this.book.add(fingerprint);
  }

  /** A PES packet of sound lasts about as long as the one that ended last (itself, when it is whole), by its bytes. */
  #coveredTicks(role: string, track: PesTrack): number {
    const clocks = this.#clocks.get(role);
    if (!clocks || !role.includes(':audio:')) return 0;
    return Math.floor(clocks.unitTicks * Math.min(1, track.esBytes / Math.max(1, clocks.lastBytes)));
  }
}

function later(one: number | undefined, other: number | undefined): number | undefined {
  if (one === undefined || other === undefined) return one ?? other;
  return wrappedDifference(other, one) > 0 ? other : one;
}
