import type { Clock, Timer } from '../base/clock.ts';
import type { PlaybackStat } from '../engine/types.ts';
import type { SessionSnapshot } from './types.ts';

/** From one look at all sessions to the next: as often as engines are asked. */
const LOOK_MS = 2_000;
/** Samples of one stream, the newest: 24 minutes. */
const SAMPLES_MAX = 720;
/** A stream that is over is told for so long, milliseconds … */
const KEPT_MS = 10 * 60_000;
/** … and so many of them, the newest. */
const ENDED_MAX = 200;

/** What an engine said of a playback, and when (wall clock, milliseconds). */
export interface StatSample extends PlaybackStat {
  readonly atMs: number;
}

/** One session, as long as it lives and for a while after. */
export interface StreamRecord {
  /** As it was when last looked at, or when it ended. */
  readonly session: SessionSnapshot;
  /** Oldest first. */
  readonly samples: readonly StatSample[];
}

export interface StreamBookDeps {
  /** All sessions that can be joined now. */
  readonly list: () => readonly SessionSnapshot[];
  readonly clock: Clock;
}

interface Entry {
  session: SessionSnapshot;
  readonly samples: StatSample[];
}

/** What became of each stream: those that play with their newest numbers, and those that have ended lately. */
export class StreamBook {
  readonly #deps: StreamBookDeps;
  /** In the order in which they began. */
  readonly #entries = new Map<string, Entry>();
  #timer: Timer | undefined;

  constructor(deps: StreamBookDeps) {
    this.#deps = deps;
  }

  start(): void {
    this.#timer = this.#deps.clock.startTimer(LOOK_MS, () => {
      this.#look();
      this.start();
    });
  }

  stop(): void {
    this.#timer?.cancel();
  }

  /** To be told of each session as it ends: its last state. */
  noteEnded(session: SessionSnapshot): void {
    this.#see(session);
    const ended = [...this.#entries].filter(([, entry]) => !entry.session.isActive);
    for (const [id] of ended.slice(0, Math.max(0, ended.length - ENDED_MAX))) this.#entries.delete(id);
  }

  /** As they are now, in the order in which they began. */
  list(): readonly StreamRecord[] {
    this.#refresh();
    return [...this.#entries.values()].map(({ session, samples }) => ({ session, samples }));
  }

  /** By its session's id; or the newest that has this 40-hex name, id or infohash. */
  find(name: string): StreamRecord | undefined {
    return this.list().findLast(
      ({ session: { sessionId, streamId, infohash } }) =>
        sessionId === name || streamId === name || infohash === name,
    );
  }

  #look(): void {
    this.#refresh();
    const atMs = this.#deps.clock.wallMs();
    for (const { session, samples } of this.#entries.values()) {
      if (!session.isActive || !session.stat) continue;
      samples.push({ ...session.stat, atMs });
      if (samples.length > SAMPLES_MAX) samples.shift();
    }
  }

  #refresh(): void {
    const nowMs = this.#deps.clock.wallMs();
    const there = new Set<Entry>();
    for (const session of this.#deps.list()) there.add(this.#see(session));
    for (const [id, entry] of this.#entries) {
      const { session } = entry;
      // A recording's playback tells nobody of its end.
      if (session.isActive && !there.has(entry)) {
        entry.session = { ...session, state: 'ended', isActive: false, endedAtMs: nowMs };
      }
      if (!session.isActive && (session.endedAtMs ?? 0) < nowMs - KEPT_MS) this.#entries.delete(id);
    }
  }

  #see(session: SessionSnapshot): Entry {
    const known = this.#entries.get(session.sessionId);
    if (known) {
      known.session = session;
      return known;
    }
    const entry: Entry = { session, samples: [] };
    this.#entries.set(session.sessionId, entry);
    return entry;
  }
}
