import { detailsText, sentenceOf } from '../logic/event-details.ts';
import type { Happening } from '../store/live.ts';
import { linkTo } from '../store/route.ts';
import { EngineName, engineNameOf, Moment, Prose, streamNameOf } from './words.tsx';

/** One event: when, what, about which stream and engine. */
export function EventLine({
  event,
  streamLink,
}: {
  readonly event: Happening;
  readonly streamLink?: string | undefined;
}) {
  const { severity, timestamp, message, type, stream_id: stream, container_id: engine } = event;
  const details = detailsText(event.details, engineNameOf);
  return (
    <div class={`event severity-${severity}`} data-type={type} data-id={event.id}>
      <Moment at={timestamp} />
      <span class="event-mark" aria-hidden="true" />
      <div class="event-text">
        <span class="event-message">
          <Prose text={sentenceOf(message)} />{' '}
          {details !== '' && <span class="event-details">{details}</span>}
        </span>
        <span class="event-about">
          <span class="event-type">{type}</span>
          {engine !== null && <EngineName id={engine} />}
          {stream !== null && (
            <a class="mono" href={streamLink ?? linkTo('streams', stream)} title={stream}>
              {streamNameOf(stream)}
            </a>
          )}
        </span>
      </div>
    </div>
  );
}
