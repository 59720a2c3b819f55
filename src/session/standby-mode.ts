/**
 * Insurance against the loss of an engine. `warm`: a place on a second engine is kept reserved. `hot`: a second engine
 * plays the same stream all the time.
 */
export type StandbyMode = 'off' | 'warm' | 'hot';

/** What is insured how. */
export interface StandbyChoice {
  /** STANDBY */
  readonly standby: StandbyMode;
  /** STANDBY_STREAMS: by id or infohash. */
  readonly standbyStreams: ReadonlyMap<string, StandbyMode>;
}

/** The mode of the stream that has these names, as far as they are known. */
export function standbyModeOf(
  { standby, standbyStreams }: StandbyChoice,
  names: readonly (string | undefined)[],
): StandbyMode {
  for (const name of names) {
    const own = name === undefined ? undefined : standbyStreams.get(name);
    if (own) return own;
  }
  return standby;
}
