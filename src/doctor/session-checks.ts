/** Several sessions of one infohash on one engine (reference 5; open questions 2 and 8). */
import { looseText } from '../engine/loose-json.ts';
import { describeOutcome, inSeconds } from './api-checks.ts';
import type { Content } from './content.ts';
import type { Examination, Finding } from './examination.ts';
import { describeSight, openReader, type Sight, watchReader } from './media-reading.ts';
import { freshPid, statOf } from './playback-checks.ts';
import type { DoctorPlayback } from './playbacks.ts';
import type { RawCall } from './raw-call.ts';

interface TwoSessions {
  readonly first: DoctorPlayback;
  readonly second: DoctorPlayback;
  readonly reader: RawCall | undefined;
  readonly sight: Sight | undefined;
  readonly isFirstAlive: boolean;
}

/** `withReader`: whether media comes at all; without it only what stat says is told. */
export async function checkSessions(exam: Examination, content: Content, withReader: boolean): Promise<void> {
  const { startMs, firstByteMs, watchMs, stopMs, apiMs } = exam.times;
  const pairMs = 2 * startMs + apiMs;
  const open: { first?: DoctorPlayback; reader?: RawCall } = {};
  const two = await exam.check<TwoSessions>(
    'secondSession',
    pairMs + firstByteMs + watchMs,
    async (signal) => {
      const first = await content.start(signal, { query: { pid: freshPid(exam) } });
      open.first = first;
      if (withReader) open.reader = await openReader(exam, first, signal);
      const second = await content.start(signal, { query: { pid: freshPid(exam) } });
      return await compareTwo(exam, first, second, open.reader, signal);
    },
  );
  if (two === undefined) exam.leaveOut(['supersededReader', 'stopOfSecond'], 'there were no two sessions');
  else await afterSecond(exam, two);
  open.reader?.destroy();
  await stop(exam, open.first);

  await exam.check('stopOfFirst', pairMs + 2 * stopMs, async (signal) => {
    const one = await content.start(signal, { query: { pid: freshPid(exam) } });
    const other = await content.start(signal, { query: { pid: freshPid(exam) } });
    await exam.playbacks.stop(one, signal);
    const isAlive = await lives(exam, other, signal);
    await stop(exam, other);
    const says = isAlive ? 'the second plays on' : 'the second has ended, too';
    return { says, facts: { stopOfFirstEndsSecond: !isAlive } };
  });
  await exam.check('withoutPid', pairMs + 2 * stopMs, async (signal) => {
    const says = await startTwice(exam, content, { pid: '' }, {}, signal);
    const withoutPid = says.isOne ? ('reuses' as const) : ('opens-another' as const);
    return { says: says.words, same: says.isOne, facts: { withoutPid } };
  });
  await exam.check('forceRestart', pairMs + 2 * stopMs, async (signal) => {
    const query = { pid: freshPid(exam) };
    return { says: (await startTwice(exam, content, query, { force_session_restart: '1' }, signal)).words };
  });
}

async function compareTwo(
  exam: Examination,
  first: DoctorPlayback,
  second: DoctorPlayback,
  reader: RawCall | undefined,
  signal: AbortSignal,
): Promise<Finding<TwoSessions>> {
  const sinceMs = second.askedMs;
  const stat = await statOf(exam, first, signal);
  const sight = reader && (await watchReader(exam, reader, sinceMs));
  const isCut = sight?.end === 'eof' || sight?.end === 'reset';
  const isFirstAlive = stat.response !== undefined && !isCut;
  const shownId = looseText(stat.response?.['playback_session_id']);
  const shares = isFirstAlive && second.sessionId !== undefined && shownId === second.sessionId;
  const secondSession = shares ? 'share' : isFirstAlive ? 'independent' : 'supersede';
  const sameUrl = first.commandUrl.href === second.commandUrl.href ? ', one command URL' : '';
  const words = {
    share: `both live; the first shows the second's session id${sameUrl}`,
    independent: `both live, each with its own session id${sameUrl}`,
    supersede: `the first has ended: ${stat.error ?? 'its reader is cut'}${sameUrl}`,
  };
  const facts = {
    secondSession,
    ...(secondSession === 'supersede' && sight && { supersededReader: sight.end }),
  } as const;
  const value = { first, second, reader, sight, isFirstAlive };
  return { says: words[secondSession], same: secondSession !== 'independent', facts, value };
}

async function afterSecond(exam: Examination, two: TwoSessions): Promise<void> {
  const { first, second, reader, sight, isFirstAlive } = two;
  const { apiMs, stopMs, watchMs } = exam.times;
  if (sight === undefined) exam.leaveOut(['supersededReader'], 'no media came');
  else await exam.check('supersededReader', apiMs, async () => ({ says: describeSight(sight) }));
  await exam.check('stopOfSecond', stopMs + apiMs + watchMs, async (signal) => {
    const stoppedMs = exam.clock.nowMs();
    await exam.playbacks.stop(second, signal);
    if (!isFirstAlive) return { says: 'the first had ended already' };
    const isAlive = await lives(exam, first, signal);
    const after = reader && (await watchReader(exam, reader, stoppedMs));
    const seen = after === undefined ? '' : `; its reader: ${describeSight(after)}`;
    const says = `${isAlive ? 'the first lives on' : 'the first has ended, too'}${seen}`;
    return { says, same: !isAlive, facts: { stopOfSecondEndsFirst: !isAlive } };
  });
  await stop(exam, second);
}

async function startTwice(
  exam: Examination,
  content: Content,
  query: Readonly<Record<string, string>>,
  moreOnSecond: Readonly<Record<string, string>>,
  signal: AbortSignal,
): Promise<{ readonly isOne: boolean; readonly words: string }> {
  const first = await content.start(signal, { query });
  const second = await content.start(signal, { query: { ...query, ...moreOnSecond } });
  const isOne = first.commandUrl.href === second.commandUrl.href;
  await stop(exam, first);
  await stop(exam, second);
  return { isOne, words: isOne ? 'the same command URL' : 'another command URL' };
}

/** A loaded infohash given as `id=`: some versions take it for a while. */
export async function checkInfohashAsId(exam: Examination, content: Content): Promise<void> {
  const { infohash } = content;
  if (infohash === undefined) return;
  await exam.check('infohashAsId', exam.times.startMs + exam.times.stopMs, async (signal) => {
    const outcome = await content.startAs('id', infohash, signal, { query: { pid: freshPid(exam) } });
    if (outcome.kind !== 'playback') {
      const says = `${describeOutcome(outcome)}, after ${inSeconds(outcome.replyMs)}`;
      return { says, same: true, facts: { loadedInfohashAsId: false } };
    }
    await stop(exam, outcome.playback);
    const isTheSame = outcome.playback.infohash === infohash;
    const says = isTheSame ? 'it plays' : 'it plays something else';
    return { says, same: isTheSame, facts: { loadedInfohashAsId: isTheSame } };
  });
}

async function lives(exam: Examination, playback: DoctorPlayback, signal: AbortSignal): Promise<boolean> {
  return (await statOf(exam, playback, signal)).response !== undefined;
}

/** Stops what may have been stopped already; a failure is seen again at the end, where all is stopped. */
async function stop(exam: Examination, playback: DoctorPlayback | undefined): Promise<void> {
  if (playback === undefined || !exam.playbacks.isOpen(playback)) return;
  await exam.attempt(exam.times.stopMs, (signal) => exam.playbacks.stop(playback, signal));
}
