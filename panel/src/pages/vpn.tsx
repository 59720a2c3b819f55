import { get } from '../api/call.ts';
import type { Replies } from '../api/replies.ts';
import { counted, formatDuration, NOTHING } from '../logic/format.ts';
import { byName } from '../parts/topology-picture.tsx';
import { EngineName, Moment, StateMark } from '../parts/words.tsx';
import { nowMs, overview } from '../store/live.ts';
import { useResource } from '../store/resource.ts';
import { texts } from '../texts.ts';
import { PageIsComing } from './overview.tsx';
import { Fact } from './stream.tsx';

type Vpn = Replies['GET /vpn/status']['vpns'][number];

/** The VPNs that engines are behind. */
export function VpnPage() {
  const found = useResource('vpn', (signal) => get('GET /vpn/status', '/vpn/status', signal), {
    changesWith: ({ type }) => type.startsWith('vpn.'),
    everyMs: 10_000,
  });
  const all = found.value.value;
  if (!all) return <PageIsComing />;
  const { emergency_mode: emergency, vpns } = all;
  return (
    <div class="page">
      <h1>{texts.pages.vpn}</h1>
      {emergency.active && (
        <p class="banner tone-trouble">
          {texts.vpn.emergency(
            emergency.failed_vpn ?? '',
            emergency.healthy_vpn ?? '',
            formatDuration(emergency.duration_seconds),
          )}
        </p>
      )}
      {vpns.length === 0 && (
        <div class="empty">
          <p>{texts.vpn.none}</p>
          <p class="faint">{texts.vpn.noneHint}</p>
        </div>
      )}
      {vpns.map((vpn) => (
        <VpnSection key={vpn.container_name ?? ''} vpn={vpn} />
      ))}
    </div>
  );
}

function VpnSection({ vpn }: { readonly vpn: Vpn }) {
  const name = vpn.container_name ?? '';
  const behind =
    overview.value?.engines.filter(({ vpn_container }) => vpn_container === name).toSorted(byName) ?? [];
  const place = [vpn.city, vpn.region, vpn.country].filter((each) => each !== null && each !== '').join(', ');
  return (
    <section class="vpn" aria-label={name} data-vpn={name}>
      <header class="page-head">
        <h2 class="vpn-name">{name}</h2>
        <span>
          <StateMark state={vpn.state} />{' '}
          <span class="faint">
            {texts.vpn.since(formatDuration((nowMs.value - Date.parse(vpn.since)) / 1000))}
          </span>
        </span>
      </header>
      {vpn.detail && <p class="problem-text">{vpn.detail}</p>}
      <dl class="facts">
        <Fact label={texts.vpn.address}>
          {vpn.public_ip === null ? NOTHING : <span class="mono">{vpn.public_ip}</span>}
        </Fact>
        <Fact label={texts.vpn.place}>
          {place || NOTHING}
          {vpn.provider ? ` (${vpn.provider})` : ''}
        </Fact>
        <Fact label={texts.vpn.port}>{vpn.forwarded_port ?? NOTHING}</Fact>
        <Fact label={texts.vpn.tunnel}>{vpn.tunnel ?? NOTHING}</Fact>
        <Fact label={texts.vpn.version}>{vpn.version ?? NOTHING}</Fact>
        <Fact label={texts.vpn.engines}>
          {behind.length === 0
            ? NOTHING
            : behind.map(({ container_id }) => <EngineName key={container_id} id={container_id} />)}
        </Fact>
      </dl>
      {vpn.history.length > 0 && (
        <details>
          <summary>{counted(vpn.history.length, 'change')}</summary>
          <ol class="history">
            {vpn.history.toReversed().map((moment) => (
              <li key={moment.at}>
                <Moment at={moment.at} /> <StateMark state={moment.state} />{' '}
                <span class="faint">
                  {[moment.reason, moment.public_ip, moment.country, moment.forwarded_port]
                    .filter((each) => each !== null)
                    .join(' · ')}
                </span>
              </li>
            ))}
          </ol>
        </details>
      )}
    </section>
  );
}
