import { ManualClock } from '../../src/base/manual-clock.ts';
import type { AcemuxEvent } from '../../src/telemetry/events/event.ts';
import { EventBus } from '../../src/telemetry/events/event-bus.ts';
import { silentLog } from '../../src/telemetry/log.ts';

/** A bus, all that it was told, and a short form of each event: who, what, its details, and what it was caused by. */
export function recordEvents(clock = new ManualClock()) {
  const bus = new EventBus({ bounds: { countMax: 1_000, bytesMax: 1_000_000 }, clock, log: silentLog() });
  const heard: AcemuxEvent[] = [];
  bus.subscribe((event) => heard.push(event));
  const typeOf = (id: number): string => bus.get(id)?.type ?? 'unknown';
  const lines = (): string[] =>
    heard.map(({ type, session, engine, causeId, details }) =>
      [
        ...[session, engine].filter((id) => id !== undefined),
        type,
        ...Object.values(details).flat().map(String),
        ...(causeId === undefined ? [] : ['because of', typeOf(causeId)]),
      ].join(' '),
    );
  return { bus, heard, lines };
}
