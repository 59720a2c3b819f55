import type { EngineAddress, Playback, StreamSelector } from './types.ts';

/** What an engine is about to be asked for. */
export interface AskedStart {
  readonly address: EngineAddress;
  readonly selector: StreamSelector;
  readonly wanted: 'stream' | 'file';
  /** The broadcast; undefined: nobody knows yet which one the name means. */
  readonly infohash: string | undefined;
}

/** What is remembered of one start, by whoever makes it. */
export interface StartNote {
  /** What the engine is to know the player by. */
  readonly pid: string;
  /** The engine has opened it, and told how to stop it. */
  opened(playback: Pick<Playback, 'commandUrl' | 'infohash'>): void;
  /** The engine has nothing of it, or not any more. */
  over(): void;
  /** The engine may have something of it that could not be stopped, and ends by itself when nobody reads it. */
  left(): void;
}

/** A start that a process before this one has not stopped. */
export interface LeftStart extends AskedStart {
  readonly pid: string;
  /** Undefined: its reply has not come, so that there may be nothing to stop. */
  readonly commandUrl: string | undefined;
}

/** Remembers starts beyond the life of this process, so that what it leaves can be stopped. */
export interface StartJournal {
  /**
   * To be called before an engine is asked. Resolves when it is noted, or when that takes too long.
   * @throws AcemuxError engine_occupied
   */
  note(asked: AskedStart): Promise<StartNote>;
}
