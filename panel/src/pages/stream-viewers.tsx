import type { Replies } from '../api/replies.ts';
import { formatBytes, formatCount, formatDuration, formatRate, formatSeconds } from '../logic/format.ts';
import { perform, question } from '../store/acts.ts';
import { nowMs } from '../store/live.ts';
import { texts } from '../texts.ts';

type Client = NonNullable<Replies['GET /proxy/sessions/{id}']['clients']>[number];

const SHOWN_MAX = 200;

/** Who watches a stream: how far behind, how fast, with what. */
export function StreamViewers({ clients }: { readonly clients: readonly Client[] }) {
  const { viewer } = texts;
  if (clients.length === 0) return <p class="faint">{texts.stream.noViewers}</p>;
  const columns = [
    viewer.who,
    viewer.state,
    viewer.behind,
    viewer.rate,
    viewer.sent,
    viewer.skips,
    viewer.since,
  ];
  return (
    <div class="table-frame">
      <table class="table viewers">
        <thead>
          <tr>
            {columns.map((name, index) => (
              <th key={name} scope="col" class={index > 1 ? 'is-number is-plain' : 'is-plain'}>
                {name}
              </th>
            ))}
            <th scope="col" class="is-plain">
              <span class="visually-hidden">{viewer.acts}</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {clients.slice(0, SHOWN_MAX).map((client) => (
            <ViewerRow key={client.id} client={client} />
          ))}
        </tbody>
      </table>
      {clients.length > SHOWN_MAX && <p class="faint">{`+${formatCount(clients.length - SHOWN_MAX)}`}</p>}
    </div>
  );
}

/** In words: what a byte cap does to a viewer. */
function capOf(bytesPerSecond: number, isThrottled: boolean): string {
  const { heldTo, atMost } = texts.viewer;
  return (isThrottled ? heldTo : atMost)(formatRate(bytesPerSecond));
}

const TONES: Readonly<Record<string, string>> = { playing: 'well', lagging: 'watch', paused: 'quiet' };

function ViewerRow({ client }: { readonly client: Client }) {
  const { viewer } = texts;
  const known = client.name ?? client.player ?? client.user_agent;
  const who = known ?? client.address;
  const kick = (): void => {
    question.value = {
      title: texts.confirm.kickTitle,
      consequence: `${known === null ? '' : `${known}, `}${client.address}. ${texts.confirm.kick}`,
      action: texts.stream.kick,
      isDangerous: true,
      run: async () =>
        void (await perform('DELETE', `/clients/${encodeURIComponent(client.id)}`, texts.done.kicked)),
    };
  };
  return (
    <tr data-client={client.id}>
      <td class="column-stream">
        <span class="viewer-name cut" title={client.user_agent ?? ''}>
          {who}
        </span>{' '}
        <span class="faint mono">
          {[known === null ? null : client.address, client.output]
            .filter((each) => each !== null)
            .join(' · ')}
        </span>
      </td>
      <td class="column-state">
        <span class={`state tone-${TONES[client.state] ?? 'quiet'}`}>
          <span class="state-dot" aria-hidden="true" />
          {client.state}
          {client.is_in_timeshift ? `, ${viewer.fromDisk}` : ''}
        </span>
      </td>
      <td class="is-number" data-label={viewer.behind}>
        {formatSeconds(client.seconds_behind_live)}
      </td>
      <td class="is-number" data-label={viewer.rate}>
        {formatRate(client.bytes_per_second)}
        {client.max_bytes_per_second !== null && (
          <span class="viewer-cap faint">{capOf(client.max_bytes_per_second, client.is_throttled)}</span>
        )}
      </td>
      <td class="is-number" data-label={viewer.sent}>
        {formatBytes(client.bytes_sent)}
      </td>
      <td class="is-number" data-label={viewer.skips}>
        {formatCount(client.skips)}
      </td>
      <td class="is-number" data-label={viewer.since}>
        {formatDuration((nowMs.value - Date.parse(client.joined_at)) / 1000)}
      </td>
      <td class="is-number">
        <button type="button" class="button is-small is-danger" onClick={kick}>
          {texts.stream.kick}
        </button>
      </td>
    </tr>
  );
}
