import type { FastifyInstance } from 'fastify';
import type { Clock } from '../../base/clock.ts';
import { REASONS, type ReasonCode } from '../../base/reasons.ts';
import { type Static, Type } from '../../base/schema.ts';
import type { EngineSnapshot } from '../../fleet/engine-record.ts';
import type { FleetStatus } from '../../fleet/fleet-control.ts';
import type { BreakerVerdict } from '../../fleet/reconciler/breaker.ts';
import type { Block } from '../../fleet/reconciler/plan-types.ts';
import type { StoreHealth } from '../../store/store.ts';
import type { HttpDeps } from '../deps.ts';
import { timeOf } from '../times.ts';
import { vpnStatusWords } from '../vpn-words.ts';
import { orchestratorCodeOf } from './provision.ts';

type OrchestratorDeps = Pick<
  HttpDeps,
  'clock' | 'fleet' | 'fleetControl' | 'lifecycle' | 'limits' | 'store' | 'streams' | 'vpns'
>;

const BreakerSchema = Type.Object({
  state: Type.String({ description: 'closed, open or half_open.' }),
  failure_count: Type.Integer(),
  failure_threshold: Type.Integer(),
  last_failure_time: Type.OrNull(Type.String({ description: 'Not told: the log and the events have it.' })),
  last_success_time: Type.OrNull(Type.String({ description: 'Not told.' })),
  retry_at: Type.OrNull(Type.String({ description: 'When creating is tried again.' })),
  cause: Type.OrNull(Type.String({ description: 'What it is about: a reason code.' })),
  detail: Type.OrNull(Type.String({ description: 'What the last failure said.' })),
  recovery_timeout: Type.Number({ description: 'The longest pause, seconds.' }),
});

const OverloadSchema = Type.Object({
  overloaded: Type.Boolean({
    description: 'Whether new viewers are refused so that those who watch do not suffer.',
  }),
  causes: Type.Array(
    Type.String({ description: 'event_loop, open_files, buffer_memory or egress (docs/limits.md).' }),
  ),
});

const HealthStatusSchema = Type.Object({
  overload: OverloadSchema,
  total_engines: Type.Integer(),
  healthy_engines: Type.Integer(),
  unhealthy_engines: Type.Integer(),
  marked_for_replacement: Type.Integer(),
  minimum_required: Type.Integer(),
  health_check_interval: Type.Number({ description: 'Seconds.' }),
  circuit_breakers: Type.Object({ general: BreakerSchema, replacement: BreakerSchema }),
  store: Type.Object({
    status: Type.String({ description: 'ok or degraded: whether what is to outlive a restart is written.' }),
    place: Type.String({ description: 'file or memory.' }),
    reason: Type.OrNull(Type.String({ description: 'What is wrong: a reason code.' })),
    detail: Type.OrNull(Type.String()),
    since: Type.String({ format: 'date-time' }),
    waiting: Type.Integer({ description: 'Writes that wait.' }),
    lost: Type.Integer({ description: 'Writes that were lost since the start.' }),
  }),
});

