import type { Clock, Timer } from '../base/clock.ts';
import { Database } from './database.ts';
import { type Row, type Statement, StoreFailure, type StoreProblem, type WrittenTo } from './statement.ts';

/** How long until the file is tried again. */
const RETRY_MS: Readonly<Record<StoreProblem, number>> = {
  store_locked: 200,
  store_full: 2_000,
  store_failed: 5_000,
  store_slow: 5_000,
  store_corrupt: Number.POSITIVE_INFINITY,
  store_newer: Number.POSITIVE_INFINITY,
};
/** A lock that passes within this time is no trouble. */
const PATIENCE_MS = 1_000;
/** Groups that are written in one transaction: what is read meanwhile waits for it. */
const GROUPS_AT_ONCE = 500;
/** Groups that are held for a file that can't be opened yet; the oldest go first. */
const UNSAVED_MAX = 5_000;
/** At the end a file that is locked is tried so often. */
const LAST_TRIES = 10;

export interface DatabaseState {
  readonly place: 'file' | 'memory';
  /** Undefined: all is well. */
  readonly problem: StoreProblem | undefined;
  /** What the system said. */
  readonly detail: string | undefined;
}

/** Whom it tells. */
export interface DatabaseOwner {
  /** `isReloaded`: what is read now may be other than what was read before. */
  stateChanged(state: DatabaseState, isReloaded: boolean): void;
  written(id: number, to: WrittenTo): void;
  /** The group has a statement that is a mistake of acemux's own, and is not written. */
  mistaken(id: number, error: Error): void;
}

export interface ResilientDatabaseDeps {
  readonly file: string;
  /** What is kept in memory while there is no file takes no more than this. */
  readonly memoryBytesMax: number;
  readonly clock: Clock;
  readonly owner: DatabaseOwner;
}

/** Statements that are written together or not at all. */
interface Group {
  readonly id: number;
  readonly statements: readonly Statement[];
}

/**
 * The database as well as it can be had. What the file can't take now waits. While the file can't be opened there is a
 * database of the same shape in memory, and what it is told is told to the file as soon as that can be had; for a file that is
 * damaged, or from the future, that is never, and it is left as it is.
 */
export class ResilientDatabase {
  readonly #deps: ResilientDatabaseDeps;
  #database: Database;
  #state: DatabaseState = { place: 'memory', problem: undefined, detail: undefined };
  #waiting: Group[] = [];
  #unsaved: Group[] = [];
  #troubledSinceMs: number | undefined;
  #retry: Timer | undefined;

  constructor(deps: ResilientDatabaseDeps) {
    this.#deps = deps;
    this.#database = Database.inMemory(deps.memoryBytesMax);
  }

  /** Opens the file, or says why that is not possible now. */
  start(): void {
    this.#openFile(false);
  }

  stop(): void {
    for (let tries = 0; tries < LAST_TRIES && this.#waiting.length > 0; tries++) this.#drain();
    this.#retry?.cancel();
    this.#database.close();
  }

  /** To be written with the next `flush`. */
  add(group: Group): void {
    this.#waiting.push(group);
  }

  /** Writes what waits, unless the file is to be tried again later. */
  flush(): void {
    if (this.#retry === undefined || this.#state.place === 'memory') this.#drain();
  }

  /** @throws StoreFailure; any other error for a statement that is a mistake */
  read(statement: Statement): Row[] {
    try {
      return this.#database.read(statement);
    } catch (error) {
      if (!(error instanceof StoreFailure) || !isFinal(error)) throw error;
      this.#giveFileUp(error);
      return this.#database.read(statement);
    }
  }

  get usedBytes(): number {
    return this.#database.usedBytes;
  }

  /** Gives space of what was deleted back, a little at a time. */
  shrink(): void {
    if (this.#state.place !== 'file') return;
    try {
      this.#database.shrink();
    } catch (error) {
      // What is locked or full now is shrunk by a later sweep; what is worse shows with the next write.
      if (!(error instanceof StoreFailure)) throw error;
    }
  }

  #openFile(isAgain: boolean): void {
    const { clock, file } = this.#deps;
    try {
      const opened = Database.open(file);
      this.#database.close();
      this.#database = opened;
      this.#waiting.unshift(...this.#unsaved);
      this.#unsaved = [];
      this.#enter({ place: 'file', problem: undefined, detail: undefined }, true);
      this.#drain();
    } catch (error) {
      if (!(error instanceof StoreFailure)) throw error;
      this.#enter({ place: 'memory', problem: error.problem, detail: error.message }, !isAgain);
      const delayMs = RETRY_MS[error.problem];
      if (!Number.isFinite(delayMs)) return;
      this.#retry = clock.startTimer(delayMs, () => {
        this.#retry = undefined;
        this.#openFile(true);
      });
    }
  }

  #drain(): void {
    while (this.#waiting.length > 0) {
      const groups = this.#waiting.slice(0, GROUPS_AT_ONCE);
      if (!this.#write(groups)) return;
      this.#waiting.splice(0, groups.length);
    }
  }

  /** Whether the groups are dealt with. */
  #write(groups: readonly Group[]): boolean {
    const { owner } = this.#deps;
    const isMemory = this.#state.place === 'memory';
    let to: WrittenTo = isMemory ? 'memory' : 'file';
    let mistakes: ReadonlyMap<number, Error> = new Map();
    try {
      mistakes = this.#database.write(groups.map(({ statements }) => statements));
    } catch (error) {
      if (!(error instanceof StoreFailure)) throw error;
      if (!isMemory) {
        this.#fileFailed(error);
        return false;
      }
      to = 'lost';
    }
    if (isMemory && this.#retry) this.#unsaved = [...this.#unsaved, ...groups].slice(-UNSAVED_MAX);
    if (!isMemory) this.#fileWorks();
    for (const [index, { id }] of groups.entries()) {
      const mistake = mistakes.get(index);
      if (mistake) owner.mistaken(id, mistake);
      else owner.written(id, to);
    }
    return true;
  }

  #fileWorks(): void {
    this.#troubledSinceMs = undefined;
    if (this.#state.problem) this.#enter({ place: 'file', problem: undefined, detail: undefined }, false);
  }

  #fileFailed(error: StoreFailure): void {
    if (isFinal(error)) {
      this.#giveFileUp(error);
      return;
    }
    const { clock } = this.#deps;
    this.#troubledSinceMs ??= clock.nowMs();
    const isLasting = clock.nowMs() - this.#troubledSinceMs >= PATIENCE_MS;
    if (error.problem !== 'store_locked' || isLasting) {
      this.#enter({ place: 'file', problem: error.problem, detail: error.message }, false);
    }
    this.#retry?.cancel();
    this.#retry = clock.startTimer(RETRY_MS[error.problem], () => {
      this.#retry = undefined;
      this.#drain();
    });
  }

  #giveFileUp(error: StoreFailure): void {
    this.#retry?.cancel();
    this.#retry = undefined;
    this.#database.close();
    this.#database = Database.inMemory(this.#deps.memoryBytesMax);
    this.#enter({ place: 'memory', problem: error.problem, detail: error.message }, true);
    this.#drain();
  }

  #enter(state: DatabaseState, isReloaded: boolean): void {
    const { place, problem, detail } = this.#state;
    const isSame = place === state.place && problem === state.problem && detail === state.detail;
    this.#state = state;
    if (!isSame || isReloaded) this.#deps.owner.stateChanged(state, isReloaded);
  }
}

/** Whether the file is given up for this life. */
function isFinal({ problem }: StoreFailure): boolean {
  return !Number.isFinite(RETRY_MS[problem]);
}
