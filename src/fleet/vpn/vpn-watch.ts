import assert from 'node:assert/strict';
import { type Clock, sleep } from '../../base/clock.ts';
import { REASONS, type ReasonCode } from '../../base/reasons.ts';
import type { Log } from '../../telemetry/log.ts';
import type { ContainerInspector, InspectedContainer } from '../providers/container-inspector.ts';
import { judgePort, newPortRecord, type PortRecord } from './forwarded-port.ts';
import type { GluetunControl } from './gluetun-client.ts';
import type { PublicAddress } from './gluetun-replies.ts';
import { judgeVpn, newVpnRecord, recoveryEtaMs, setDraining, type VpnRecord } from './judge-vpn.ts';
import type { EnginesBehind, PortRange, TunnelStatus, VpnObserver, VpnSnapshot } from './vpn.ts';
import { VpnHistory } from './vpn-history.ts';
import { probeVpn, type VpnAnswers } from './vpn-probe.ts';
import { VpnUpkeep } from './vpn-upkeep.ts';
import { countEngines, isContainerGone } from './weigh-evidence.ts';

/** One VPN as the operator has configured it. */
export interface VpnSpec {
  readonly name: string;
  /** Where its engines are reached. */
  readonly host: string;
  /** Under which name Docker knows its container; undefined: Docker is not asked. */
  readonly containerName: string | undefined;
  readonly portRange: PortRange | undefined;
  /** A port that its provider has forwarded once and for all; undefined: its control server tells. */
  readonly forwardedPort: number | undefined;
  readonly control: GluetunControl;
}

export interface VpnLimits {
  /** GLUETUN_HEALTH_CHECK_INTERVAL_S, from the end of one look to the next, milliseconds. */
  readonly checkIntervalMs: number;
  /** GLUETUN_PORT_CACHE_TTL_S: how long a port is believed without asking again, milliseconds. */
  readonly portIntervalMs: number;
  /** VPN_UNHEALTHY_RESTART_TIMEOUT_S with VPN_MANAGE, milliseconds; undefined: acemux never restarts a VPN. */
  readonly restartAfterMs: number | undefined;
}

export interface VpnWatchDeps {
  readonly spec: VpnSpec;
  /** Undefined: there is no access to Docker; the control server alone is asked. */
  readonly containers: ContainerInspector | undefined;
  readonly engines: EnginesBehind;
  readonly limits: VpnLimits;
  readonly observer: VpnObserver;
  /** Its snapshot has changed in something that a decision may depend on. */
  readonly onChange: () => void;
  /** From 0 to 1; Math.random where left out. */
  readonly random?: () => number;
  /** How many times faster than by the clock the time of the judgements passes; 1 where left out. */
  readonly pace?: number;
  readonly clock: Clock;
  readonly log: Log;
}

/** A public address is believed for so long without asking again, milliseconds. */
const ADDRESS_INTERVAL_MS = 60_000;
/** VPNs that come back together are used again up to so much apart, milliseconds. */
const RECOVERY_JITTER_MS = 10_000;
/** Looks are so much apart more or less, as a part of the interval: VPNs are not asked in step. */
const LOOK_JITTER = 0.1;

/** Looks at one VPN on an interval, and tells how it is. The judgement is that of judge-vpn.ts. */
export class VpnWatch {
  readonly #deps: VpnWatchDeps;
  readonly #abort = new AbortController();
  readonly #history = new VpnHistory();
  readonly #upkeep: VpnUpkeep | undefined;
  readonly #jitterMs: number;
  #record: VpnRecord;
  #port: PortRecord;
  #sinceWallMs: number;
  #portSinceWallMs: number | undefined;
  #checkedAtWallMs: number | undefined;
  /** As Docker told of it last, also while it is missing: to know another one by. */
  #container: InspectedContainer | undefined;
  #isMissing = false;
  #tunnel: TunnelStatus | undefined;
  #address: PublicAddress | undefined;
  #version: string | undefined;
  /** The last address that it had, to know a new one by. */
  #lastIp: string | undefined;
  #addressAskedAtMs = Number.NEGATIVE_INFINITY;
  #portAskedAtMs = Number.NEGATIVE_INFINITY;
  /** What engines said before this is of another network namespace. */
  #restartedAtMs = Number.NEGATIVE_INFINITY;
  #problem: { readonly code: ReasonCode; readonly message: string } | undefined;
  #containerProblem: string | undefined;
  #loop: Promise<void> | undefined;

  constructor(deps: VpnWatchDeps) {
    this.#deps = deps;
    const { clock, spec, containers, limits, observer, log } = deps;
    this.#record = newVpnRecord(this.#judgedMs(clock.nowMs()));
    this.#port = newPortRecord(this.#judgedMs(clock.nowMs()));
    this.#sinceWallMs = clock.wallMs();
    this.#jitterMs = this.#random() * RECOVERY_JITTER_MS;
    this.#upkeep =
      limits.restartAfterMs === undefined
        ? undefined
        : new VpnUpkeep({
            name: spec.name,
            containerName: spec.containerName,
            control: spec.control,
            containers,
            restartAfterMs: limits.restartAfterMs,
            observer,
            log,
          });
  }

