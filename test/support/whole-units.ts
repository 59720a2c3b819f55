import { pidOf, startsUnit } from '../../src/mpegts/packet.ts';
import { AUDIO_PID, VIDEO_PID } from '../../src/simulator/clip.ts';

/** A recording ends wherever the test stopped listening: this takes the begun picture and sound off its end. */
export function withoutBegunUnits(recording: Buffer): Buffer {
  const whole = Math.floor(recording.length / 188) * 188;
  const lastStart = new Map<number, number>();
  for (let at = 0; at < whole; at += 188)
    if (startsUnit(recording, at)) lastStart.set(pidOf(recording, at), at);
  const packets: Buffer[] = [];
  for (let at = 0; at < whole; at += 188) {
    const pid = pidOf(recording, at);
    const isBegun = (pid === VIDEO_PID || pid === AUDIO_PID) && at >= (lastStart.get(pid) ?? 0);
    if (!isBegun) packets.push(recording.subarray(at, at + 188));
  }
  return Buffer.concat(packets);
}
