import { formatTime, formatUtc, NOTHING, shortId } from '../logic/format.ts';
import { hueOf } from '../store/hues.ts';
import { nowMs, overview } from '../store/live.ts';
import { names } from '../store/names.ts';
import { linkTo } from '../store/route.ts';
import { texts } from '../texts.ts';

const TONES: Readonly<Record<string, string>> = {
  playing: 'well',
  healthy: 'well',
  ok: 'well',
  starting: 'busy',
  recovering: 'busy',
  lingering: 'quiet',
  ended: 'quiet',
  unknown: 'quiet',
  degraded: 'watch',
  draining: 'watch',
  suspect: 'watch',
  unhealthy: 'trouble',
  down: 'trouble',
  gone: 'trouble',
};

/** A state, as a mark of its own shape and colour and as a word. */
export function StateMark({ state }: { readonly state: string }) {
  return (
    <span class={`state tone-${TONES[state] ?? 'quiet'}`}>
      <span class="state-dot" aria-hidden="true" />
      {texts.states[state] ?? state}
    </span>
  );
}

/** Local time; the same in UTC when pointed at. */
export function Moment({ at }: { readonly at: string | number | null | undefined }) {
  if (at === null || at === undefined) return <span>{NOTHING}</span>;
  const ms = typeof at === 'number' ? at : Date.parse(at);
  if (!Number.isFinite(ms)) return <span>{NOTHING}</span>;
  return (
    <time class="moment" dateTime={new Date(ms).toISOString()} title={formatUtc(ms)}>
      {formatTime(ms, nowMs.value)}
    </time>
  );
}

/** Sentences in which what one types stands between back quotes. */
export function Prose({ text }: { readonly text: string }) {
  return (
    <>{text.split('`').map((part, index) => (index % 2 === 1 ? <code key={index}>{part}</code> : part))}</>
  );
}

/** An engine's name in its colour. */
export function EngineName({ id, isLink = true }: { readonly id: string | null; readonly isLink?: boolean }) {
  if (id === null) return <span class="faint">{texts.streams.noEngine}</span>;
  const name = engineNameOf(id);
  const content = (
    <>
      <span class={`chip ${hueOf(id)}`} aria-hidden="true" />
      <span class="cut">{name}</span>
    </>
  );
  return isLink ? (
    <a class="engine-name" href={linkTo('engines', id)} title={name}>
      {content}
    </a>
  ) : (
    <span class="engine-name" title={name}>
      {content}
    </span>
  );
}

export function engineNameOf(id: string): string {
  return overview.value?.engines.find(({ container_id }) => container_id === id)?.container_name ?? id;
}

/** A name if one is known, else the ends of its id. */
export function streamNameOf(streamId: string): string {
  return names.value.get(streamId) ?? shortId(streamId);
}

export function StreamName({
  stream,
}: {
  readonly stream: { readonly id: string; readonly stream_id: string };
}) {
  const name = names.value.get(stream.stream_id);
  return (
    <a
      class={name === undefined ? 'stream-name mono' : 'stream-name'}
      href={linkTo('streams', stream.id)}
      title={name ?? stream.stream_id}
    >
      {name ?? shortId(stream.stream_id)}
    </a>
  );
}
