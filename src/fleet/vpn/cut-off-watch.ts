import assert from 'node:assert/strict';
import { type Clock, sleep } from '../../base/clock.ts';
import { AcemuxError } from '../../base/reasons.ts';
import type { Log } from '../../telemetry/log.ts';
import type { ContainerInspector } from '../providers/container-inspector.ts';
import type { EngineNetwork, EnginesBehind, VpnObserver, VpnSource } from './vpn.ts';

/** What the operator has said of the container of an engine that acemux did not make. */
export interface EngineContainer {
  readonly name: string;
  /** Whether acemux may restart it. */
  readonly restart: boolean;
}

export interface CutOffWatchDeps {
  readonly vpns: VpnSource;
  readonly engines: EnginesBehind;
  /** By the engine's id; undefined: acemux makes it itself, and sees to it otherwise. */
  readonly containerOf: (engineId: string) => EngineContainer | undefined;
  readonly containers: ContainerInspector | undefined;
  readonly observer: VpnObserver;
  readonly clock: Clock;
  readonly log: Log;
}

/** Looks are so far apart, milliseconds. */
export const CUT_OFF_LOOK_MS = 10_000;
/** Its VPN has been ok, and the engine without a network, for so long. */
export const CUT_OFF_AFTER_MS = 60_000;
/** An engine that acemux has restarted gets so long, doubled each time, before it is restarted again. */
const RESTART_PAUSE_MS = 5 * 60_000;
const RESTART_PAUSE_MAX_MS = 60 * 60_000;

interface CutOff {
  readonly sinceMs: number;
  isTold: boolean;
  restarts: number;
  restartedAtMs: number | undefined;
}

/**
 * Finds engines that acemux did not make and that have no network while their VPN is well: mostly the container of the
 * VPN was restarted, and they still live in its dead network namespace (reference 2.2). Only a restart of their own
 * helps. It tells the command, or does it where the engine's entry says so.
 */
export class CutOffWatch {
  readonly #deps: CutOffWatchDeps;
  readonly #abort = new AbortController();
  readonly #cutOff = new Map<string, CutOff>();
  #loop: Promise<void> | undefined;

  constructor(deps: CutOffWatchDeps) {
    this.#deps = deps;
  }

  start(): void {
    assert(!this.#loop, 'CutOffWatch.start() is called once');
    this.#loop = this.#run(this.#abort.signal);
  }

  /** Safe to call twice, and without start. */
  async stop(): Promise<void> {
    this.#abort.abort();
    await this.#loop;
  }

  /** The ids of engines that are held to have lost their network. */
  list(): readonly string[] {
    return [...this.#cutOff].flatMap(([id, { isTold }]) => (isTold ? [id] : []));
  }

  async #run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        await this.#look(signal);
      } catch (error) {
        if (signal.aborted) return;
        this.#deps.log.error(
          { err: error },
          'looking for engines without a network failed by a mistake of acemux',
        );
      }
      await sleep(this.#deps.clock, CUT_OFF_LOOK_MS, signal).catch(() => {}); // Only when stopped.
    }
  }

  async #look(signal: AbortSignal): Promise<void> {
    const nowMs = this.#deps.clock.nowMs();
    const seen = new Set<string>();
    for (const { name, state } of this.#deps.vpns.list()) {
      for (const engine of this.#deps.engines(name)) {
        const container = this.#deps.containerOf(engine.id);
        if (!container || !isCutOff(engine) || state !== 'ok') continue;
        seen.add(engine.id);
        await this.#found(name, engine.id, container, nowMs, signal);
      }
    }
    for (const [id, found] of this.#cutOff) {
      // How often it was restarted is remembered until that has helped for a while.
      const isRecent = found.restartedAtMs !== undefined && nowMs - found.restartedAtMs < pauseMs(found);
      if (!seen.has(id) && !isRecent) this.#cutOff.delete(id);
      else if (!seen.has(id)) this.#cutOff.set(id, { ...found, sinceMs: nowMs, isTold: false });
    }
  }

  async #found(
    vpn: string,
    id: string,
    container: EngineContainer,
    nowMs: number,
    signal: AbortSignal,
  ): Promise<void> {
    const found = this.#cutOff.get(id) ?? {
      sinceMs: nowMs,
      isTold: false,
      restarts: 0,
      restartedAtMs: undefined,
    };
    this.#cutOff.set(id, found);
    if (nowMs - found.sinceMs < CUT_OFF_AFTER_MS) return;
    const { containers, observer, log } = this.#deps;
    const isRestarted = container.restart && containers !== undefined;
    const command = `docker restart ${container.name}`;
    if (!found.isTold) {
      found.isTold = true;
      log.warn(
        { vpn, engine: id, command, isRestarted, reason: 'vpn_engine_cut_off' },
        'an engine has no network while its VPN is well, most likely because Gluetun was restarted: it needs a restart',
      );
      observer({ kind: 'engine_cut_off', vpn, engine: id, command, isRestarted });
    }
    const isPausing = found.restartedAtMs !== undefined && nowMs - found.restartedAtMs < pauseMs(found);
    if (!isRestarted || isPausing) return;
    found.restarts++;
    found.restartedAtMs = nowMs;
    await this.#restart(containers, id, container.name, signal);
  }

  async #restart(
    containers: ContainerInspector,
    engine: string,
    container: string,
    signal: AbortSignal,
  ): Promise<void> {
    try {
      await containers.restart(container, signal);
      this.#deps.log.info({ engine, container }, 'restarted an engine that had lost its network');
    } catch (error) {
      if (signal.aborted) return;
      if (!(error instanceof AcemuxError)) throw error;
      this.#deps.log.error(
        { engine, container, reason: error.code, detail: error.message },
        'could not restart an engine that has lost its network',
      );
    }
  }
}

function isCutOff({ isReachable, connected, isDelivering }: EngineNetwork): boolean {
  return !isDelivering && (isReachable === false || connected === false);
}

function pauseMs({ restarts }: CutOff): number {
  return Math.min(RESTART_PAUSE_MAX_MS, RESTART_PAUSE_MS * 2 ** Math.max(0, restarts - 1));
}
