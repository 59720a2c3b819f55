/**
 * The picture and sound that every simulated channel shows, made by scripts/make-clip.sh.
 * Its length is exact in both streams, so that it can be repeated without a seam.
 */
import { readFileSync } from 'node:fs';
import { readPcr, readPesTimestamps } from '../mpegts/clocks.ts';
import { PACKET_BYTES, pidOf, startsUnit } from '../mpegts/packet.ts';

/** 64 s in ticks of 90 kHz: 1600 video frames of 3600 ticks, 3000 audio frames of 1920 ticks. */
export const LOOP_TICKS = 5_760_000;
export const LOOP_SECONDS = 64;

export const VIDEO_PID = 0x100;
export const AUDIO_PID = 0x101;

/** The clip's video and audio packets in the order in which they are sent. */
export interface Clip {
  /** Whole packets, one after another; never written to. */
  readonly bytes: Buffer;
  readonly packetCount: number;
  /** For each packet the moment at which it may be sent: ticks since the start of the loop, not falling. */
  readonly dueTicks: Int32Array;
  /** For each packet: 1 if a PES packet starts in it. */
  readonly unitStart: Uint8Array;
  /** For each packet: 1 if it has a PCR. */
  readonly hasPcr: Uint8Array;
  /** The first video frame's decoding time stamp, in ticks. */
  readonly firstDecodeTicks: number;
}

interface Sourced {
  readonly at: number;
  readonly dueTicks: number;
}

/**
 * Reads and orders the clip.
 * @throws Error when the file is missing or is not the clip that scripts/make-clip.sh makes
 */
export function loadClip(file: URL = new URL('./media/test-pattern.clip', import.meta.url)): Clip {
  const stored = readFileSync(file);
  const video = packetsOf(stored, VIDEO_PID);
  const audio = packetsOf(stored, AUDIO_PID);
  // Stable, so each stream keeps its order; audio may wait behind video, never the reverse order of one PID.
  const ordered = [...video.packets, ...audio.packets].sort((a, b) => a.dueTicks - b.dueTicks);

  const bytes = Buffer.alloc(ordered.length * PACKET_BYTES);
  const dueTicks = new Int32Array(ordered.length);
  const unitStart = new Uint8Array(ordered.length);
  const hasPcr = new Uint8Array(ordered.length);
  for (const [index, packet] of ordered.entries()) {
    stored.copy(bytes, index * PACKET_BYTES, packet.at, packet.at + PACKET_BYTES);
    dueTicks[index] = packet.dueTicks;
    unitStart[index] = startsUnit(stored, packet.at) ? 1 : 0;
    hasPcr[index] = readPcr(stored, packet.at) === undefined ? 0 : 1;
  }
  return {
    bytes,
    packetCount: ordered.length,
    dueTicks,
    unitStart,
    hasPcr,
    firstDecodeTicks: video.firstTicks,
  };
}

/** The packets of one stream, each due when its frame is, counted from the stream's own first frame. */
function packetsOf(stored: Buffer, pid: number): { packets: Sourced[]; firstTicks: number } {
  const packets: Sourced[] = [];
  let firstTicks: number | undefined;
  let dueTicks = 0;
  for (let at = 0; at + PACKET_BYTES <= stored.length; at += PACKET_BYTES) {
    if (pidOf(stored, at) !== pid) continue;
    if (startsUnit(stored, at)) {
      const times = readPesTimestamps(stored, at);
      const ticks = times?.dts ?? times?.pts;
      if (ticks === undefined) throw new Error(`the clip has a frame without a time stamp at byte ${at}`);
      firstTicks ??= ticks;
      dueTicks = ticks - firstTicks;
    }
    packets.push({ at, dueTicks });
  }
  if (firstTicks === undefined) throw new Error(`the clip has no packets of PID ${pid}`);
  return { packets, firstTicks };
}
