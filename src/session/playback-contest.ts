/** So many playbacks of one broadcast taken from us on one engine … */
const LOSSES_MIN = 3;
/** … within this time, milliseconds, are a fight: each side's start ends the other's (reference 5, 10.23). */
const WINDOW_MS = 300_000;

/** Whether somebody else plays a session's broadcast on the engines that acemux uses. */
export class PlaybackContest {
  /** By engine: when it did not know a playback any more that nobody here had stopped, on the clock. */
  readonly #losses = new Map<string, number[]>();

  /** @returns whether this loss is one too many for chance */
  noteLoss(engineId: string, nowMs: number): boolean {
    const recent = (this.#losses.get(engineId) ?? []).filter((atMs) => nowMs - atMs <= WINDOW_MS);
    recent.push(nowMs);
    this.#losses.set(engineId, recent.slice(-LOSSES_MIN));
    return recent.length >= LOSSES_MIN;
  }
}
