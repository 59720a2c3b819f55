/** The engine's own HLS: what its playlist does while it has nothing, and the form of both (reference 2.2, 6.2; open question 3). */
import { sleep } from '../base/clock.ts';
import { engineRoot, rewriteToEngine } from '../engine/rewrite.ts';
import { inSeconds } from './api-checks.ts';
import type { Content } from './content.ts';
import type { Examination } from './examination.ts';
import { openHop } from './media-reading.ts';
import { freshPid } from './playback-checks.ts';
import type { DoctorPlayback } from './playbacks.ts';
import type { RawCall } from './raw-call.ts';

/** An answer that took longer than this had waited for the media. */
const WAIT_MIN_MS = 100;

interface FirstPlaylist {
  readonly session: DoctorPlayback;
  readonly call: RawCall;
  readonly text: string;
}

export async function checkHls(exam: Examination, content: Content): Promise<void> {
  const { startMs, playlistMs, apiMs, stopMs } = exam.times;
  const first = await exam.check<FirstPlaylist>('hlsPlaylist', startMs + playlistMs, async (signal) => {
    const query = { pid: freshPid(exam) };
    const started = await content.start(signal, { path: '/ace/manifest.m3u8', query });
    const refusals: number[] = [];
    for (;;) {
      const { text, status, tookMs, call } = await exam.get(pathOf(started.playbackUrl), signal);
      if (status === 200) {
        const waited = tookMs >= WAIT_MIN_MS;
        const [refusal] = refusals;
        const playlistWhilePreparing = refusal ?? (waited ? ('waits' as const) : undefined);
        const before = refusals.length === 0 ? '' : `HTTP ${[...new Set(refusals)].join(', ')} until `;
        return {
          says: `${before}${inSeconds(exam.clock.nowMs() - started.askedMs)} after the start, its answer took ${inSeconds(tookMs)}`,
          same: refusals.every((code) => code === 404 || code >= 500),
          ...(playlistWhilePreparing !== undefined && { facts: { playlistWhilePreparing } }),
          value: { session: started, call, text },
        };
      }
      refusals.push(status);
      await sleep(exam.clock, exam.times.statPollMs, signal);
    }
  });
  if (first === undefined) {
    exam.leaveOut(['hlsHeaders', 'hlsNumbers', 'hlsStopped'], 'there was no playlist');
    return;
  }
  const { session } = first;
  await exam.check('hlsHeaders', exam.times.firstByteMs, async (signal) => {
    const shown = (call: RawCall): string =>
      exam.redactor
        .headers(call.head?.headers ?? [])
        .map(([name, value]) => `${name}: ${value}`)
        .join('; ');
    const url = first.text.split(/\r?\n/).find((line) => line !== '' && !line.startsWith('#'));
    if (url === undefined) return { says: `playlist: ${shown(first.call)}; no segment in it` };
    const segment = openHop(exam, session, rewriteToEngine(url, engineRoot(session.address)), {
      onBody: () => {},
    });
    try {
      await segment.untilHead(signal);
      return { says: `playlist: ${shown(first.call)} | segment: ${shown(segment)}` };
    } finally {
      segment.destroy();
    }
  });
  await exam.check('hlsNumbers', apiMs, async () => {
    const sequence = Number(/#EXT-X-MEDIA-SEQUENCE:(\d+)/.exec(first.text)?.[1] ?? 0);
    const count = first.text.match(/#EXTINF/g)?.length ?? 0;
    const target = /#EXT-X-TARGETDURATION:(\d+)/.exec(first.text)?.[1] ?? '?';
    const segmentNumbers = sequence === 0 ? ('from-zero' as const) : ('of-broadcast' as const);
    const says = `${sequence}; ${count} segments, target duration ${target}`;
    return { says, same: sequence === 0, facts: { segmentNumbers } };
  });
  await exam.check('hlsStopped', stopMs + apiMs, async (signal) => {
    await exam.playbacks.stop(session, signal);
    const { status } = await exam.get(pathOf(session.playbackUrl), signal);
    return { says: `HTTP ${status}`, same: status === 500 };
  });
}

function pathOf(url: URL): string {
  return `${url.pathname}${url.search}`;
}
