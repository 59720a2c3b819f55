import { Worker } from 'node:worker_threads';
import type { Clock, Timer } from '../base/clock.ts';
import { Outbox } from '../base/outbox.ts';
import { AcemuxError } from '../base/reasons.ts';
import type { DatabaseState } from './resilient-database.ts';
import type { Row, SavedTo, Statement, StoreProblem, WrittenTo } from './statement.ts';
import type { Answer, Request, ThreadData } from './store-messages.ts';
import { threadFile } from './thread-file.ts';

/** In DATA_DIR; beside it SQLite keeps `-wal` and `-shm`. */
export const DATABASE_FILE = 'acemux.db';
/** Opening the file is waited for so long at the start of acemux; then it goes on, and hears of it later. */
const OPEN_WAIT_MS = 3_000;
/** A read that takes longer fails. */
const READ_WAIT_MS = 5_000;
/** What was begun longer ago, and is not answered, is a disk that does not answer. */
const SLOW_AFTER_MS = 5_000;
const LOOK_MS = 1_000;
/** At the end of acemux what still waits has this long to be written. */
const CLOSE_WAIT_MS = 2_000;
/** A thread that ended by itself is started again after this time. */
const RESTART_MS = 1_000;
/** Groups of statements that may wait: what is worth less is lost from the first number on, all from the second. */
const QUEUE_MAX = { ordinary: 4_000, important: 8_000 };
/** The same in characters of SQL and values. */
const QUEUE_CHARACTERS_MAX = { ordinary: 8_000_000, important: 16_000_000 };
const MEMORY_BYTES_MAX = 16 * 1024 * 1024;

/** How the store is, for people and alarms. */
export interface StoreHealth {
  /** Where it writes now. */
  readonly place: 'file' | 'memory';
  readonly problem: StoreProblem | undefined;
  readonly detail: string | undefined;
  /** When that began; wall clock, milliseconds. */
  readonly sinceMs: number;
  /** Groups of statements that wait to be written. */
  readonly waiting: number;
  /** Such as were lost because too many waited, since the beginning. */
  readonly lost: number;
}

/** Whom the store tells. Methods must not throw. */
export interface StoreWitness {
  /** It has got a problem, another one, or none any more. */
  storeChanged(health: StoreHealth): void;
  /** A statement failed by a mistake of acemux. */
  storeMistaken(detail: string): void;
}

export interface StoreDeps {
  /** The database's file; beside it SQLite keeps `-wal` and `-shm`. */
  readonly file: string;
  readonly clock: Clock;
  readonly witness: StoreWitness;
}

interface Write {
  readonly statements: readonly Statement[];
  readonly characters: number;
  readonly sinceMs: number;
  readonly settle: (to: WrittenTo) => void;
}

interface Reading {
  readonly sinceMs: number;
  readonly resolve: (rows: readonly Row[]) => void;
  readonly reject: (error: AcemuxError) => void;
  readonly timer: Timer;
}

/**
 * What outlives the process, written by a thread of its own: the main thread never waits for a disk. Nothing that plays may
 * depend on it: writes never reject, wait in a bounded queue while the file can't be written, and are lost when that is full.
 */
export class Store {
  readonly #deps: StoreDeps;
  readonly #writes = new Map<number, Write>();
  readonly #reads = new Map<number, Reading>();
  readonly #reloaded = new Set<() => void>();
  readonly #opened = Promise.withResolvers<void>();
  /** What the thread is told: twenty streams that change their engine at once are sixty requests. */
  readonly #outbox = new Outbox<Request>((requests) => this.#worker?.postMessage(requests));
  #worker: Worker | undefined;
  #state: DatabaseState = { place: 'memory', problem: undefined, detail: undefined };
  #isSlow = false;
  #sinceMs = 0;
  #lastId = 0;
  #characters = 0;
  #lost = 0;
  #timer: Timer | undefined;
  #restart: Timer | undefined;
  #isStopping = false;

  constructor(deps: StoreDeps) {
    this.#deps = deps;
  }

