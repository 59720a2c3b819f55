/** How an engine cuts a broadcast into HLS segments: a pure function of the broadcast (reference 6.2, item 27). */
import { PTS_HZ } from '../mpegts/clocks.ts';
import { PACKET_BYTES } from '../mpegts/packet.ts';
import type { Broadcast } from './broadcast.ts';
import type { Clip } from './clip.ts';
import { type Layout, SLOT_PAT } from './layout.ts';

/** A segment ends at the first place to begin after so many seconds; engines have 3.7 to 6.3 s. */
const WANTED_SECONDS = [6, 5, 4] as const;
/** A loop's last segment is no shorter; else it is one with the segment before it. */
const SECONDS_MIN = 3.7;

export interface Segment {
  /** Counted from the broadcast's beginning. */
  readonly number: number;
  readonly fromPacket: number;
  readonly packetCount: number;
  readonly durationSeconds: number;
}

interface Cut {
  /** The place in the loop at which it begins. */
  readonly place: number;
  /** The moment of its first frame in the loop. */
  readonly ticks: number;
}

export class Segmenter {
  readonly #broadcast: Broadcast;
  readonly #cuts: readonly Cut[];
  /** Of the longest segment, rounded up: what EXT-X-TARGETDURATION says. */
  readonly targetSeconds: number;

  constructor(broadcast: Broadcast) {
    this.#broadcast = broadcast;
    this.#cuts = cutsOf(broadcast.layout);
    const durations = this.#cuts.map((_, index) => this.segment(index).durationSeconds);
    this.targetSeconds = Math.ceil(Math.max(...durations));
  }

  segment(number: number): Segment {
    const cut = this.#cutAt(number);
    const next = this.#cutAt(number + 1);
    return {
      number,
      fromPacket: cut.packet,
      packetCount: next.packet - cut.packet,
      durationSeconds: (next.ticks - cut.ticks) / PTS_HZ,
    };
  }

  /** How many segments lie whole within the broadcast's first `packets` packets. */
  complete(packets: number): number {
    const { packetsPerLoop } = this.#broadcast.layout;
    let count = Math.max(0, Math.floor(packets / packetsPerLoop) - 1) * this.#cuts.length;
    while (this.#cutAt(count + 1).packet <= packets) count++;
    return count;
  }

  /**
   * The segment's packets behind the PAT and PMTs that were sent last before them: packets sent twice with one
   * counter are legal duplicates (ISO 13818-1 2.4.3.3), so segments put together play as one stream.
   */
  bytes(number: number): Buffer {
    const { fromPacket, packetCount } = this.segment(number);
    const { layout } = this.#broadcast;
    if (layout.recorded !== undefined) {
      const media = Buffer.alloc(packetCount * PACKET_BYTES);
      this.#broadcast.fill(media, fromPacket, packetCount);
      return Buffer.concat([layout.recorded.tables, media]);
    }
    const tables = 1 + layout.clip.programs.length;
    const bytes = Buffer.alloc((tables + packetCount) * PACKET_BYTES);
    this.#broadcast.fill(bytes, this.#patBefore(fromPacket), tables);
    this.#broadcast.fill(bytes.subarray(tables * PACKET_BYTES), fromPacket, packetCount);
    return bytes;
  }

  #cutAt(number: number): { readonly packet: number; readonly ticks: number } {
    const { packetsPerLoop, clip } = this.#broadcast.layout;
    const loop = Math.floor(number / this.#cuts.length);
    const { place, ticks } = this.#cuts[number - loop * this.#cuts.length]!;
    return { packet: loop * packetsPerLoop + place, ticks: loop * clip.loopTicks + ticks };
  }

  /** The PMTs stand right behind it: a loop begins so, and they are never apart. */
  #patBefore(packetNumber: number): number {
    const { slot, packetsPerLoop } = this.#broadcast.layout;
    let at = packetNumber;
    do at--;
    while (slot[at % packetsPerLoop] !== SLOT_PAT);
    return at;
  }
}

/** Where a loop is cut; the first cut is its first place to begin. */
function cutsOf(layout: Layout): Cut[] {
  const { clip, beginnings, slot } = layout;
  const cuts: Cut[] = [];
  for (const place of beginnings) {
    const ticks = clip.dueTicks[slot[place]!]!;
    const last = cuts.at(-1);
    const wantedSeconds = WANTED_SECONDS[(cuts.length + WANTED_SECONDS.length - 1) % WANTED_SECONDS.length]!;
    if (last === undefined) cuts.push({ place, ticks });
    else if (secondsBetween(last.ticks, ticks) >= wantedSeconds && leavesEnough(clip, ticks)) {
      cuts.push({ place, ticks });
    }
  }
  if (cuts.length === 0) throw new RangeError('the clip has no place to begin at');
  return cuts;
}

function leavesEnough(clip: Clip, ticks: number): boolean {
  return secondsBetween(ticks, clip.loopTicks) >= SECONDS_MIN;
}

function secondsBetween(fromTicks: number, toTicks: number): number {
  return (toTicks - fromTicks) / PTS_HZ;
}
