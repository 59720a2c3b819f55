import type { Config } from './config.ts';
import type { Headers } from './header-list.ts';
import type { StandbyWord } from './standby-list.ts';

/**
 * What is set for single streams, by id or infohash: STREAM_OVERRIDES, and the lists that are about one setting each
 * (STANDBY_STREAMS, PREBUFFER_STREAMS, TIMESHIFT_STREAMS). Where both speak of a stream, the overrides count.
 */
export interface StreamSettings {
  /** Milliseconds. */
  readonly prebuffer: ReadonlyMap<string, number>;
  readonly standby: ReadonlyMap<string, StandbyWord>;
  /** Milliseconds. */
  readonly timeshift: ReadonlyMap<string, number>;
  /** What engines are told; the names are those a stream may have, as far as they are known. */
  readonly engineHeaders: (names: readonly (string | undefined)[]) => Headers;
  /** What players are told. */
  readonly clientHeaders: (names: readonly (string | undefined)[]) => Headers;
}

export function streamSettingsOf({ clients, engines, streams, timeshift }: Config): StreamSettings {
  const { overrides } = streams;
  return {
    prebuffer: merged(clients.prebufferStreams, overrides, ({ prebufferMs }) => prebufferMs),
    standby: merged(streams.standbyStreams, overrides, ({ standby }) => standby),
    timeshift: merged(timeshift.streams, overrides, ({ timeshiftMs }) => timeshiftMs),
    engineHeaders: headersBy(engines.headers, overrides, ({ engineHeaders }) => engineHeaders),
    clientHeaders: headersBy(clients.headers, overrides, ({ clientHeaders }) => clientHeaders),
  };
}

/** The same of a configuration that may become another one: read anew only when it has. */
export function followStreamSettings(live: { readonly current: Config }): () => StreamSettings {
  let of = live.current;
  let settings = streamSettingsOf(of);
  return () => {
    if (of !== live.current) {
      of = live.current;
      settings = streamSettingsOf(of);
    }
    return settings;
  };
}

function merged<Override, Value>(
  list: ReadonlyMap<string, Value>,
  overrides: ReadonlyMap<string, Override>,
  read: (override: Override) => Value | undefined,
): ReadonlyMap<string, Value> {
  const all = new Map(list);
  for (const [hash, override] of overrides) {
    const value = read(override);
    if (value !== undefined) all.set(hash, value);
  }
  return all;
}

function headersBy<Override>(
  forAll: Headers,
  overrides: ReadonlyMap<string, Override>,
  read: (override: Override) => Headers | undefined,
): (names: readonly (string | undefined)[]) => Headers {
  const byName = new Map<string, Headers>();
  for (const [hash, override] of overrides) {
    const own = read(override);
    if (own) byName.set(hash, joined(forAll, own));
  }
  return (names) => {
    for (const name of names) {
      const own = name === undefined ? undefined : byName.get(name);
      if (own) return own;
    }
    return forAll;
  };
}

/** Names are compared without regard to case (RFC 9110 5.1). */
function joined(forAll: Headers, own: Headers): Headers {
  const taken = new Set(Object.keys(own).map((name) => name.toLowerCase()));
  const rest = Object.entries(forAll).filter(([name]) => !taken.has(name.toLowerCase()));
  return { ...Object.fromEntries(rest), ...own };
}
