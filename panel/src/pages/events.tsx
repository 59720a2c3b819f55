import { useSignal } from '@preact/signals';
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
/** So many older ones are held in the page, beside those that the store holds. */
const OLDER_MAX = 5 * OLDER;
const RANK: Readonly<Record<string, number>> = { info: 0, warning: 1, error: 2 };

/** What has happened, the newest first, as it happens. */
export function EventsPage() {
  const severity = useSignal('info');
  const subject = useSignal('');
  const wanted = useSignal('');
  const follows = useSignal(true);
  const frozen = useSignal<readonly Happening[]>([]);
  const older = useSignal<readonly Happening[]>([]);
  const shownMax = useSignal(SHOWN_MAX);
  const current = happenings.value;
  const base = follows.value ? current : frozen.value;
  const waiting = follows.value ? 0 : newerThan(current, frozen.value[0]?.id);
  const all = [...base, ...older.value];
  const found = all.filter(
    (event) =>
      (RANK[event.severity] ?? 0) >= (RANK[severity.value] ?? 0) &&
      (subject.value === '' || event.event_type === subject.value) &&
      (wanted.value.trim() === '' || contains(textsIn(event), wanted.value.trim())),
  );
  const forgetOlder = (): void => {
    older.value = [];
    shownMax.value = SHOWN_MAX;
  };
  const toggleFollowing = (): void => {
    frozen.value = follows.value ? current : [];
    if (!follows.value) forgetOlder();
    follows.value = !follows.value;
  };
  /** Whoever looks back holds the list still: what is new would push out what joins the old to it. */
  const showOlder = async (): Promise<void> => {
    if (follows.value) toggleFollowing();
    if (found.length > shownMax.value) {
      shownMax.value += OLDER;
      return;
    }
    const query = new URLSearchParams({ limit: String(OLDER), severity: severity.value });
    const last = all.at(-1)?.id;
    if (last !== undefined) query.set('before', String(last));
    if (subject.value !== '') query.set('event_type', subject.value);
    const held = older.value;
    try {
      const more = await get('GET /events', `/events?${query}`);
      // Asked twice, or other ones are wanted meanwhile.
      if (older.value !== held) return;
      older.value = [...older.value, ...more];
      shownMax.value += more.length;
      if (more.length === 0) say(texts.events.noOlder);
    } catch (error) {
      say(texts.failed(error instanceof Error ? error.message : String(error)), true);
    }
  };
  const isFull = older.value.length >= OLDER_MAX && found.length <= shownMax.value;
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
            aria-label={texts.parts.severity}
            value={severity.value}
            onChange={({ currentTarget }) => {
              severity.value = currentTarget.value;
              forgetOlder();
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
              forgetOlder();
            }}
          >
            <option value="">{`${texts.events.subject}: ${texts.events.everything}`}</option>
            {Object.keys(EVENT_SUBJECTS).map((name) => (
              <option key={name} value={name}>
                {name}
              </option>
            ))}
          </select>
          <button type="button" class="button" aria-pressed={follows.value} onClick={toggleFollowing}>
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
        {found.slice(0, shownMax.value).map((event) => (
          <EventLine key={event.id} event={event} />
        ))}
      </div>
      <div class="section-head">
        <span class="faint">{texts.events.more(Math.min(found.length, shownMax.value))}</span>
        {isFull ? (
          <span class="faint">{texts.events.full}</span>
        ) : (
          <button type="button" class="button" onClick={() => void showOlder()}>
            {texts.events.older}
          </button>
        )}
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
