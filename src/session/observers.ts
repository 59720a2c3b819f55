import type { EgressOutput, SessionObserver } from './ports.ts';

/** Several observers as one; each is told what it has a method for, in their order. */
export class Observers implements SessionObserver {
  readonly #observers: readonly Partial<SessionObserver>[];
  /** Bytes are told of at each write to each viewer. */
  readonly #counters: readonly Partial<SessionObserver>[];

  constructor(observers: readonly Partial<SessionObserver>[]) {
    this.#observers = observers;
    this.#counters = observers.filter((each) => each.bytesStreamed !== undefined);
  }

  sessionStarted(...told: Parameters<SessionObserver['sessionStarted']>): void {
    for (const each of this.#observers) each.sessionStarted?.(...told);
  }

  sessionPlaying(...told: Parameters<SessionObserver['sessionPlaying']>): void {
    for (const each of this.#observers) each.sessionPlaying?.(...told);
  }

  sessionLingering(...told: Parameters<SessionObserver['sessionLingering']>): void {
    for (const each of this.#observers) each.sessionLingering?.(...told);
  }

  sessionResumed(...told: Parameters<SessionObserver['sessionResumed']>): void {
    for (const each of this.#observers) each.sessionResumed?.(...told);
  }

  sessionEnded(...told: Parameters<SessionObserver['sessionEnded']>): void {
    for (const each of this.#observers) each.sessionEnded?.(...told);
  }

  clientJoined(...told: Parameters<SessionObserver['clientJoined']>): void {
    for (const each of this.#observers) each.clientJoined?.(...told);
  }

  clientLeft(...told: Parameters<SessionObserver['clientLeft']>): void {
    for (const each of this.#observers) each.clientLeft?.(...told);
  }

  clientServed(...told: Parameters<SessionObserver['clientServed']>): void {
    for (const each of this.#observers) each.clientServed?.(...told);
  }

  clientStarved(...told: Parameters<SessionObserver['clientStarved']>): void {
    for (const each of this.#observers) each.clientStarved?.(...told);
  }

  attemptDelivered(...told: Parameters<SessionObserver['attemptDelivered']>): void {
    for (const each of this.#observers) each.attemptDelivered?.(...told);
  }

  clientSkipped(...told: Parameters<SessionObserver['clientSkipped']>): void {
    for (const each of this.#observers) each.clientSkipped?.(...told);
  }

  bytesStreamed(bytes: number, output: EgressOutput): void {
    for (const each of this.#counters) each.bytesStreamed?.(bytes, output);
  }

  sessionWarned(...told: Parameters<SessionObserver['sessionWarned']>): void {
    for (const each of this.#observers) each.sessionWarned?.(...told);
  }

  sourceSpliced(...told: Parameters<SessionObserver['sourceSpliced']>): void {
    for (const each of this.#observers) each.sourceSpliced?.(...told);
  }

  sourceDoubted(...told: Parameters<SessionObserver['sourceDoubted']>): void {
    for (const each of this.#observers) each.sourceDoubted?.(...told);
  }

  sourceTrusted(...told: Parameters<SessionObserver['sourceTrusted']>): void {
    for (const each of this.#observers) each.sourceTrusted?.(...told);
  }

  standbySwitched(...told: Parameters<SessionObserver['standbySwitched']>): void {
    for (const each of this.#observers) each.standbySwitched?.(...told);
  }

  standbyDiffered(...told: Parameters<SessionObserver['standbyDiffered']>): void {
    for (const each of this.#observers) each.standbyDiffered?.(...told);
  }

  hedgeBegun(...told: Parameters<SessionObserver['hedgeBegun']>): void {
    for (const each of this.#observers) each.hedgeBegun?.(...told);
  }

  hedgeWon(...told: Parameters<SessionObserver['hedgeWon']>): void {
    for (const each of this.#observers) each.hedgeWon?.(...told);
  }

  attemptFailed(...told: Parameters<SessionObserver['attemptFailed']>): void {
    for (const each of this.#observers) each.attemptFailed?.(...told);
  }
}
