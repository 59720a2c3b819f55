import { useSignal } from '@preact/signals';
import { get } from '../api/call.ts';
import type { Replies } from '../api/replies.ts';
import { lastTimeOf } from '../logic/clock-time.ts';
import { Moment } from '../parts/words.tsx';
import { nowMs } from '../store/live.ts';
import { linkTo } from '../store/route.ts';
import { texts } from '../texts.ts';

type Answer = Replies['GET /history'];

const HASH_PART = /^[0-9a-f]{6,40}$/i;
const EVIDENCE_SHOWN = 12;
const TONES: Readonly<Record<string, string>> = { delivered_steadily: 'well', nothing_known: 'quiet' };

/** Takes a time, and says what acemux holds to have been the matter then, and why it thinks so. */
export function WhatHappened() {
  const answer = useSignal<Answer | string | undefined>(undefined);
  const ask = async (event: SubmitEvent): Promise<void> => {
    event.preventDefault();
    const form = event.currentTarget;
    if (!(form instanceof HTMLFormElement)) return;
    const given = new FormData(form);
    const ms = lastTimeOf(String(given.get('time') ?? ''), nowMs.value);
    if (ms === undefined) return;
    const who = String(given.get('who') ?? '').trim();
    const query = new URLSearchParams({ at: new Date(ms).toISOString() });
    if (who !== '') query.set(HASH_PART.test(who) ? 'stream' : 'client', who);
    try {
      answer.value = await get('GET /history', `/history?${query}`);
    } catch (error) {
      answer.value = error instanceof Error ? error.message : String(error);
    }
  };
  const found = answer.value;
  const { overview } = texts;
  return (
    <section aria-labelledby="what-happened" class="what-happened">
      <h2 id="what-happened">{overview.whatHappened}</h2>
      <form class="ask" onSubmit={(event) => void ask(event)}>
        <input type="time" name="time" step="1" required aria-label={overview.whatHappenedHint} />
        <input
          name="who"
          maxLength={200}
          aria-label={overview.who}
          placeholder={overview.who}
          spellcheck={false}
        />
        <button type="submit" class="button">
          {overview.look}
        </button>
      </form>
      <div aria-live="polite">
        {found === undefined && <p class="faint">{overview.whatHappenedHint}</p>}
        {typeof found === 'string' && <p class="problem-text">{found}</p>}
        {typeof found === 'object' && <Verdict answer={found} />}
      </div>
    </section>
  );
}

function Verdict({ answer }: { readonly answer: Answer }) {
  const { verdict, what, todo, evidence, stream } = answer;
  return (
    <div class={`verdict tone-${TONES[verdict] ?? 'watch'}`} data-verdict={verdict}>
      <p class="verdict-what">{what}</p>
      <p>{todo}</p>
      {stream && <a href={linkTo('streams', stream.session_id)}>{stream.stream_id.slice(0, 12)}…</a>}
      {evidence.length > 0 && (
        <>
          <h3>{texts.overview.evidence}</h3>
          <ul>
            {evidence.slice(0, EVIDENCE_SHOWN).map(({ at, text }) => (
              <li key={`${at} ${text}`}>
                <Moment at={at} /> {text}
              </li>
            ))}
          </ul>
        </>
      )}
    </div>
  );
}