const StatusSchema = Type.Object({
  status: Type.String({ description: 'healthy, degraded or unavailable.' }),
  engines: Type.Object({
    total: Type.Integer(),
    running: Type.Integer(),
    healthy: Type.Integer(),
    unhealthy: Type.Integer(),
    starting: Type.Integer(),
    draining: Type.Integer(),
  }),
  streams: Type.Object({ active: Type.Integer(), total: Type.Integer() }),
  capacity: Type.Object({
    total: Type.Integer({ description: 'Engines.' }),
    used: Type.Integer({ description: 'Engines with at least one stream.' }),
    available: Type.Integer(),
    max_replicas: Type.Integer(),
    min_replicas: Type.Integer(),
    free_places: Type.Integer({ description: 'Streams that could be started without another engine.' }),
  }),
  vpn: Type.Object({
    enabled: Type.Boolean(),
    connected: Type.Boolean(),
    health: Type.String(),
    container: Type.OrNull(Type.String()),
    forwarded_port: Type.OrNull(Type.Integer()),
  }),
  provisioning: Type.Object({
    can_provision: Type.Boolean(),
    circuit_breaker_state: Type.String(),
    last_failure: Type.OrNull(Type.String()),
    blocked_reason: Type.OrNull(Type.String()),
    blocked_reason_details: Type.OrNull(
      Type.Object({
        code: Type.String(),
        message: Type.String(),
        recovery_eta_seconds: Type.OrNull(Type.Number()),
        can_retry: Type.Boolean(),
        should_wait: Type.Boolean(),
        reason: Type.String({ description: 'acemux’s own word.' }),
        todo: Type.String({ description: 'What can be done about it.' }),
      }),
    ),
  }),
  can_start_stream: Type.Object({
    now: Type.Boolean({ description: 'Whether a new stream would find a place without waiting.' }),
    reason: Type.OrNull(Type.String({ description: 'Why not: a reason code.' })),
    detail: Type.OrNull(Type.String()),
    eta_seconds: Type.OrNull(Type.Number()),
  }),
  left_alone: Type.Array(
    Type.Object({
      container: Type.String(),
      container_id: Type.String(),
      provider: Type.String(),
      reason: Type.String({ description: 'A reason code.' }),
      detail: Type.String(),
      todo: Type.String({ description: 'What can be done about it.' }),
    }),
    {
      description: 'Containers that look like engines of this acemux and are none: neither used nor removed.',
    },
  ),
  overload: OverloadSchema,
  acexy: Type.Object({ enabled: Type.Boolean(), deprecated: Type.Boolean() }),
  config: Type.Object({
    auto_delete: Type.Boolean(),
    grace_period_s: Type.Number(),
    engine_variant: Type.OrNull(Type.String()),
    debug_mode: Type.Boolean(),
  }),
  timestamp: Type.String({ format: 'date-time' }),
});
type Status = Static<typeof StatusSchema>;

