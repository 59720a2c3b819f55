import type { TestContext } from 'node:test';
import { ManualClock } from '../../src/base/manual-clock.ts';
import { AcemuxError } from '../../src/base/reasons.ts';
import { Fleet, type FleetDeps, type FleetLimits } from '../../src/fleet/fleet.ts';
import { fleetEvents } from '../../src/fleet/fleet-events.ts';
import type { ObservedEngine } from '../../src/fleet/providers/provider.ts';
import type { AttemptOutcome, EngineSlot } from '../../src/session/ports.ts';
import type { EventSink } from '../../src/telemetry/events/event.ts';
import { silentLog } from '../../src/telemetry/log.ts';
import { FakeEngineClient, FakeProvider, observedEngine, placeFor } from './fake-fleet.ts';

export const NONE: ReadonlySet<string> = new Set();
export const never = new AbortController().signal;
export const limits: FleetLimits = {
  maxStreamsPerEngine: 2,
  forwardedPreferredStreams: 0,
  selectionTimeoutMs: 5_000,
  checkIntervalMs: 20_000,
  listIntervalMs: 20_000,
  startupTimeoutMs: 25_000,
  failureThreshold: 1,
};

export interface FleetRigOptions {
  readonly engines?: readonly ObservedEngine[];
  readonly limits?: Partial<FleetLimits>;
  readonly creates?: boolean;
  readonly giveWay?: NonNullable<FleetDeps['giveWay']>;
  readonly prepare?: (client: FakeEngineClient) => void;
  readonly events?: EventSink;
}

export function buildFleet(options: FleetRigOptions) {
  const clock = new ManualClock();
  const clients: FakeEngineClient[] = [];
  const provider = new FakeProvider([...(options.engines ?? [observedEngine(1)])], options.creates);
  const fleet = new Fleet({
    providers: [provider],
    createClient: (address) => {
      const client = new FakeEngineClient(address);
      options.prepare?.(client);
      clients.push(client);
      return client;
    },
    ...(options.giveWay ? { giveWay: options.giveWay } : {}),
    random: () => 0.5,
    limits: { ...limits, ...options.limits },
    ...(options.events && { witness: fleetEvents(options.events) }),
    clock,
    log: silentLog(),
  });
  let broadcasts = 0;
  const reserve = (exclude = NONE, signal = never): Promise<EngineSlot> =>
    fleet.reserve(placeFor(++broadcasts, { exclude }), signal);
  return { fleet, clock, clients, provider, reserve };
}

export async function fleetRig(t: TestContext, options: FleetRigOptions = {}) {
  const made = buildFleet(options);
  t.after(() => made.fleet.stop());
  await made.fleet.start();
  await made.clock.advance(0);
  return made;
}

/** Tells the fleet how an attempt on an engine went. */
export const reporter =
  (fleet: Fleet) =>
  (engineId: string, outcome: AttemptOutcome): void =>
    fleet.report({ engineId, stream: 'c', outcome });

export function unreachable(): Promise<never> {
  return Promise.reject(new AcemuxError('engine_unreachable'));
}

export function failProbes(client: FakeEngineClient): void {
  client.answer = unreachable;
}

export function holdProbes(client: FakeEngineClient): void {
  client.answer = undefined;
}

/** The names of what has settled, in the order in which it did. */
export function recordOrder(promises: Readonly<Record<string, Promise<EngineSlot>>>): string[] {
  const order: string[] = [];
  for (const [name, promise] of Object.entries(promises)) {
    promise.then(
      () => order.push(name),
      (error: unknown) => order.push(`${name}: ${error instanceof AcemuxError ? error.code : error}`),
    );
  }
  return order;
}
