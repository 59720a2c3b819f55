/** The same content on two engines at once: are the bytes the same, and how far apart are they (--second). */
import { inSeconds } from './api-checks.ts';
import type { Content } from './content.ts';
import type { Examination } from './examination.ts';
import { openMedia } from './media-reading.ts';
import { freshPid } from './playback-checks.ts';
import type { DoctorPlayback } from './playbacks.ts';
import type { RawCall } from './raw-call.ts';
import { type Comparison, compareStreams, StreamFingerprint } from './stream-comparison.ts';
import type { EngineName } from './wire.ts';

/** A lag that moves by more than this does not hold. */
const STEADY_MS = 2_000;

const WORDS: Readonly<Record<Comparison['likeness'], string>> = {
  'same packets': 'the same packets',
  'same streams': 'the same pictures and sounds, in another multiplex',
  different: 'nothing in common',
  'too little': 'too little came to tell',
};

export async function checkSecondEngine(exam: Examination, content: Content): Promise<void> {
  const { startMs, firstByteMs, compareMs, apiMs } = exam.times;
  const open: { playbacks: DoctorPlayback[]; readers: RawCall[] } = { playbacks: [], readers: [] };
  const limitMs = startMs * 2 + firstByteMs + compareMs + apiMs;
  const found = await exam.check<Comparison>('sameBytes', limitMs, async (signal) => {
    const read = async (engine: EngineName): Promise<StreamFingerprint> => {
      const fingerprint = new StreamFingerprint();
      const playback = await content.start(signal, { engine, query: { pid: freshPid(exam) } });
      open.playbacks.push(playback);
      const onBody = (bytes: Buffer, atMs: number): void => fingerprint.push(bytes, atMs);
      const reader = await openMedia(exam, playback, signal, { onBody });
      open.readers.push(reader);
      await reader.untilBytes(1, signal);
      return fingerprint;
    };
    // One after the other until the engine is known to have it, both from then on.
    const [first, second] = await Promise.all([read('first'), read('second')]);
    const beganMs = exam.clock.nowMs();
    await exam.attempt(compareMs, (limit) =>
      Promise.all(open.readers.map((reader) => reader.untilEnd(limit))),
    );
    signal.throwIfAborted();
    const comparison = compareStreams(first, second, beganMs + compareMs / 2);
    const { likeness, packetShare, unitsInBoth, clockOffset90 } = comparison;
    const offset =
      clockOffset90 === undefined ? '' : `, clocks ${(clockOffset90 / 90_000).toFixed(3)} s apart`;
    const says = `${WORDS[likeness]} (${(packetShare * 100).toFixed(1)} % of the packets, ${unitsInBoth} PES packets${offset})`;
    const isKnown = likeness === 'same packets' || likeness === 'same streams';
    return {
      says,
      same: likeness === 'same packets',
      ...(isKnown && { facts: { remux: likeness === 'same streams' } }),
      value: comparison,
    };
  });
  for (const reader of open.readers) reader.destroy();
  for (const playback of open.playbacks) {
    await exam.attempt(exam.times.stopMs, (signal) => exam.playbacks.stop(playback, signal));
  }
  if (found?.lagMs === undefined || found.lagSpreadMs === undefined) {
    exam.leaveOut(['lag'], 'they had nothing in common to measure it by');
    return;
  }
  const { lagMs, lagSpreadMs } = found;
  await exam.check('lag', apiMs, async () => {
    const side = lagMs < 0 ? 'ahead' : 'behind';
    const says = `the second is ${inSeconds(Math.abs(lagMs))} ${side}, within ${inSeconds(lagSpreadMs)}`;
    return { says, same: lagSpreadMs <= STEADY_MS, facts: { lagMs: Math.round(lagMs) } };
  });
}
