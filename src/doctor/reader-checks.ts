/** What readers of one playback do to each other, and what they see when it stops (reference 2.3, 5; open questions 2, 4, 7, 8). */
import { sleep } from '../base/clock.ts';
import { reasonOf } from '../base/reasons.ts';
import { startDeadline } from '../engine/deadline.ts';
import { looseText } from '../engine/loose-json.ts';
import type { Facts } from '../recording/format.ts';
import { inSeconds } from './api-checks.ts';
import type { CheckId } from './checks.ts';
import type { Content } from './content.ts';
import type { Examination } from './examination.ts';
import { describeSight, openMedia, openReader, type Sight, watchReader } from './media-reading.ts';
import { freshPid, type Scene, statOf } from './playback-checks.ts';
import type { DoctorPlayback } from './playbacks.ts';
import type { RawCall } from './raw-call.ts';

type SecondReader = NonNullable<Facts['secondReader']>;

interface Pair {
  readonly second: SecondReader;
  readonly says: string;
  readonly first: Sight;
}

const WORDS: Readonly<Record<SecondReader, string>> = {
  'corrupt-reply': 'a corrupt reply: a second status line',
  'cut-first': 'reads, and the first is cut',
  'both-read': 'both read',
  refused: 'refused',
  waits: 'nothing comes',
};

/** The checks of one playback that is being read, to its end. */
export async function checkReaders(exam: Examination, { playback, reader }: Scene): Promise<void> {
  const { watchMs, firstByteMs, apiMs, stopMs } = exam.times;
  let current = reader;
  if (current === undefined) {
    exam.leaveOut(['secondReader', 'firstReader', 'reconnect', 'stoppedReader'], 'no media came');
  } else {
    const first = current;
    const pair = await exam.check<Pair>('secondReader', firstByteMs + 2 * watchMs, async (signal) => {
      const found = await readTwice(exam, playback, first, signal);
      return {
        says: found.says,
        same: found.second === 'corrupt-reply',
        facts: { secondReader: found.second },
        value: found,
      };
    });
    if (pair === undefined) exam.leaveOut(['firstReader'], 'there was no second one');
    else {
      const { end } = pair.first;
      const says = describeSight(pair.first);
      await exam.check('firstReader', apiMs, async () => ({
        says,
        same: end === 'flows',
        facts: { firstReader: end },
      }));
    }
    first.destroy();
    current = await checkReconnect(exam, playback);
  }
  const stoppedMs = await exam.check<number>('stopReply', stopMs, async (signal) => {
    const atMs = exam.clock.nowMs();
    const { status, text, tookMs } = await exam.playbacks.stop(playback, signal);
    const isOk = /"response":\s*"ok"/.test(text);
    const says = isOk
      ? `"ok" after ${inSeconds(tookMs)}`
      : `HTTP ${status}: ${exam.redactor.text(text.trim())}`;
    return { says, same: isOk, value: atMs };
  });
  if (current === undefined || stoppedMs === undefined) {
    exam.leaveOut(['stoppedReader'], 'there is no reader that is stopped');
  } else {
    const last = current;
    await exam.check('stoppedReader', watchMs + apiMs, async () => {
      const sight = await watchReader(exam, last, stoppedMs);
      const facts = { stoppedReader: sight.end };
      return { says: describeSight(sight), same: sight.end !== 'flows', facts };
    });
  }
  current?.destroy();
  await exam.check('unknownSession', apiMs, async (signal) => {
    const { status, error, response } = await statOf(exam, playback, signal);
    const isKnown = error?.includes('unknown playback session id') === true;
    const says = `HTTP ${status}, ${error ?? `still answered: ${looseText(response?.['status']) ?? 'nothing'}`}`;
    return {
      says,
      same: isKnown && status === 200,
      ...(isKnown && { facts: { unknownSessionStatus: status } }),
    };
  });
}