/** `/orchestrator/status` and `/health/status`: can it take a stream, and if not, why, and when; and the breaker's reset. */
export function registerOrchestrator(scope: FastifyInstance, deps: OrchestratorDeps): void {
  const { clock, fleetControl, store, streams, vpns } = deps;

  scope.get(
    '/orchestrator/status',
    {
      config: { area: 'overview' },
      schema: {
        tags: ['view'],
        summary: 'Whether it can take a stream now, and if not, why and when',
        response: { 200: StatusSchema },
      },
    },
    async (): Promise<Status> => {
      const engines = fleetControl.engines();
      const fleet = fleetControl.status();
      const { facts } = fleetControl;
      const count = (is: (engine: EngineSnapshot) => boolean): number => engines.filter(is).length;
      const used = count((engine) => engine.streams > 0);
      const nowMs = clock.wallMs();
      const vpn = vpnStatusWords(vpns.list(), nowMs);
      const records = streams.list();
      return {
        status: statusWord(fleet, vpn.enabled && !vpn.connected),
        engines: {
          total: engines.length,
          running: count((engine) => engine.state !== 'gone'),
          healthy: count((engine) => engine.health === 'healthy'),
          unhealthy: fleet.engines.unhealthy,
          starting: fleet.engines.starting + fleet.engines.creating,
          draining: fleet.engines.draining,
        },
        streams: {
          active: records.filter(({ session }) => session.isActive).length,
          total: records.length,
        },
        capacity: {
          total: engines.length,
          used,
          available: engines.length - used,
          max_replicas: fleet.max,
          min_replicas: fleet.min,
          free_places: fleet.freePlaces,
        },
        vpn: {
          enabled: vpn.enabled,
          connected: vpn.connected,
          health: vpn.enabled ? vpn.health : 'disabled',
          container: vpn.container,
          forwarded_port: vpn.forwarded_port,
        },
        provisioning: provisioningWords(fleet),
        can_start_stream: abilityWords(deps, fleet),
        left_alone: fleet.leftAlone.map(leftAloneWords),
        overload: overloadWords(deps),
        acexy: { enabled: false, deprecated: true },
        config: {
          auto_delete: facts.removesSurplus,
          grace_period_s: facts.idleGraceMs / 1000,
          engine_variant: facts.variant ?? null,
          debug_mode: false,
        },
        timestamp: timeOf(nowMs),
      };
    },
  );

  scope.get(
    '/health/status',
    {
      config: { area: 'overview' },
      schema: {
        tags: ['view'],
        summary: 'The health of the engines in numbers, and of the database',
        response: { 200: HealthStatusSchema },
      },
    },
    async (): Promise<Static<typeof HealthStatusSchema>> => {
      const engines = fleetControl.engines();
      const { min, replacing, breakers } = fleetControl.status();
      const { breakerPauseMaxMs, breakerThreshold, checkIntervalMs } = fleetControl.facts;
      const words = breakerWords(gravestOf(breakers), clock, {
        failure_threshold: breakerThreshold,
        recovery_timeout: breakerPauseMaxMs / 1000,
      });
      return {
        overload: overloadWords(deps),
        total_engines: engines.length,
        healthy_engines: engines.filter(({ health }) => health === 'healthy').length,
        unhealthy_engines: engines.filter(({ state }) => state === 'unhealthy').length,
        marked_for_replacement: replacing,
        minimum_required: min,
        health_check_interval: checkIntervalMs / 1000,
        // The orchestrator has two; acemux replaces engines by creating others, so one speaks for both.
        circuit_breakers: { general: words, replacement: words },
        store: storeWords(store.health),
      };
    },
  );

  scope.post<{ Querystring: { operation_type?: string } }>(
    '/health/circuit-breaker/reset',
    {
      config: { area: 'operate' },
      schema: {
        tags: ['admin'],
        summary: 'Ends the pause after engines that failed to start',
        querystring: Type.Object({
          operation_type: Type.Optional(
            Type.Union([Type.Literal('general'), Type.Literal('replacement')], {
              description: 'The orchestrator’s; both are one here.',
            }),
          ),
        }),
        response: { 200: Type.Object({ message: Type.String() }) },
      },
    },
    async () => {
      fleetControl.resetBreakers();
      return { message: 'Circuit breaker reset' };
    },
  );
}

function storeWords(health: StoreHealth): Static<typeof HealthStatusSchema>['store'] {
  const { problem, place, detail, sinceMs, waiting, lost } = health;
  return {
    status: problem === undefined ? 'ok' : 'degraded',
    place,
    reason: problem ?? null,
    detail: detail ?? null,
    since: timeOf(sinceMs),
    waiting,
    lost,
  };
}

function statusWord({ block, engines }: FleetStatus, isVpnDown: boolean): string {
  if (engines.usable === 0) return 'unavailable';
  const isHampered = block !== undefined && !NO_HARM.has(block.code);
  return isVpnDown || isHampered ? 'degraded' : 'healthy';
}

/** That there can't be more engines is nothing wrong. */
const NO_HARM: ReadonlySet<ReasonCode> = new Set(['max_replicas', 'provider_fixed']);

function provisioningWords({ block, breakers, creates }: FleetStatus): Status['provisioning'] {
  const breaker = gravestOf(breakers);
  return {
    can_provision: creates && block === undefined,
    circuit_breaker_state: stateWord(breaker),
    last_failure: 'detail' in breaker ? breaker.detail : null,
    blocked_reason: block?.message ?? null,
    blocked_reason_details: block ? blockWords(block, breaker) : null,
  };
}

