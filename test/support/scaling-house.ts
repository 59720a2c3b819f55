import type { TestContext } from 'node:test';
import { SimulatedProvider } from '../../src/fleet/providers/simulated/simulated-provider.ts';
import { loadClip } from '../../src/simulator/clip.ts';
import { SimulatedEngine } from '../../src/simulator/engine.ts';
import { type Rig, type RigOptions, startRig, until } from './rig.ts';

const clip = loadClip();
const BITS_PER_SECOND = 1_000_000;

export interface ScalingOptions {
  readonly config: NonNullable<RigOptions['config']>;
  /** How many engines there are from the beginning; 1 if left out. */
  readonly count?: number;
  readonly max: number;
  /** From the decision to an engine that answers. */
  readonly startMs?: number;
}

/** acemux over a provider that makes simulated engines as the reconciler wants them. */
export async function startScaling(t: TestContext, options: ScalingOptions) {
  const { count = 1, max, startMs = 300, config } = options;
  const engines: SimulatedEngine[] = [];
  const running = new Set<SimulatedEngine>();
  const provider = new SimulatedProvider({
    count,
    bounds: { min: 0, max },
    build: () => {
      const engine = new SimulatedEngine({
        clip,
        bitsPerSecond: BITS_PER_SECOND,
        epochMs: Date.now() - 3_600_000,
        delays: { replyMs: 5, idleMs: 5, prebufMs: 10, unknownIdMs: 20, unknownInfohashMs: 20 },
      });
      const isFirst = engines.push(engine) <= count;
      return {
        start: async () => {
          if (!isFirst) await new Promise((resolve) => setTimeout(resolve, startMs));
          running.add(engine);
          return engine.start();
        },
        stop: async () => {
          running.delete(engine);
          await engine.stop();
        },
      };
    },
  });
  const rig: Rig = await startRig(t, {
    engines: [],
    providers: [provider],
    config: {
      ...config,
      fleet: { max, createIntervalMs: 50, ...config.fleet },
      streams: { idleTimeoutMs: 50, ...config.streams },
    },
  });
  await until(() => rig.app.fleet.readiness().healthy >= count);
  return {
    rig,
    /** All that were ever made. */
    engines,
    running,
    opened: () => engines.reduce((sum, { counters }) => sum + counters.sessionsOpened, 0),
    streamsOf: () => rig.app.fleet.snapshot().map(({ streams }) => streams),
  };
}

/** The 40 hex digits of a stream. */
export function streamId(number: number): string {
  return number.toString(16).padStart(40, 'd0');
}
