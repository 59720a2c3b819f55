/**
 * Which packet of one loop of a clip stands in which place, at one constant bitrate. Computed once for a clip and a
 * bitrate and shared by all channels: what a channel adds is a function of the packet's number.
 */
import { PTS_HZ } from '../mpegts/clocks.ts';
import { PACKET_BYTES, pidOf } from '../mpegts/packet.ts';
import type { Clip } from './clip.ts';

const PACKET_BITS = PACKET_BYTES * 8;

/** PAT and PMT this often, in ticks of 90 kHz: 200 ms (ISO 13818-1 receivers expect ≥ 2 per s; DVB 100 ms to 0.5 s). */
const PSI_PERIOD_TICKS = 18_000;
/** A PCR at least this often: 30 ms. ISO 13818-1 2.7.2 allows 100 ms, DVB 40 ms. */
const PCR_PERIOD_TICKS = 2_700;
/** Packets of a frame leave this long before the frame is decoded, at most: 0.5 s. */
export const LEAD_TICKS = 45_000;
/** And must have left this long before: 0.1 s. Otherwise the bitrate is too low for the clip. */
const LEAD_TICKS_MIN = 9_000;

/** What stands in a place, where it is not a packet of the clip (those are ≥ 0). */
export const SLOT_FILLER = -1;
export const SLOT_PAT = -2;
/** The PMT of the first program; that of the next one is one less, and so on. */
export const SLOT_PMT = -16;
/** A packet with nothing but the first program's PCR; that of the next one is one less, and so on. */
export const SLOT_PCR = -32;

export interface Layout {
  readonly clip: Clip;
  readonly packetsPerLoop: number;
  /** The bitrate as it is: whole packets in one loop. */
  readonly bitsPerSecond: number;
  readonly packetsPerMs: number;
  /** For each place: a packet of the clip (≥ 0), or one of the SLOT_ values. */
  readonly slot: Int32Array;
  /** For each place: the stream that it counts in, an index into `counterPerLoop`. */
  readonly stream: Uint8Array;
  /** For each place: its continuity counter in the first loop. */
  readonly counter: Uint8Array;
  /** For each stream: by how much its counter moves in one loop, modulo 16. */
  readonly counterPerLoop: Uint8Array;
  /** The places at which decoding can begin, rising. */
  readonly beginnings: readonly number[];
  /** Of a stretch that was recorded: its packets stand in it as they came, tables and clocks included. */
  readonly recorded?: RecordedStretch;
}

export interface RecordedStretch {
  /** For each place the moment at which it is on air, milliseconds since the start of the loop, not falling. */
  readonly airMs: Float64Array;
  /** Packets with the PAT and the PMT, for what begins in the middle. */
  readonly tables: Buffer;
}

/** What was laid out already, for as long as its clip is used: many engines of one process show the same. */
const layouts = new WeakMap<Clip, Map<number, Layout>>();

/**
 * One loop at about `bitsPerSecond`; the same one for whoever asks for the same.
 * @throws RangeError when the clip does not fit into that bitrate
 */
export function buildLayout(clip: Clip, bitsPerSecond: number): Layout {
  const ofClip = layouts.get(clip) ?? new Map<number, Layout>();
  layouts.set(clip, ofClip);
  const known = ofClip.get(bitsPerSecond);
  if (known) return known;
  const layout = layOut(clip, bitsPerSecond);
  ofClip.set(bitsPerSecond, layout);
  return layout;
}

function layOut(clip: Clip, bitsPerSecond: number): Layout {
  const { loopTicks, programs } = clip;
  const packetsPerLoop = Math.round((bitsPerSecond * loopTicks) / PTS_HZ / PACKET_BITS);
  const slot = new Int32Array(packetsPerLoop).fill(SLOT_FILLER);
  const stream = new Uint8Array(packetsPerLoop);
  const counter = new Uint8Array(packetsPerLoop);
  const beginnings: number[] = [];
  const counts: number[] = [];
  const indices = new Map<number, number>();
  const tooLow = (): RangeError => new RangeError(`the test pattern needs more than ${bitsPerSecond} bit/s`);
  /** Streams are counted by what identifies them: a PID, or the SLOT_ value of what has no packets in the clip. */
  const indexOf = (identity: number): number => {
    const known = indices.get(identity);
    if (known !== undefined) return known;
    indices.set(identity, counts.length);
    return counts.push(0) - 1;
  };

  let nextClip = 0;
  let nextPsiTicks = 0;
  let nextProgram = programs.length;
  const pcrDueTicks = programs.map(() => 0);
  const fillerStream = indexOf(SLOT_FILLER);
  for (let place = 0; place < packetsPerLoop; place++) {
    const nowTicks = (place * loopTicks) / packetsPerLoop;
    let kind = SLOT_FILLER;
    let of = fillerStream;
    const pcrDue = pcrDueTicks.findIndex((dueTicks) => dueTicks <= nowTicks);
    if (nextProgram < programs.length) {
      kind = SLOT_PMT - nextProgram;
      of = indexOf(kind);
      nextProgram++;
    } else if (nowTicks >= nextPsiTicks) {
      kind = SLOT_PAT;
      of = indexOf(SLOT_PAT);
      nextProgram = 0;
      nextPsiTicks += PSI_PERIOD_TICKS;
    } else if (pcrDue >= 0) {
      kind = SLOT_PCR - pcrDue;
      of = indexOf(programs[pcrDue]!.pcrPid);
      pcrDueTicks[pcrDue] = nowTicks + PCR_PERIOD_TICKS;
    } else if (nextClip < clip.packetCount && clip.dueTicks[nextClip]! <= nowTicks) {
      if (nowTicks - clip.dueTicks[nextClip]! > LEAD_TICKS - LEAD_TICKS_MIN) throw tooLow();
      kind = nextClip;
      const pid = pidOf(clip.bytes, nextClip * PACKET_BYTES);
      of = indexOf(pid);
      const pcrOf = programs.findIndex(({ pcrPid }) => pcrPid === pid);
      if (clip.hasPcr[nextClip] === 1 && pcrOf >= 0) pcrDueTicks[pcrOf] = nowTicks + PCR_PERIOD_TICKS;
      if (clip.beginsHere[nextClip] === 1) beginnings.push(place);
      nextClip++;
    }
    slot[place] = kind;
    stream[place] = of;
    // A packet without payload repeats the counter of the one before it (ISO 13818-1 2.4.3.3).
    counter[place] = (kind <= SLOT_PCR ? counts[of]! + 15 : counts[of]!++) & 15;
  }
  if (nextClip < clip.packetCount) throw tooLow();

  return {
    clip,
    packetsPerLoop,
    bitsPerSecond: (packetsPerLoop * PACKET_BITS * PTS_HZ) / loopTicks,
    packetsPerMs: (packetsPerLoop * (PTS_HZ / 1000)) / loopTicks,
    slot,
    stream,
    counter,
    counterPerLoop: Uint8Array.from(counts, (count) => count & 15),
    beginnings,
  };
}
