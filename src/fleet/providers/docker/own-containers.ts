import { untilAborted } from '../../../base/abort.ts';
import { type Clock, sleep } from '../../../base/clock.ts';
import { AcemuxError, asAcemuxError, REASONS } from '../../../base/reasons.ts';
import type { Log } from '../../../telemetry/log.ts';
import type { EngineExit, LeftAlone } from '../provider.ts';
import { saysPortTaken } from './creation-errors.ts';
import type { DockerClient } from './docker-client.ts';
import { isAway, isRefusal } from './docker-errors.ts';
import type { ContainerDetails, ContainerEvent, ListedContainer } from './docker-shapes.ts';
import { type EngineLabels, INSTANCE_LABEL, portsOf, readLabels } from './engine-labels.ts';

export interface OwnContainersDeps {
  readonly client: DockerClient;
  readonly instance: string;
  /** Foreign containers with it are told of, and left alone. */
  readonly label: readonly [name: string, value: string];
  readonly onExit: (exit: EngineExit) => void;
  /** One has gone: its name and ports are free. */
  readonly onGone: () => void;
  /** A container that is not ours to touch; once for each. */
  readonly onLeftAlone: (container: LeftAlone) => void;
  /** An engine ended because something else listens on one of these. */
  readonly onPortTaken: (ports: readonly number[]) => void;
  readonly clock: Clock;
  readonly log: Log;
}

/** A container that is an engine of ours. */
export interface OwnContainer {
  readonly listed: ListedContainer;
  readonly engine: EngineLabels;
  readonly details: ContainerDetails;
}

const FOREIGN = 'a container carries CONTAINER_LABEL and is not of this acemux';

/** The last words of an engine that are told. */
const LOG_LINES = 20;
/** Docker gets so long to have removed a container. */
const REMOVAL_MS = 60_000;
const REMOVAL_POLL_MS = 250;

/**
 * The containers that are ours, as Docker tells them: nothing is remembered of them that Docker does not say, but what
 * only its events tell. What has ended is looked at, told once, and removed.
 */
export class OwnContainers {
  readonly #deps: OwnContainersDeps;
  readonly #abort = new AbortController();
  /** What the last list said, those that have ended included. */
  #listed = new Map<string, ListedContainer>();
  readonly #details = new Map<string, ContainerDetails>();
  /** How it ended, where only an event has told. */
  readonly #deaths = new Map<string, { exitCode: number | undefined; wasOutOfMemory: boolean }>();
  /** Those that are to go: because somebody asked for it, or because their end has been told. */
  readonly #leaving = new Set<string>();
  readonly #removals = new Map<string, Promise<void>>();
  /** Names that are being made into containers now. */
  readonly #underway = new Map<string, EngineLabels>();
  /** Attempts that have failed; what Docker made of them nevertheless is to go. */
  readonly #failedAttempts = new Set<string>();
  readonly #leftAlone = new Map<string, LeftAlone>();
  /** What happened while a list was under way, which knows nothing of it. */
  readonly #madeMeanwhile = new Set<string>();
  readonly #goneMeanwhile = new Set<string>();
  #refreshed: Promise<unknown> = Promise.resolve();
  #isComplete = false;

  constructor(deps: OwnContainersDeps) {
    this.#deps = deps;
  }

  /**
   * Asks Docker; those that run, are paused or are being restarted, oldest first. What has ended is seen to behind it.
   * One list at a time.
   * @throws AcemuxError of the API: nothing is known then, and nothing has changed
   */
  refresh(signal: AbortSignal): Promise<readonly OwnContainer[]> {
    const refreshed = this.#refreshed.then(() => this.#refresh(signal));
    this.#refreshed = refreshed.catch(() => {}); // Whoever asked hears of it.
    return refreshed;
  }

