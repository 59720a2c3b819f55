/**
 * Which packet of one 64 s loop stands in which place, at one constant bitrate. Computed once for a bitrate
 * and shared by all channels: what a channel adds is a function of the packet's number.
 */
import { PACKET_BYTES, pidOf } from '../mpegts/packet.ts';
import { AUDIO_PID, type Clip, LOOP_SECONDS, LOOP_TICKS, VIDEO_PID } from './clip.ts';

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
export const SLOT_PMT = -3;
export const SLOT_PCR = -4;

/** The streams that count their packets, as indices. */
export const STREAM_VIDEO = 0;
export const STREAM_AUDIO = 1;
export const STREAM_FILLER = 2;
export const STREAM_PAT = 3;
export const STREAM_PMT = 4;
const STREAM_COUNT = 5;

export interface Layout {
  readonly clip: Clip;
  readonly packetsPerLoop: number;
  /** The bitrate as it is: whole packets in 64 s. */
  readonly bitsPerSecond: number;
  readonly packetsPerMs: number;
  /** For each place: a packet of the clip (≥ 0), or one of the SLOT_ values. */
  readonly slot: Int32Array;
  /** For each place: the STREAM_ that it counts in. */
  readonly stream: Uint8Array;
  /** For each place: its continuity counter in the first loop. */
  readonly counter: Uint8Array;
  /** For each stream: by how much its counter moves in one loop, modulo 16. */
  readonly counterPerLoop: Uint8Array;
}

/**
 * Lays one loop out at about `bitsPerSecond`.
 * @throws RangeError when the clip does not fit into that bitrate
 */
export function buildLayout(clip: Clip, bitsPerSecond: number): Layout {
  const packetsPerLoop = Math.round((bitsPerSecond * LOOP_SECONDS) / PACKET_BITS);
  const slot = new Int32Array(packetsPerLoop).fill(SLOT_FILLER);
  const stream = new Uint8Array(packetsPerLoop).fill(STREAM_FILLER);
  const counter = new Uint8Array(packetsPerLoop);
  const counts = new Array<number>(STREAM_COUNT).fill(0);
  const tooLow = (): RangeError => new RangeError(`the test pattern needs more than ${bitsPerSecond} bit/s`);

  let nextClip = 0;
  let nextPsiTicks = 0;
  let pmtDue = false;
  let lastPcrTicks = Number.NEGATIVE_INFINITY;
  for (let place = 0; place < packetsPerLoop; place++) {
    const nowTicks = (place * LOOP_TICKS) / packetsPerLoop;
    let kind = SLOT_FILLER;
    let of = STREAM_FILLER;
    if (pmtDue) {
      kind = SLOT_PMT;
      of = STREAM_PMT;
      pmtDue = false;
    } else if (nowTicks >= nextPsiTicks) {
      kind = SLOT_PAT;
      of = STREAM_PAT;
      pmtDue = true;
      nextPsiTicks += PSI_PERIOD_TICKS;
    } else if (nowTicks - lastPcrTicks >= PCR_PERIOD_TICKS) {
      kind = SLOT_PCR;
      of = STREAM_VIDEO;
      lastPcrTicks = nowTicks;
    } else if (nextClip < clip.packetCount && clip.dueTicks[nextClip]! <= nowTicks) {
      if (nowTicks - clip.dueTicks[nextClip]! > LEAD_TICKS - LEAD_TICKS_MIN) throw tooLow();
      kind = nextClip;
      of = streamOf(clip, nextClip);
      if (clip.hasPcr[nextClip] === 1) lastPcrTicks = nowTicks;
      nextClip++;
    }
    slot[place] = kind;
    stream[place] = of;
    // A packet without payload repeats the counter of the one before it (ISO 13818-1 2.4.3.3).
    counter[place] = (kind === SLOT_PCR ? counts[of]! + 15 : counts[of]!++) & 15;
  }
  if (nextClip < clip.packetCount) throw tooLow();

  return {
    clip,
    packetsPerLoop,
    bitsPerSecond: (packetsPerLoop * PACKET_BITS) / LOOP_SECONDS,
    packetsPerMs: packetsPerLoop / (LOOP_SECONDS * 1000),
    slot,
    stream,
    counter,
    counterPerLoop: Uint8Array.from(counts, (count) => count & 15),
  };
}

function streamOf(clip: Clip, index: number): number {
  const pid = pidOf(clip.bytes, index * PACKET_BYTES);
  if (pid === VIDEO_PID) return STREAM_VIDEO;
  if (pid === AUDIO_PID) return STREAM_AUDIO;
  throw new Error(`the clip has a packet of PID ${pid}`);
}
