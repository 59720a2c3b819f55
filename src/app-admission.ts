import { Audience } from './access/limits/audience.ts';
import { EgressMeter } from './access/overload/egress-meter.ts';
import { countOpenFiles } from './access/overload/open-files.ts';
import { OverloadWatch } from './access/overload/overload-watch.ts';
import { type LiveConfig, limitRules, overloadBounds, withLimits } from './app-limits.ts';
import type { Clock } from './base/clock.ts';
import type { Headers } from './config/header-list.ts';
import { followStreamSettings } from './config/stream-settings.ts';
import type { EventBus } from './telemetry/events/event-bus.ts';
import type { LoopDelay } from './telemetry/loop-delay.ts';

export interface LimitParts {
  readonly events: EventBus;
  /** The infohash that a 40-hex name is known to mean. */
  readonly infohashOf: (hash: string) => string | undefined;
  /** What the buffers of all streams take, and what they may. */
  readonly bufferBytes: () => number;
  readonly bufferBytesMax: number;
  /** How many files the process may have open; undefined: nobody knows. */
  readonly openFilesMax: number | undefined;
  /** Whether the key of this id is accepted now. */
  readonly keyIsAccepted: (id: string) => boolean;
  readonly loopDelay: Pick<LoopDelay, 'openReader'>;
  readonly clock: Clock;
}

/** Who is let in: the limits of viewers, and what is too much for acemux itself. */
export interface LimitsHouse {
  readonly audience: Audience;
  readonly overload: OverloadWatch;
  /** Hears what is sent. */
  readonly egress: EgressMeter;
  /** What there is too much of now. */
  readonly overloadCauses: OverloadWatch['causes'];
  passSegment: Audience['passSegment'];
  viewersOfKey: Audience['viewersOfKey'];
  /** What requests to engines, and replies to players, have beside what acemux says, by names of a stream. */
  engineHeaders(names: readonly string[]): Headers;
  clientHeaders(names: readonly string[]): Headers;
  start(): void;
  stop(): Promise<void>;
}

/** Builds it; nothing runs before `start()`. */
export function buildLimits(live: LiveConfig, parts: LimitParts): LimitsHouse {
  const streamSettings = followStreamSettings(live);
  const allNames = (names: readonly string[]): readonly (string | undefined)[] =>
    names.flatMap((name) => [name, parts.infohashOf(name)]);
  const { bufferBytes, bufferBytesMax, clock, events, infohashOf, openFilesMax } = parts;
  const egress = new EgressMeter(clock);
  const delay = parts.loopDelay.openReader();
  const overload = new OverloadWatch({
    bounds: withLimits(overloadBounds(live), { openFiles: openFilesMax, bufferBytes: bufferBytesMax }),
    read: async () => ({
      loopDelayMs: delay.take()?.p99Ms,
      openFiles: await countOpenFiles(),
      bufferBytes: bufferBytes(),
      egressBytesPerSecond: egress.take(),
    }),
    onChange: (cause, isOn, { bufferBytes, egressBytesPerSecond, loopDelayMs, openFiles }) => {
      const measured = {
        cause,
        loop_delay_seconds: (loopDelayMs ?? 0) / 1000,
        open_files: openFiles ?? 0,
        buffer_bytes: bufferBytes ?? 0,
        egress_bytes_per_second: Math.round(egressBytesPerSecond ?? 0),
      };
      events.emit(isOn ? 'system.overloaded' : 'system.relieved', measured);
    },
    clock,
  });
  const audience = new Audience({
    rules: limitRules(live),
    streamOf: (hash) => infohashOf(hash) ?? hash,
    refusal: () => overload.refusal,
    keyIsAccepted: parts.keyIsAccepted,
    get prebufferMs() {
      return live.current.clients.prebufferMs;
    },
    clock,
  });
  return {
    audience,
    overload,
    egress,
    get overloadCauses() {
      return overload.causes;
    },
    passSegment: (...given) => audience.passSegment(...given),
    viewersOfKey: (keyId) => audience.viewersOfKey(keyId),
    engineHeaders: (names) => streamSettings().engineHeaders(allNames(names)),
    clientHeaders: (names) => streamSettings().clientHeaders(allNames(names)),
    start: () => overload.start(),
    stop: () => overload.stop(),
  };
}
