/** Recordings: ranges, and several readers (reference 6.3; open question 12). */
import type { Examination } from './examination.ts';
import { headerOf } from './http-head.ts';
import { openMedia } from './media-reading.ts';
import type { DoctorPlayback } from './playbacks.ts';

export async function checkFile(exam: Examination, playback: DoctorPlayback): Promise<void> {
  const { firstByteMs } = exam.times;
  await exam.check('fileRange', firstByteMs, async (signal) => {
    const call = await openMedia(exam, playback, signal, {
      headers: ['Range: bytes=0-99'],
      onBody: () => {},
    });
    call.destroy();
    const status = call.head?.status ?? 0;
    const named = ['Content-Range', 'Accept-Ranges', 'Content-Length', 'Content-Type'].flatMap((name) => {
      const value = call.head && headerOf(call.head, name);
      return value === undefined ? [] : [`${name}: ${exam.redactor.text(value)}`];
    });
    return { says: `HTTP ${status}; ${named.join('; ')}`, same: status === 206 };
  });
  await exam.check('fileReaders', 2 * firstByteMs, async (signal) => {
    const one = await openMedia(exam, playback, signal, { headers: ['Range: bytes=0-'], onBody: () => {} });
    try {
      await one.untilBytes(1, signal);
      const other = await openMedia(exam, playback, signal, {
        headers: ['Range: bytes=1000-'],
        onBody: () => {},
      });
      try {
        const isRead = (other.head?.status ?? 0) < 300 && other.head?.secondStatusLine !== true;
        const isCut = one.end !== undefined && !one.isWhole;
        const severalFileReaders = isRead && !isCut;
        const words = isRead
          ? isCut
            ? 'the second reads, the first is cut'
            : 'both read'
          : 'the second is refused';
        return { says: words, facts: { severalFileReaders } };
      } finally {
        other.destroy();
      }
    } finally {
      one.destroy();
    }
  });
}
