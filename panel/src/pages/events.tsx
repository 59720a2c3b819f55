import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { EVENT_SUBJECTS } from '../../../src/telemetry/events/event-table.ts';
import { get } from '../api/call.ts';
import { contains } from '../logic/table.ts';
import { EventLine } from '../parts/event-line.tsx';
import { engineNameOf, streamNameOf } from '../parts/words.tsx';
import { saveAs } from '../player/ready-links.tsx';
import { say } from '../store/acts.ts';
import { type Happening, happenings, missedSome } from '../store/live.ts';
import { texts } from '../texts.ts';

const SHOWN_MAX = 250;
const OLDER = 500;
const RANK: Readonly<Record<string, number>> = { info: 0, warning: 1, error: 2 };

/** What has happened, the newest first, as it happens. */
export function EventsPage() {
  const severity = useSignal('info');
  const subject = useSignal('');
  const wanted = useSignal('');
  const follows = useSignal(true);
  const frozen = useSignal<readonly Happening[]>([]);
  const older = useSignal<readonly Happening[]>([]);
  const current = happenings.value;
  useEffect(() => {
    if (follows.value) frozen.value = [];
  }, [follows.value, follows, frozen]);
  const base = follows.value ? current : frozen.value;
  const waiting = follows.value ? 0 : newerThan(current, frozen.value[0]?.id);
  const all = [
    ...base,
    ...older.value.filter(({ id }) => id < (base.at(-1)?.id ?? Number.POSITIVE_INFINITY)),
  ];
  const found = all.filter(
    (event) =>
      (RANK[event.severity] ?? 0) >= (RANK[severity.value] ?? 0) &&
      (subject.value === '' || event.event_type === subject.value) &&
      (wanted.value.trim() === '' || contains(textsIn(event), wanted.value.trim())),
  );
  const loadOlder = async (): Promise<void> => {
    const last = all.at(-1)?.id;
    if (last === undefined) return;
    try {
      const more = await get('GET /events', `/events?limit=${OLDER}&before=${last}`);
      older.value = [...older.value, ...more].slice(-5 * OLDER);
      if (more.length === 0) say(texts.events.none);
    } catch (error) {
      say(texts.failed(error instanceof Error ? error.message : String(error)), true);
    }
  };
  return (
    <div class="page">
      <div class="page-head">
        <h1>{texts.pages.events}</h1>
        <div class="actions">
          <input
            class="filter"
            type="search"
            aria-label={texts.events.filter}
            placeholder={texts.events.filter}
            onInput={({ currentTarget }) => {
              wanted.value = currentTarget.value;
            }}
          />
          <select
            aria-label="Severity"
            value={severity.value}
            onChange={({ currentTarget }) => {
              severity.value = currentTarget.value;
            }}
          >
            {Object.entries(texts.events.severity).map(([name, label]) => (
              <option key={name} value={name}>
                {label}
              </option>
            ))}
          </select>
          <select
            aria-label={texts.events.subject}
            value={subject.value}
            onChange={({ currentTarget }) => {
              subject.value = currentTarget.value;
            }}
          >
            <option value="">{`${texts.events.subject}: ${texts.events.everything}`}</option>
            {Object.keys(EVENT_SUBJECTS).map((name) => (
              <option key={name} value={name}>
                {name}
              </option>
            ))}
          </select>
          <button
            type="button"
            class="button"
            aria-pressed={follows.value}
            onClick={() => {
              frozen.value = follows.value ? current : [];
              follows.value = !follows.value;
            }}
          >
            {texts.events.follow}
          </button>
          <button
            type="button"
            class="button"
            onClick={() => saveAs('acemux-events.json', 'application/json', JSON.stringify(found, null, 2))}
          >
            {texts.events.export}
          </button>
        </div>
      </div>
      {missedSome.value && <p class="faint">{texts.connection.missed}</p>}
      {waiting > 0 && (
        <p class="faint" role="status">
          {texts.events.paused(waiting)}
        </p>
      )}
      {found.length === 0 && <p class="empty">{texts.events.none}</p>}
      <div class="event-list is-long">
        {found.slice(0, SHOWN_MAX + older.value.length).map((event) => (
          <EventLine key={event.id} event={event} />
        ))}
      </div>
      <div class="section-head">
        <span class="faint">{texts.events.more(Math.min(found.length, SHOWN_MAX + older.value.length))}</span>
        <button type="button" class="button" onClick={() => void loadOlder()}>
          {texts.events.older}
        </button>
      </div>
    </div>
  );
}

function newerThan(events: readonly Happening[], id: number | undefined): number {
  if (id === undefined) return 0;
  const index = events.findIndex((event) => event.id <= id);
  return index === -1 ? events.length : index;
}

function textsIn({
  message,
  type,
  stream_id,
  container_id,
  client_id,
  details,
}: Happening): (string | null)[] {
  return [
    message,
    type,
    stream_id,
    stream_id === null ? null : streamNameOf(stream_id),
    container_id,
    container_id === null ? null : engineNameOf(container_id),
    client_id,
    JSON.stringify(details),
  ];
}