function blockWords(
  block: Block,
  breaker: BreakerVerdict,
): NonNullable<Status['provisioning']['blocked_reason_details']> {
  const { code, message } = block;
  const eta = etaSecondsOf(block);
  const isBreaker = code === 'engine_creation_paused';
  return {
    code: orchestratorCodeOf(code),
    message,
    recovery_eta_seconds: eta ?? null,
    can_retry: isBreaker ? breaker.kind === 'half-open' : eta !== undefined,
    should_wait: eta !== undefined,
    reason: code,
    todo: REASONS[code].todo,
  };
}

function leftAloneWords({
  id,
  name,
  detail,
  pool,
}: FleetStatus['leftAlone'][number]): Status['left_alone'][number] {
  const reason = 'docker_not_ours';
  const { todo } = REASONS[reason];
  return { container: name, container_id: id, provider: pool, reason, detail, todo };
}

function etaSecondsOf({ code, etaMs }: Pick<Block, 'code'> & Partial<Block>): number | undefined {
  const reason: { readonly retryAfterSeconds?: number } = REASONS[code];
  return etaMs === undefined ? reason.retryAfterSeconds : Math.ceil(etaMs / 1000);
}

/** What a request for a new stream would meet. */
function abilityWords(
  { fleet, lifecycle, limits }: OrchestratorDeps,
  { block, creates, freePlaces, isComing }: FleetStatus,
): Status['can_start_stream'] {
  const no = (reason: ReasonCode, detail?: string, etaMs?: number): Status['can_start_stream'] => ({
    now: false,
    reason,
    detail: detail ?? REASONS[reason].what,
    eta_seconds: etaSecondsOf({ code: reason, etaMs }) ?? null,
  });
  if (lifecycle.phase !== 'ready') return no(lifecycle.phase);
  if (limits.overloadCauses.length > 0) return no('overloaded');
  if (freePlaces > 0) return { now: true, reason: null, detail: null, eta_seconds: null };
  const { configured, healthy } = fleet.readiness();
  if (!configured) return no('no_engines_configured');
  const why: ReasonCode = healthy > 0 ? 'no_capacity' : 'no_engine_available';
  if (isComing) return no(why, 'An engine is starting: a stream waits for it.');
  return creates && block ? no(block.code, block.message, block.etaMs) : no(why);
}

function overloadWords({ limits }: OrchestratorDeps): Static<typeof OverloadSchema> {
  const { overloadCauses: causes } = limits;
  return { overloaded: causes.length > 0, causes: [...causes] };
}

/** The gravest of the pools' breakers: the orchestrator knows one. */
function gravestOf(breakers: ReadonlyMap<string, BreakerVerdict>): BreakerVerdict {
  const order: readonly BreakerVerdict['kind'][] = ['closed', 'half-open', 'backoff', 'dependency', 'open'];
  const [gravest] = [...breakers.values()].toSorted(
    (one, other) => order.indexOf(other.kind) - order.indexOf(one.kind),
  );
  return gravest ?? { kind: 'closed' };
}

function stateWord({ kind }: BreakerVerdict): string {
  if (kind === 'half-open') return 'half_open';
  return kind === 'open' || kind === 'dependency' ? 'open' : 'closed';
}

function breakerWords(
  breaker: BreakerVerdict,
  clock: Pick<Clock, 'nowMs' | 'wallMs'>,
  rules: Pick<Static<typeof BreakerSchema>, 'failure_threshold' | 'recovery_timeout'>,
): Static<typeof BreakerSchema> {
  return {
    state: stateWord(breaker),
    failure_count: 'failures' in breaker ? breaker.failures : 0,
    ...rules,
    last_failure_time: null,
    last_success_time: null,
    retry_at: 'untilMs' in breaker ? timeOf(clock.wallMs() + breaker.untilMs - clock.nowMs()) : null,
    cause: 'cause' in breaker ? breaker.cause : null,
    detail: 'detail' in breaker ? breaker.detail : null,
  };
}