  async #refresh(signal: AbortSignal): Promise<readonly OwnContainer[]> {
    const { client, instance } = this.#deps;
    this.#madeMeanwhile.clear();
    this.#goneMeanwhile.clear();
    const rows = await client.list([`${INSTANCE_LABEL}=${instance}`], signal);
    const found = await Promise.all(rows.map((row) => this.#lookAt(row, signal)));
    signal.throwIfAborted();
    const before = this.#listed;
    const existing = found
      .filter((each) => each !== undefined)
      .filter(({ listed }) => !this.#goneMeanwhile.has(listed.id));
    this.#listed = new Map(existing.map(({ listed }) => [listed.id, listed]));
    for (const [id, listed] of before) {
      if (this.#listed.has(id)) continue;
      if (this.#madeMeanwhile.has(id)) this.#listed.set(id, listed);
      else this.#onVanished(listed);
    }
    for (const id of this.#deaths.keys()) if (!this.#listed.has(id)) this.#deaths.delete(id);
    const alive: OwnContainer[] = [];
    const ended: OwnContainer[] = [];
    for (const { listed, details } of existing) {
      const engine = this.#judge(listed);
      if (engine) (isAlive(listed) ? alive : ended).push({ listed, engine, details });
    }
    // Before the list that lacks them: whoever compares lists would take them for gone, nobody knows how.
    await Promise.all(ended.map((each) => this.#tellEnd(each, signal)));
    for (const { listed } of ended) this.#seeTo(listed);
    this.#isComplete = true;
    return alive.sort(
      (a, b) => a.listed.createdAtMs - b.listed.createdAtMs || a.listed.id.localeCompare(b.listed.id),
    );
  }

  /** What looks like an engine of ours and is none, as it was when last looked for. */
  get leftAlone(): readonly LeftAlone[] {
    return [...this.#leftAlone.values()];
  }

  /** Warns of containers that carry our label and are not ours, each once. @throws as `refresh` */
  async lookForForeign(signal: AbortSignal): Promise<void> {
    const { client, label, instance } = this.#deps;
    const rows = await client.list([label.join('=')], signal);
    const foreign = rows.filter(({ labels }) => labels[INSTANCE_LABEL] !== instance);
    for (const { id, detail } of this.leftAlone)
      if (detail === FOREIGN && !foreign.some((row) => row.id === id)) this.#leftAlone.delete(id);
    for (const { id, name } of foreign) this.#leaveAlone(id, name, FOREIGN);
  }

  /** Whether there were containers of others when they were last looked for. */
  get hasForeign(): boolean {
    return this.leftAlone.some(({ detail }) => detail === FOREIGN);
  }

  /** What an event tells that a later look can't. */
  note(event: ContainerEvent): void {
    this.#details.delete(event.id);
    if (event.action !== 'die' && event.action !== 'oom') return;
    const known = this.#deaths.get(event.id);
    this.#deaths.set(event.id, {
      exitCode: event.exitCode ?? known?.exitCode,
      wasOutOfMemory: event.action === 'oom' || known?.wasOutOfMemory === true,
    });
  }

  /** Events may have been missed: whatever was looked at is looked at again. */
  forgetDetails(): void {
    this.#details.clear();
  }

  /** Whether all that exist are known, so that ports may be given out. */
  get isComplete(): boolean {
    return this.#isComplete;
  }

  /** Of all that exist, or are about to: free only when Docker has none with it any more. */
  get portsInUse(): ReadonlySet<number> {
    const existing = [...this.#listed.values()].map(({ labels }) => readLabels(labels, this.#deps.instance));
    return new Set(
      [...existing, ...this.#underway.values()].flatMap((engine) => (engine ? portsOf(engine) : [])),
    );
  }

  isOurs(id: string): boolean {
    return this.#listed.has(id);
  }

  /** A container of this name is being made: it is nobody's leftover. */
  begin(name: string, engine: EngineLabels): void {
    this.#underway.set(name, engine);
  }

  /** It was made: it counts from now on. */
  made(listed: ListedContainer): void {
    this.#listed.set(listed.id, listed);
    this.#madeMeanwhile.add(listed.id);
    this.#underway.delete(listed.name);
  }

  /** It was not; what Docker made of it nevertheless is removed when it shows. */
  failed(name: string): void {
    const engine = this.#underway.get(name);
    if (engine) this.#failedAttempts.add(engine.attempt);
    this.#underway.delete(name);
  }

  /**
   * Ends a container of ours and removes it; resolves when Docker has it no more. That goes on when who asked for it
   * leaves, and is tried again with each list until it has succeeded.
   * @throws AcemuxError docker_removal_stuck, and those of the API
   */
  remove(id: string, signal: AbortSignal): Promise<void> {
    this.#leaving.add(id);
    return untilAborted(this.#removal(id, true), signal);
  }

  async stop(): Promise<void> {
    this.#abort.abort();
    await Promise.allSettled(this.#removals.values());
  }

  /** What it is: an engine that lives or has just ended, or nothing to be told of; sees to what was never one. */
  #judge(listed: ListedContainer): EngineLabels | undefined {
    const { log, instance } = this.#deps;
    const engine = readLabels(listed.labels, instance);
    if (!engine) {
      this.#leaveAlone(listed.id, listed.name, 'a container carries our label and no ports of an engine');
      return undefined;
    }
    // Until whoever makes it knows its id it would be counted twice: as one that is being made, and as one that is.
    if (this.#underway.has(listed.name)) return undefined;
    // Made after Docker wrote this list: the next one tells it as it is.
    if (this.#madeMeanwhile.has(listed.id) && listed.state === 'created') return undefined;
    if (this.#leaving.has(listed.id)) {
      this.#seeTo(listed);
      return undefined;
    }
    if (engine.isManual) return isAlive(listed) ? engine : undefined;
    if (listed.state === 'created' || this.#failedAttempts.has(engine.attempt)) {
      log.warn(
        { container: listed.name, id: listed.id },
        'a container was made and never used: it is removed',
      );
      this.#leaving.add(listed.id);
      this.#seeTo(listed);
      return undefined;
    }
    return isAlive(listed) || hasEnded(listed) ? engine : undefined;
  }

  /** Once, with its last words if Docker still has them. @throws where Docker is away */
  async #tellEnd({ listed, details }: OwnContainer, signal: AbortSignal): Promise<void> {
    const { client, log } = this.#deps;
    const logTail = await client.logTail(listed.id, LOG_LINES, signal).catch((error: unknown) => {
      if (signal.aborted || isAway(error)) throw error;
      log.warn({ container: listed.name, err: error }, 'the last words of an engine can’t be had');
      return [];
    });
    // Its end may have been asked for meanwhile.
    if (!this.#leaving.has(listed.id)) this.#tell(listed, details, logTail);
    this.#leaving.add(listed.id);
  }

  /** Behind a list: what fails is tried again with the next one. */
  #seeTo(listed: ListedContainer): void {
    if (this.#abort.signal.aborted || this.#removals.has(listed.id)) return;
    this.#removal(listed.id, false).catch((error: unknown) => {
      if (this.#abort.signal.aborted || isAway(error)) return;
      const { code, message } = asAcemuxError(error);
      this.#deps.log.warn(
        { container: listed.name, reason: code },
        `an engine that is to go stays: ${message}`,
      );
    });
  }

  /** One at a time for each container. */
  #removal(id: string, stopsFirst: boolean): Promise<void> {
    const running = this.#removals.get(id);
    if (running !== undefined) return running;
    const begun = this.#takeAway(id, stopsFirst).finally(() => this.#removals.delete(id));
    this.#removals.set(id, begun);
    return begun;
  }

  async #takeAway(id: string, stopsFirst: boolean): Promise<void> {
    const { client } = this.#deps;
    const { signal } = this.#abort;
    if (stopsFirst) await client.stop(id, signal);
    await this.#untilGone(id, signal);
    this.#listed.delete(id);
    this.#goneMeanwhile.add(id);
    this.#forget(id);
    this.#deps.onGone();
  }

  /** A second removal is refused while the first one is under way: then it is waited for. */
  async #untilGone(id: string, signal: AbortSignal): Promise<void> {
    const { client, clock } = this.#deps;
    const endMs = clock.nowMs() + REMOVAL_MS;
    while (true) {
      try {
        await client.remove(id, signal);
        return;
      } catch (error) {
        if (!isRefusal(error, 409)) throw error;
        if (clock.nowMs() >= endMs) {
          throw new AcemuxError(
            'docker_removal_stuck',
            `The container ${id.slice(0, 12)} stays: ${error.said}`,
            {
              cause: error,
            },
          );
        }
      }
      await sleep(clock, REMOVAL_POLL_MS, signal);
    }
  }

  #tell(listed: ListedContainer, details: ContainerDetails | undefined, logTail: readonly string[]): void {
    const death = this.#deaths.get(listed.id);
    const startedAtMs = (details ?? this.#details.get(listed.id))?.startedAtMs;
    const endMs = details?.finishedAtMs ?? this.#deps.clock.wallMs();
    if (saysPortTaken(logTail)) {
      const engine = readLabels(listed.labels, this.#deps.instance);
      if (engine) this.#deps.onPortTaken(portsOf(engine));
    }
    this.#deps.onExit({
      id: listed.id,
      name: listed.name,
      exitCode: details?.exitCode ?? death?.exitCode,
      wasOutOfMemory: details?.wasOutOfMemory === true || death?.wasOutOfMemory === true,
      logTail,
      ranForMs: startedAtMs === undefined ? undefined : Math.max(0, endMs - startedAtMs),
    });
  }

  /** Removed by somebody else, before we could look at it. */
  #onVanished(listed: ListedContainer): void {
    if (this.#removals.has(listed.id)) return; // It is told there.
    const engine = readLabels(listed.labels, this.#deps.instance);
    if (engine && !this.#leaving.has(listed.id)) this.#tell(listed, undefined, []);
    this.#forget(listed.id);
  }

  #forget(id: string): void {
    this.#details.delete(id);
    this.#deaths.delete(id);
    this.#leaving.delete(id);
    this.#leftAlone.delete(id);
  }

  /**
   * Asked for once while it runs: what it says then changes with an event only. It is the truth where the two differ:
   * Docker tells of an end before its list does, and of a start with the address that the list has not yet.
   */
  async #lookAt(
    row: ListedContainer,
    signal: AbortSignal,
  ): Promise<{ readonly listed: ListedContainer; readonly details: ContainerDetails } | undefined> {
    const known = this.#details.get(row.id);
    const details = known?.state === row.state ? known : await this.#deps.client.details(row.id, signal);
    if (!details) return undefined;
    this.#details.set(row.id, details);
    return { listed: { ...row, state: details.state, addresses: details.addresses }, details };
  }

  #leaveAlone(id: string, name: string, detail: string): void {
    if (this.#leftAlone.has(id)) return;
    this.#leftAlone.set(id, { id, name, detail });
    const { log, onLeftAlone } = this.#deps;
    const reason = 'docker_not_ours';
    log.warn({ container: name, id, reason, todo: REASONS[reason].todo }, `${detail}: it is left alone`);
    onLeftAlone({ id, name, detail });
  }
}

function isAlive({ state }: ListedContainer): boolean {
  return state === 'running' || state === 'paused' || state === 'restarting';
}

function hasEnded({ state }: ListedContainer): boolean {
  return state === 'exited' || state === 'dead';
}