  get name(): string {
    return this.#deps.spec.name;
  }

  start(): void {
    assert(!this.#loop, 'VpnWatch.start() is called once');
    this.#loop = this.#run(this.#abort.signal);
  }

  /** Safe to call twice, and without start. */
  async stop(): Promise<void> {
    this.#abort.abort();
    await this.#loop;
  }

  snapshot(): VpnSnapshot {
    const { spec } = this.#deps;
    const container = this.#isMissing ? undefined : this.#container;
    return {
      name: spec.name,
      state: this.#record.state,
      reason: this.#record.reason,
      detail: this.#detail(),
      sinceMs: this.#sinceWallMs,
      checkedAtMs: this.#checkedAtWallMs,
      host: spec.host,
      portRange: spec.portRange,
      containerId: container?.id,
      startedAtMs: container?.startedAtMs,
      containerState: this.#isMissing ? 'missing' : container?.state,
      containerHealth: container?.health,
      tunnel: this.#tunnel,
      forwardedPort: this.#port.port,
      forwardedPortSinceMs: this.#port.port === undefined ? undefined : this.#portSinceWallMs,
      publicIp: this.#address?.ip,
      country: this.#address?.country,
      region: this.#address?.region,
      city: this.#address?.city,
      organization: this.#address?.organization,
      version: this.#version,
      history: this.#history.list(),
    };
  }

  /** How long, at least, until it may be `ok`; 0 where it is. */
  get etaMs(): number {
    const { clock, pace = 1 } = this.#deps;
    return recoveryEtaMs(this.#record, this.#judgedMs(clock.nowMs()), this.#jitterMs) / pace;
  }

  /** Takes it out of use, or puts it back. */
  setDraining(isDraining: boolean): void {
    const next = setDraining(this.#record, isDraining, this.#judgedMs(this.#deps.clock.nowMs()));
    if (this.#changeTo(next)) this.#note();
  }

  #judgedMs(nowMs: number): number {
    return nowMs * (this.#deps.pace ?? 1);
  }

  async #run(signal: AbortSignal): Promise<void> {
    const { checkIntervalMs } = this.#deps.limits;
    while (!signal.aborted) {
      try {
        await this.#look(signal);
      } catch (error) {
        if (signal.aborted) return;
        this.#deps.log.error({ err: error, vpn: this.name }, 'a look at a VPN failed by a mistake of acemux');
      }
      const pauseMs = checkIntervalMs * (1 + LOOK_JITTER * (2 * this.#random() - 1));
      await sleep(this.#deps.clock, pauseMs, signal).catch(() => {}); // Only when stopped.
    }
  }

  async #look(signal: AbortSignal): Promise<void> {
    const { clock, spec, containers, engines } = this.#deps;
    const askedAtMs = clock.nowMs();
    const isUnsure = this.#record.state !== 'ok';
    const questions = {
      address: isUnsure || !this.#address?.ip || askedAtMs - this.#addressAskedAtMs >= ADDRESS_INTERVAL_MS,
      port:
        spec.forwardedPort === undefined &&
        (isUnsure ||
          this.#port.port === undefined ||
          this.#port.other !== undefined ||
          askedAtMs - this.#portAskedAtMs >= this.#deps.limits.portIntervalMs),
      version: this.#version === undefined,
    };
    const { control, containerName } = spec;
    const answers = await probeVpn({ control, containers, containerName }, questions, signal);
    const nowMs = clock.nowMs();
    const checkedAtWallMs = clock.wallMs();
    let isChanged = this.#takeContainer(answers, nowMs);
    this.#takeProblems(answers);
    this.#tunnel = answers.tunnel;
    this.#version = answers.version ?? this.#version;
    if (this.#takeAddress(answers, nowMs)) isChanged = true;
    if (this.#takePort(answers, nowMs)) isChanged = true;
    const evidence = {
      container: answers.container,
      control: answers.control,
      controlProblem: answers.controlProblem?.code,
      tunnel: answers.tunnel,
      publicIp: this.#address?.ip,
      engines: countEngines(engines(spec.name), nowMs, this.#restartedAtMs),
    };
    if (this.#changeTo(judgeVpn(this.#record, evidence, this.#judgedMs(nowMs), this.#jitterMs)))
      isChanged = true;
    if (isChanged) this.#note();
    await this.#upkeep?.look(
      {
        state: this.#record.state,
        sinceMs: this.#record.sinceMs / (this.#deps.pace ?? 1),
        isControlled: answers.control === 'answers',
        isGone: isContainerGone(answers.container),
      },
      nowMs,
      signal,
    );
    this.#checkedAtWallMs = checkedAtWallMs;
  }

  /** While Docker does not answer, what it said last is shown, and counts neither for nor against the VPN. */
  #takeContainer({ container, containerProblem }: VpnAnswers, nowMs: number): boolean {
    if (containerProblem !== undefined && this.#containerProblem === undefined) {
      this.#deps.log.warn({ vpn: this.name, detail: containerProblem }, 'Docker does not tell of a VPN');
    }
    this.#containerProblem = containerProblem;
    if (container === undefined) return false;
    const wasMissing = this.#isMissing;
    this.#isMissing = container === 'missing';
    if (container === 'missing') return !wasMissing;
    const before = this.#container;
    this.#container = container;
    if (!before || !isRestart(before, container)) return wasMissing || before === undefined;
    this.#restartedAtMs = nowMs;
    this.#forget();
    const isNewContainer = before.id !== container.id;
    this.#deps.log.warn(
      { vpn: this.name, container: container.id, isNewContainer },
      'the container of a VPN was restarted: engines behind it from before have no network',
    );
    this.#deps.observer({ kind: 'restarted', vpn: this.name, containerId: container.id, isNewContainer });
    return true;
  }

  /** What a new tunnel may have changed is asked again at once. */
  #forget(): void {
    this.#address = undefined;
    this.#version = undefined;
    this.#portAskedAtMs = Number.NEGATIVE_INFINITY;
  }

  /** One line and one event when it begins and when it ends, however long it lasts: the state may stay as it is. */
  #takeProblems({ controlProblem }: VpnAnswers): void {
    const { log, observer } = this.#deps;
    if (controlProblem?.code !== this.#problem?.code) {
      if (controlProblem) {
        const { code, message } = controlProblem;
        const problem = { vpn: this.name, reason: code, detail: message, todo: REASONS[code].todo };
        log.warn(problem, 'control server of a VPN');
        observer({ kind: 'control_problem', ...problem });
      } else {
        log.info({ vpn: this.name }, 'the control server of a VPN answers');
        observer({ kind: 'control_answers', vpn: this.name });
      }
    }
    this.#problem = controlProblem && { code: controlProblem.code, message: controlProblem.message };
  }

  #takeAddress({ tunnel, address }: VpnAnswers, nowMs: number): boolean {
    const before = this.#address?.ip;
    // Another tunnel may have another address.
    if (tunnel !== undefined && tunnel !== 'running') this.#address = undefined;
    else if (address) {
      this.#addressAskedAtMs = nowMs;
      this.#address = address;
    }
    const ip = this.#address?.ip;
    if (ip !== undefined && ip !== this.#lastIp) {
      const { country } = this.#address ?? {};
      this.#deps.observer({ kind: 'address', vpn: this.name, from: this.#lastIp, to: ip, country });
      this.#deps.log.info({ vpn: this.name, from: this.#lastIp, to: ip, country }, 'public address of a VPN');
      this.#lastIp = ip;
    }
    return ip !== before;
  }

  #takePort(answers: VpnAnswers, nowMs: number): boolean {
    const told = this.#deps.spec.forwardedPort ?? answers.port;
    if (told === undefined) return false;
    this.#portAskedAtMs = nowMs;
    const before = this.#port.port;
    this.#port = judgePort(this.#port, told === 'none' ? undefined : told, this.#judgedMs(nowMs));
    const { port } = this.#port;
    if (port === before) return false;
    this.#portSinceWallMs = this.#deps.clock.wallMs();
    this.#deps.log.info({ vpn: this.name, from: before, to: port }, 'forwarded port of a VPN');
    this.#deps.observer({ kind: 'port', vpn: this.name, from: before, to: port });
    return true;
  }

  #changeTo(next: VpnRecord): boolean {
    const before = this.#record;
    this.#record = next;
    if (next.state === before.state) return next.reason !== before.reason;
    this.#sinceWallMs = this.#deps.clock.wallMs();
    const detail = this.#detail();
    const change = { vpn: this.name, from: before.state, to: next.state, reason: next.reason, detail };
    const isBad = next.state === 'down' || next.state === 'suspect';
    this.#deps.log[isBad ? 'warn' : 'info'](change, 'state of a VPN');
    this.#deps.observer({ kind: 'state', ...change });
    return true;
  }

  #note(): void {
    const { state, reason, publicIp, country, region, forwardedPort } = this.snapshot();
    const atMs = this.#deps.clock.wallMs();
    this.#history.add({ atMs, state, reason, publicIp, country, region, forwardedPort });
    this.#deps.onChange();
  }

  #detail(): string | undefined {
    const { reason } = this.#record;
    if (reason === undefined) return undefined;
    const { what, todo } = REASONS[reason];
    const found = this.#problem?.code === reason ? this.#problem.message : what;
    return `${found} ${todo}`;
  }

  #random(): number {
    return (this.#deps.random ?? Math.random)();
  }
}

/** Whether the network namespace is another one: a new container, or the same one started again. */
function isRestart(before: InspectedContainer, now: InspectedContainer): boolean {
  if (before.id !== now.id) return true;
  return (
    before.startedAtMs !== undefined && now.startedAtMs !== undefined && now.startedAtMs > before.startedAtMs
  );
}