  /** Resolves when the file is open, or when it is clear that it can't be now, or after 3 s. Never rejects. */
  async start(): Promise<void> {
    this.#sinceMs = this.#deps.clock.wallMs();
    this.#startThread();
    this.#watch();
    const timer = this.#deps.clock.startTimer(OPEN_WAIT_MS, () => {
      this.#isSlow = true;
      this.#changed();
      this.#opened.resolve();
    });
    await this.#opened.promise;
    timer.cancel();
  }

  /** Writes what waits, as far as that goes within 2 s, and ends the thread. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    this.#timer?.cancel();
    this.#restart?.cancel();
    const worker = this.#worker;
    if (worker) {
      const { promise: closed, resolve } = Promise.withResolvers<void>();
      const timer = this.#deps.clock.startTimer(CLOSE_WAIT_MS, resolve);
      worker.once('exit', resolve);
      this.#tell({ kind: 'close' });
      await closed;
      timer.cancel();
      await worker.terminate();
    }
    for (const { settle } of this.#writes.values()) settle('lost');
    this.#writes.clear();
    this.#failReads('acemux stops.');
  }

  get health(): StoreHealth {
    const { place, problem, detail } = this.#state;
    return {
      place,
      problem: this.#isSlow ? 'store_slow' : problem,
      detail: this.#isSlow ? 'A write or a read has not been answered for 5 s.' : detail,
      sinceMs: this.#sinceMs,
      waiting: this.#writes.size,
      lost: this.#lost,
    };
  }

  /**
   * Writes the statements, all or none, behind those of earlier calls.
   * @param worth what is `ordinary` is lost first where too much waits
   * @returns where it is; never rejects, and may take as long as the file can't be written
   */
  write(statements: readonly Statement[], worth: 'important' | 'ordinary' = 'important'): Promise<WrittenTo> {
    const characters = sizeOf(statements);
    const isFull =
      this.#writes.size >= QUEUE_MAX[worth] ||
      this.#characters + characters > QUEUE_CHARACTERS_MAX[worth] ||
      this.#isStopping;
    if (isFull) {
      this.#lost++;
      return Promise.resolve('lost');
    }
    const { promise, resolve } = Promise.withResolvers<WrittenTo>();
    const id = ++this.#lastId;
    this.#characters += characters;
    this.#writes.set(id, { statements, characters, sinceMs: this.#deps.clock.nowMs(), settle: resolve });
    this.#tell({ kind: 'write', id, statements });
    return promise;
  }

  /** Writes as `write` does, and waits for it no longer than this. */
  async writeWithin(waitMs: number, statements: readonly Statement[]): Promise<SavedTo> {
    const { promise: tooLong, resolve } = Promise.withResolvers<'waiting'>();
    const timer = this.#deps.clock.startTimer(waitMs, () => resolve('waiting'));
    const to = await Promise.race([this.write(statements), tooLong]);
    timer.cancel();
    return to;
  }

  /** @throws AcemuxError store_unavailable */
  read(statement: Statement): Promise<readonly Row[]> {
    return this.#ask((id) => ({ kind: 'read', id, statement }));
  }

  /**
   * What the database takes, without what is free in it.
   * @throws AcemuxError store_unavailable
   */
  async usedBytes(): Promise<number> {
    const [row] = await this.#ask((id) => ({ kind: 'size', id }));
    return Number(row?.['bytes'] ?? 0);
  }

  /** Gives a part of what is free in the file back to the file system. */
  shrink(): void {
    this.#tell({ kind: 'shrink' });
  }

  /** Calls back when what is stored may be other than what was read. Returns how to end that. */
  onReloaded(listener: () => void): () => void {
    this.#reloaded.add(listener);
    return () => void this.#reloaded.delete(listener);
  }

  #ask(request: (id: number) => Request): Promise<readonly Row[]> {
    const { promise, resolve, reject } = Promise.withResolvers<readonly Row[]>();
    const { clock } = this.#deps;
    const id = ++this.#lastId;
    if (!this.#worker || this.#isStopping) return Promise.reject(new AcemuxError('store_unavailable'));
    const timer = clock.startTimer(READ_WAIT_MS, () => {
      this.#reads.delete(id);
      reject(new AcemuxError('store_unavailable', 'The database has not answered within 5 s.'));
    });
    this.#reads.set(id, { sinceMs: clock.nowMs(), resolve, reject, timer });
    this.#tell(request(id));
    return promise;
  }

  #tell(request: Request): void {
    if (this.#worker) this.#outbox.add(request);
  }

  #startThread(): void {
    const workerData: ThreadData = { file: this.#deps.file, memoryBytesMax: MEMORY_BYTES_MAX };
    const worker = new Worker(threadFile('store-thread'), {
      workerData,
      name: 'store',
      // Small: it holds a batch of rows, and what an answer has.
      resourceLimits: { maxOldGenerationSizeMb: 64, maxYoungGenerationSizeMb: 4 },
    });
    this.#worker = worker;
    let failure = 'It ended by itself.';
    worker.on('message', (answers: readonly Answer[]) => {
      for (const answer of answers) this.#hear(answer);
    });
    worker.on('error', (error) => {
      failure = error instanceof Error ? error.message : String(error);
    });
    worker.on('exit', () => {
      if (this.#worker === worker) this.#threadEnded(failure);
    });
    // Those of a thread that has ended.
    for (const [id, { statements }] of this.#writes) this.#tell({ kind: 'write', id, statements });
  }

  #threadEnded(failure: string): void {
    this.#worker = undefined;
    // What was written is told to the next one.
    this.#outbox.clear();
    if (this.#isStopping) return;
    this.#failReads(failure);
    this.#enter({ place: 'memory', problem: 'store_failed', detail: `The database's thread: ${failure}` });
    this.#opened.resolve();
    this.#restart = this.#deps.clock.startTimer(RESTART_MS, () => this.#startThread());
  }

  #failReads(detail: string): void {
    for (const { reject, timer } of this.#reads.values()) {
      timer.cancel();
      reject(new AcemuxError('store_unavailable', detail));
    }
    this.#reads.clear();
  }

  #hear(answer: Answer): void {
    switch (answer.kind) {
      case 'state':
        this.#enter(answer.state);
        this.#opened.resolve();
        if (answer.isReloaded) for (const listener of this.#reloaded) listener();
        return;
      case 'written':
        this.#settle(answer.id, answer.to);
        return;
      case 'mistaken':
        this.#deps.witness.storeMistaken(answer.detail);
        this.#settle(answer.id, 'lost');
        return;
      case 'rows':
        this.#take(answer.id)?.resolve(answer.rows);
        return;
      case 'failed':
        this.#take(answer.id)?.reject(new AcemuxError('store_unavailable', answer.detail));
    }
  }

  #settle(id: number, to: WrittenTo): void {
    const write = this.#writes.get(id);
    if (!write) return;
    this.#writes.delete(id);
    this.#characters -= write.characters;
    if (to === 'lost') this.#lost++;
    write.settle(to);
  }

  #take(id: number): Reading | undefined {
    const reading = this.#reads.get(id);
    this.#reads.delete(id);
    reading?.timer.cancel();
    return reading;
  }

  /** Looks now and then whether the thread answers at all. */
  #watch(): void {
    this.#timer = this.#deps.clock.startTimer(LOOK_MS, () => {
      const { problem } = this.#state;
      const oldest = this.#writes.values().next();
      const sinceMs = oldest.done ? undefined : oldest.value.sinceMs;
      const isSlow =
        problem === undefined && sinceMs !== undefined && this.#deps.clock.nowMs() - sinceMs > SLOW_AFTER_MS;
      if (isSlow !== this.#isSlow) {
        this.#isSlow = isSlow;
        this.#changed();
      }
      this.#watch();
    });
  }

  #enter(state: DatabaseState): void {
    const { problem, place } = this.#state;
    const isSame = state.problem === problem && (place === state.place || problem === undefined);
    this.#state = state;
    const wasSlow = this.#isSlow;
    this.#isSlow = false;
    if (!isSame || wasSlow) this.#changed();
  }

  #changed(): void {
    this.#sinceMs = this.#deps.clock.wallMs();
    this.#deps.witness.storeChanged(this.health);
  }
}

function sizeOf(statements: readonly Statement[]): number {
  let characters = 0;
  for (const { sql, values = [] } of statements) {
    characters += sql.length;
    for (const value of values) characters += typeof value === 'string' ? value.length : 8;
  }
  return characters;
}
