/** What takes minutes (--long): when a session that nobody reads ends, and what an event poll says (open questions 1 and 11). */
import { sleep } from '../base/clock.ts';
import { inSeconds } from './api-checks.ts';
import type { Content } from './content.ts';
import type { Examination } from './examination.ts';
import { freshPid, statOf } from './playback-checks.ts';
import type { DoctorPlayback } from './playbacks.ts';

/** A session that lives so much longer than one that is left alone is kept alive by the polling. */
const LONGER = 1.5;

export async function checkLong(exam: Examination, content: Content): Promise<void> {
  const { startMs, idleMs, idlePollMs, apiMs, stopMs, eventMs } = exam.times;
  const expiryMs = await exam.check<number>('idleExpiry', startMs + idleMs + 2 * apiMs, async (signal) => {
    const lifeMs = await lifetime(exam, content, { countsAsActivity: false, limitMs: idleMs }, signal);
    if (lifeMs === undefined) return { says: `it lives longer than ${inSeconds(idleMs)}`, same: false };
    const isAsAssumed = Math.abs(lifeMs - 60_000) <= 2 * idlePollMs;
    return { says: inSeconds(lifeMs), same: isAsAssumed, facts: { idleExpiryMs: lifeMs }, value: lifeMs };
  });
  if (expiryMs === undefined) exam.leaveOut(['statProlongs'], 'it is not known when it would end without');
  else {
    const limitMs = expiryMs * LONGER + idlePollMs;
    await exam.check('statProlongs', startMs + limitMs + 2 * apiMs, async (signal) => {
      const lifeMs = await lifetime(exam, content, { countsAsActivity: true, limitMs }, signal);
      const statProlongsSession = lifeMs === undefined;
      const says =
        lifeMs === undefined
          ? `yes, for ${inSeconds(limitMs)} at least`
          : `no, it ended after ${inSeconds(lifeMs)}`;
      return { says, same: statProlongsSession, facts: { statProlongsSession } };
    });
  }
  await exam.check('eventPoll', startMs + eventMs + stopMs, async (signal) => {
    const query = { pid: freshPid(exam), use_api_events: '1' };
    const playback = await content.start(signal, { query });
    try {
      const { eventUrl } = playback;
      if (eventUrl === undefined) return { says: 'the reply has no event_url' };
      const target = `${eventUrl.pathname}${eventUrl.search}`;
      const reply = await exam.attempt(eventMs, (limit) => exam.get(target, limit));
      if (reply === undefined) return { says: `no answer within ${inSeconds(eventMs)}` };
      const body = JSON.stringify(exam.redactor.body(Buffer.from(reply.text)));
      return { says: `HTTP ${reply.status} after ${inSeconds(reply.tookMs)}: ${body}` };
    } finally {
      await end(exam, playback);
    }
  });
}

/** How long a session lives that is only asked for its stat; undefined when longer than `limitMs`. */
async function lifetime(
  exam: Examination,
  content: Content,
  { countsAsActivity, limitMs }: { readonly countsAsActivity: boolean; readonly limitMs: number },
  signal: AbortSignal,
): Promise<number | undefined> {
  const playback = await content.start(signal, { query: { pid: freshPid(exam) } });
  const { askedMs } = playback;
  try {
    while (exam.clock.nowMs() - askedMs < limitMs) {
      await sleep(exam.clock, exam.times.idlePollMs, signal);
      const { response } = await statOf(exam, playback, signal, countsAsActivity);
      if (response === undefined) return exam.clock.nowMs() - askedMs;
    }
    return undefined;
  } finally {
    await end(exam, playback);
  }
}

async function end(exam: Examination, playback: DoctorPlayback): Promise<void> {
  await exam.attempt(exam.times.stopMs, (signal) => exam.playbacks.stop(playback, signal));
}
