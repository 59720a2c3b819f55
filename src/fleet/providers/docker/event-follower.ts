import { type Clock, sleep } from '../../../base/clock.ts';
import { asAcemuxError } from '../../../base/reasons.ts';
import type { Log } from '../../../telemetry/log.ts';
import type { DockerClient } from './docker-client.ts';
import type { ContainerEvent } from './docker-shapes.ts';

export interface EventFollowerDeps {
  readonly client: DockerClient;
  readonly onEvent: (event: ContainerEvent) => void;
  /** Nothing can be missed from now on, and anything may have been missed before. */
  readonly onConnected: () => void;
  /** Nothing is heard any more. */
  readonly onLost: () => void;
  readonly clock: Clock;
  readonly log: Log;
}

const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 15_000;

/**
 * Follows what happens to a daemon's containers, for as long as it runs: a stream that breaks is opened again, from the
 * last event that was heard, after pauses that grow.
 */
export class EventFollower {
  readonly #deps: EventFollowerDeps;
  readonly #abort = new AbortController();
  #loop: Promise<void> | undefined;
  #since: string | undefined;
  #cut = new AbortController();

  constructor(deps: EventFollowerDeps) {
    this.#deps = deps;
  }

  start(): void {
    this.#loop ??= this.#run(this.#abort.signal);
  }

  async stop(): Promise<void> {
    this.#abort.abort();
    await this.#loop;
  }

  /** What answers no other call is not believed to be heard: the stream is opened anew. */
  distrust(): void {
    this.#cut.abort();
  }

  async #run(stop: AbortSignal): Promise<void> {
    let pauseMs = FIRST_PAUSE_MS;
    let isAway = false;
    while (!stop.aborted) {
      this.#cut = new AbortController();
      const signal = AbortSignal.any([stop, this.#cut.signal]);
      let wasConnected = false;
      try {
        const events = await this.#deps.client.events(this.#since, signal);
        wasConnected = true;
        if (isAway) this.#deps.log.info('Docker answers again');
        isAway = false;
        pauseMs = FIRST_PAUSE_MS;
        this.#deps.onConnected();
        for await (const event of events) {
          this.#since = event.time ?? this.#since;
          this.#deps.onEvent(event);
        }
      } catch (error) {
        if (stop.aborted) return;
        const { code, message } = this.#cut.signal.aborted ? CUT : asAcemuxError(error);
        if (!isAway)
          this.#deps.log.warn({ reason: code, err: error }, `events of Docker are not heard: ${message}`);
        isAway = true;
      }
      if (wasConnected && !stop.aborted) this.#deps.onLost();
      await sleep(this.#deps.clock, pauseMs, stop).catch(() => {}); // Only when stopped.
      pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS);
    }
  }
}

const CUT = { code: 'docker_unreachable', message: 'other calls are not answered' } as const;
