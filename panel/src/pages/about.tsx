import { getAny, url } from '../api/call.ts';
import { NOTHING } from '../logic/format.ts';
import { status } from '../store/condition.ts';
import { overview } from '../store/live.ts';
import { useResource } from '../store/resource.ts';
import { type Theme, theme } from '../store/theme.ts';
import { texts } from '../texts.ts';
import { Fact } from './stream.tsx';

/** Which acemux this is, and where more is told. */
export function AboutPage() {
  const document = useResource('openapi', (signal) => getAny('/openapi.json', signal));
  const version = Object(Object(document.value.value)['info'])['version'];
  const { about } = texts;
  const provisioning = status.value?.provisioning;
  const making =
    provisioning &&
    (provisioning.circuit_breaker_state === 'open'
      ? about.making.paused
      : provisioning.can_provision
        ? about.making.possible
        : (provisioning.blocked_reason ?? about.making.given));
  const start = status.value?.can_start_stream;
  return (
    <div class="page">
      <h1>{texts.pages.about}</h1>
      <dl class="facts">
        <Fact label={about.version}>{typeof version === 'string' ? version : NOTHING}</Fact>
        <Fact label={about.phase}>{overview.value?.phase ?? NOTHING}</Fact>
        <Fact label={about.start}>{start ? (start.now ? about.startYes : start.detail) : NOTHING}</Fact>
        <Fact label={about.breaker}>{making ?? NOTHING}</Fact>
      </dl>
      <section aria-labelledby="theme">
        <h2 id="theme">{about.theme}</h2>
        <div class="segmented" role="group" aria-label={about.theme}>
          {(Object.keys(about.themes) as Theme[]).map((each) => (
            <button
              key={each}
              type="button"
              aria-pressed={theme.value === each}
              onClick={() => {
                theme.value = each;
              }}
            >
              {about.themes[each]}
            </button>
          ))}
        </div>
      </section>
      <section aria-labelledby="more">
        <h2 id="more">{about.more}</h2>
        <ul class="plain">
          <li>
            <a href={url('/docs/')}>{about.docs}</a>
          </li>
          <li>
            <a href={url('/openapi.json')}>{about.openapi}</a>
          </li>
          <li>
            <a href={url('/metrics')}>{about.metrics}</a>
          </li>
        </ul>
      </section>
      <section aria-labelledby="shortcuts">
        <h2 id="shortcuts">{about.shortcuts}</h2>
        <dl class="shortcuts">
          {about.shortcutList.map(([keys, what]) => (
            <div key={keys}>
              <dt>
                <kbd>{keys}</kbd>
              </dt>
              <dd>{what}</dd>
            </div>
          ))}
        </dl>
      </section>
    </div>
  );
}
