import type { ProgramTables, TableCounters, TableSections } from './program-tables.ts';
import type { RandomAccessKind } from './random-access.ts';

/** Why a viewer may begin there; `fallback` means that nothing better came. */
export type AccessPointKind = RandomAccessKind | 'fallback';

/** A place in the stream at which a viewer may begin: send `tables`, then the stream from `position` less `omit`. */
export interface AccessPoint {
  /** Absolute byte position of the transport packet in which the PES begins. */
  readonly position: number;
  readonly kind: AccessPointKind;
  /** The PES's PTS, 90 kHz ticks below 2^33. */
  readonly pts: number | undefined;
  /** The scanner's media clock at that packet, milliseconds. */
  readonly mediaMs: number;
  /**
   * Packets with the PAT, then the PMT in force, made for this access point: their continuity counters are
   * such that the next packet of either PID that is sent after `position` continues them.
   */
  readonly tables: Buffer;
  /**
   * Ascending positions of packets after `position` that continue a PES packet or section begun before it. It
   * grows while the scanner runs, always before the bytes it speaks of can be read by anybody.
   */
  readonly omit: readonly number[];
  /** No more positions will be added. */
  readonly omitComplete: boolean;
}

/** The longest list of packets to leave out. */
export const OMIT_ENTRIES_MAX = 4096;

/** An access point in the making, and after: the scanner adds to `omit` until it is complete. */
export class OpenPoint implements AccessPoint {
  readonly position: number;
  readonly pts: number | undefined;
  readonly mediaMs: number;
  readonly omit: number[] = [];
  omitComplete = false;
  kind: AccessPointKind = 'fallback';
  /** Whether it has been found good or taken as a fallback: it outlives the next unit start. */
  isAccepted = false;
  /** PIDs in the middle of a unit begun before `position`, once accepted. */
  unfinishedPids = 0;
  /** Whether the PAT's, or the PMT's, PID is still in the middle of a section begun before `position`. */
  waitsForPat: boolean;
  waitsForPmt: boolean;
  #sections: TableSections | undefined;
  readonly #counters: { pat: number; pmt: number };
  #tables: Buffer | undefined;

  constructor(
    position: number,
    pts: number | undefined,
    mediaMs: number,
    tables: ProgramTables,
    counters: TableCounters,
  ) {
    this.position = position;
    this.pts = pts;
    this.mediaMs = mediaMs;
    this.waitsForPat = !tables.isPatIdle;
    this.waitsForPmt = !tables.isPmtIdle;
    this.#sections = tables.sections;
    this.#counters = { ...counters };
  }

  get isWaiting(): boolean {
    return this.waitsForPat || this.waitsForPmt;
  }

  /** The PAT's section from before `position` has ended; `counter` is that of the last packet not sent. */
  settlePat(counter: number, sections: TableSections | undefined): void {
    this.waitsForPat = false;
    this.#counters.pat = counter;
    this.#sections = sections;
  }

  /** The same for the PMT. */
  settlePmt(counter: number, sections: TableSections | undefined): void {
    this.waitsForPmt = false;
    this.#counters.pmt = counter;
    this.#sections = sections;
  }

  get tables(): Buffer {
    this.#tables ??= this.#sections?.packetsUpTo(this.#counters) ?? Buffer.alloc(0);
    return this.#tables;
  }

  /** Adds a packet to leave out. */
  leaveOut(position: number): void {
    if (this.omitComplete) return;
    this.omit.push(position);
    if (this.omit.length >= OMIT_ENTRIES_MAX) this.omitComplete = true;
  }
}