async function checkReconnect(exam: Examination, playback: DoctorPlayback): Promise<RawCall | undefined> {
  const { settleMs, firstByteMs, apiMs } = exam.times;
  return await exam.check<RawCall | undefined>(
    'reconnect',
    settleMs + firstByteMs + apiMs,
    async (signal) => {
      await sleep(exam.clock, settleMs, signal);
      const beganMs = exam.clock.nowMs();
      try {
        const again = await openReader(exam, playback, signal);
        const says = `plays again, first byte after ${inSeconds(exam.clock.nowMs() - beganMs)}`;
        return { says, same: true, facts: { reconnect: true }, value: again };
      } catch (error) {
        if (signal.aborted || reasonOf(error) === 'internal') throw error;
        const why = error instanceof Error ? error.message : String(error);
        return { says: `does not play again: ${why}`, same: false, facts: { reconnect: false } };
      }
    },
  );
}

/** Two flags of which only the names are known: what a second reader gets where the start had them. */
export async function checkReaderFlags(exam: Examination, content: Content): Promise<void> {
  const flags: readonly (readonly [CheckId & keyof Facts, string, SecondReader | undefined])[] = [
    ['stopPrevReadThread', 'stop_prev_read_thread', 'cut-first'],
    ['allowMultipleThreads', 'allow_multiple_threads_reading', undefined],
  ];
  const { startMs, firstByteMs, watchMs, stopMs } = exam.times;
  for (const [id, flag, assumed] of flags) {
    await exam.check(id, startMs + 2 * firstByteMs + 2 * watchMs, async (signal) => {
      const playback = await content.start(signal, { query: { pid: freshPid(exam), [flag]: '1' } });
      let first: RawCall | undefined;
      try {
        first = await openReader(exam, playback, signal);
        const { second, says } = await readTwice(exam, playback, first, signal);
        return { says, ...(assumed && { same: second === assumed }), facts: { [id]: second } };
      } finally {
        first?.destroy();
        await exam.attempt(stopMs, (limit) => exam.playbacks.stop(playback, limit));
      }
    });
  }
}

/** Opens the same playback URL once more and looks at both readers. */
async function readTwice(
  exam: Examination,
  playback: DoctorPlayback,
  first: RawCall,
  signal: AbortSignal,
): Promise<Pair> {
  const sinceMs = exam.clock.nowMs();
  const opened = await openSecond(exam, playback, signal);
  try {
    const sight = await watchReader(exam, first, sinceMs);
    const isCut = sight.end === 'eof' || sight.end === 'reset';
    const second = opened.kind === 'reads' ? (isCut ? 'cut-first' : 'both-read') : opened.kind;
    const detail = opened.detail === '' ? '' : ` (${opened.detail})`;
    return { second, says: `${WORDS[second]}${detail}`, first: sight };
  } finally {
    opened.call?.destroy();
  }
}

interface Opened {
  readonly kind: 'reads' | 'corrupt-reply' | 'refused' | 'waits';
  readonly detail: string;
  readonly call?: RawCall;
}

async function openSecond(exam: Examination, playback: DoctorPlayback, signal: AbortSignal): Promise<Opened> {
  using deadline = startDeadline(exam.clock, exam.times.watchMs, [signal]);
  let call: RawCall | undefined;
  try {
    call = await openMedia(exam, playback, deadline.signal, { onBody: () => {} });
    const status = call.head?.status ?? 0;
    if (call.head?.secondStatusLine === true) return { kind: 'corrupt-reply', detail: '', call };
    if (status >= 400) return { kind: 'refused', detail: `HTTP ${status}`, call };
    await call.untilBytes(1, deadline.signal);
    return { kind: 'reads', detail: '', call };
  } catch (error) {
    call?.destroy();
    signal.throwIfAborted();
    const detail = error instanceof Error ? error.message : String(error);
    // No HTTP, no answer, or none in time: here these are answers, too.
    if (reasonOf(error) === 'engine_protocol') return { kind: 'corrupt-reply', detail };
    if (reasonOf(error) === 'engine_closed') return { kind: 'refused', detail };
    if (reasonOf(error) === 'engine_timeout') return { kind: 'waits', detail: '' };
    throw error;
  }
}
