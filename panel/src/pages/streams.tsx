import { useSignal } from '@preact/signals';
import { contains } from '../logic/table.ts';
import { StreamTable } from '../parts/stream-table.tsx';
import { engineNameOf, streamNameOf } from '../parts/words.tsx';
import { overview } from '../store/live.ts';
import { texts } from '../texts.ts';
import { PageIsComing } from './overview.tsx';

/** All streams that play, and those that have ended lately. */
export function StreamsPage() {
  const wanted = useSignal('');
  const now = overview.value;
  if (!now) return <PageIsComing />;
  const found = now.streams.filter(({ stream_id, infohash, container_id }) =>
    contains(
      [stream_id, infohash, streamNameOf(stream_id), container_id === null ? '' : engineNameOf(container_id)],
      wanted.value.trim(),
    ),
  );
  return (
    <div class="page">
      <div class="page-head">
        <h1>{texts.pages.streams}</h1>
        <input
          class="filter"
          type="search"
          aria-label={texts.streams.filter}
          placeholder={texts.streams.filter}
          onInput={({ currentTarget }) => {
            wanted.value = currentTarget.value;
          }}
        />
      </div>
      {now.streams.length === 0 && <p class="empty">{texts.streams.none}</p>}
      {now.streams.length > 0 && found.length === 0 && <p class="empty">{texts.streams.noneFound}</p>}
      {found.length > 0 && <StreamTable streams={found} />}
    </div>
  );
}
