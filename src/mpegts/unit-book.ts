import type { AccessPointKind, OpenPoint } from './access-point.ts';
import { PID_COUNT } from './packet.ts';

/** What is left of a unit after so many packets is not waited out: the PID may never begin one. */
const UNIT_PACKETS_MAX = 2048;
/** For so long after an access point, in media time, packets that a joiner leaves out are noted. */
const OMIT_MEDIA_MS_MAX = 10_000;
/** So many access points at once have packets noted for them; the oldest is closed for a new one. */
const OPEN_POINTS_MAX = 64;

/** Values of `#unitStarts` that are no position. */
const NEVER_SEEN = -2;
const NEVER_BEGUN = -1;
const NOTHING_OPEN = Number.NEGATIVE_INFINITY;

/**
 * Notes for each access point the packets that who joins there leaves out.
 *
 * For every PID it keeps the position of the latest unit start (PES packet or section). A packet that begins no
 * unit continues that one, so it is left out for exactly those access points whose position is greater. In the
 * normal case one comparison with the newest position says that there is nothing to note.
 */
export class UnitBook {
  readonly #unitStarts = new Float64Array(PID_COUNT).fill(NEVER_SEEN);
  /** Packets with payload since the unit start, up to UNIT_PACKETS_MAX. */
  readonly #unitPackets = new Uint16Array(PID_COUNT);
  readonly #seenPids = new Uint16Array(PID_COUNT);
  #seenPidCount = 0;
  /** Not yet known to be an access point, newer than all others; packets are noted for it just the same. */
  #candidate: OpenPoint | undefined;
  /** Accepted ones that packets are still noted for, ascending. */
  #open: OpenPoint[] = [];
  /** The greatest position that packets are noted for. */
  #newestPosition = NOTHING_OPEN;

  /** A packet with payload that begins a PES packet or a section. */
  unitStart(pid: number, position: number): void {
    if (this.#unitStarts[pid] === NEVER_SEEN) this.#seenPids[this.#seenPidCount++] = pid;
    this.#unitPackets[pid] = 0;
    this.#setUnitStart(pid, position);
  }

  /** A packet with payload that begins none. */
  continuation(pid: number, position: number): void {
    const count = this.#unitPackets[pid]!;
    if (count >= UNIT_PACKETS_MAX) {
      this.#setUnitStart(pid, position); // from here on every packet stands for itself
      return;
    }
    this.#unitPackets[pid] = count + 1;
    if (this.#unitStarts[pid] === NEVER_SEEN) {
      this.#seenPids[this.#seenPidCount++] = pid;
      this.#unitStarts[pid] = NEVER_BEGUN;
      for (const point of this.#open) point.unfinishedPids++;
    }
    if (this.#unitStarts[pid]! < this.#newestPosition) this.#leaveOut(pid, position);
  }

  /**
   * A packet without payload. It belongs to no unit, but repeats the counter of the one before it: sent before
   * a stretch of its PID that is left out, it would make that a gap. So it shares the fate of its neighbours,
   * unless its PID never carries payload (a PID of its own for the PCR).
   */
  emptyPacket(pid: number, position: number): void {
    const unitStart = this.#unitStarts[pid]!;
    if (unitStart !== NEVER_SEEN && unitStart < this.#newestPosition) this.#leaveOut(pid, position);
  }

  /** Notes packets for this point from now on, instead of the last candidate. */
  setCandidate(point: OpenPoint | undefined): void {
    this.#candidate = point;
    this.#findNewest();
  }

  /** Makes the candidate an access point: packets are noted for it until it is complete. */
  accept(point: OpenPoint, kind: AccessPointKind): void {
    point.kind = kind;
    point.isAccepted = true;
    for (let index = 0; index < this.#seenPidCount; index++) {
      if (this.#unitStarts[this.#seenPids[index]!]! < point.position) point.unfinishedPids++;
    }
    if (point.unfinishedPids === 0) point.omitComplete = true;
    this.#open.push(point);
  }

  /** Closes points that have been open for long enough by the media clock. */
  closeOld(mediaMs: number): void {
    if (this.#open.length === 0) return;
    const tooMany = this.#open.length - (OPEN_POINTS_MAX - 1);
    this.#open.forEach((point, index) => {
      if (index < tooMany || point.mediaMs < mediaMs - OMIT_MEDIA_MS_MAX) point.omitComplete = true;
    });
    this.#open = this.#open.filter((point) => !point.omitComplete);
    this.#findNewest();
  }

  /** Closes all points and forgets all units. */
  restart(): void {
    for (const point of this.#open) point.omitComplete = true;
    this.#open = [];
    this.#unitStarts.fill(NEVER_SEEN);
    this.#unitPackets.fill(0);
    this.#seenPidCount = 0;
    this.setCandidate(undefined);
  }

  #leaveOut(pid: number, position: number): void {
    const unitStart = this.#unitStarts[pid]!;
    const candidate = this.#candidate;
    if (candidate && !candidate.isAccepted && candidate.position > unitStart) candidate.leaveOut(position);
    for (let index = this.#open.length - 1; index >= 0; index--) {
      const point = this.#open[index]!;
      if (point.position <= unitStart) break;
      point.leaveOut(position);
    }
  }

  #setUnitStart(pid: number, position: number): void {
    const before = this.#unitStarts[pid]!;
    this.#unitStarts[pid] = position;
    if (before === NEVER_SEEN || before >= this.#newestPosition) return;
    for (let index = this.#open.length - 1; index >= 0; index--) {
      const point = this.#open[index]!;
      if (point.position <= before) break;
      point.unfinishedPids--;
      if (point.unfinishedPids <= 0) point.omitComplete = true;
    }
  }

  #findNewest(): void {
    this.#newestPosition = this.#candidate?.position ?? this.#open.at(-1)?.position ?? NOTHING_OPEN;
  }
}
