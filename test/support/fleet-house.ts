import type { TestContext } from 'node:test';
import { ManualClock } from '../../src/base/manual-clock.ts';
import { Fleet, type FleetLimits } from '../../src/fleet/fleet.ts';
import type { ObservedEngine } from '../../src/fleet/providers/provider.ts';
import type { ViewerInfo } from '../../src/session/attachment.ts';
import { SessionDirectory } from '../../src/session/directory.ts';
import { silentLog } from '../../src/telemetry/log.ts';
import { FakeEngine, playback, RecordingObserver } from './fake-engines.ts';
import { FakeEngineClient, FakeProvider } from './fake-fleet.ts';
import { limits as fleetLimits } from './fleet-rig.ts';
import { directoryLimits, keepPlaying, media } from './session-house.ts';

export const VIEWER: ViewerInfo = { address: '192.168.1.7', userAgent: 'VLC' };
const NOBODY_LEAVES = new AbortController().signal;

/** The 40 hex digits of a stream; each is its own infohash. */
export function streamName(number: number): string {
  return number.toString(16).padStart(40, '5');
}

/** Sessions over the real fleet, with engines in memory, under a clock of the test's own. */
export async function fleetHouse(
  t: TestContext,
  observed: readonly ObservedEngine[],
  limits: Partial<FleetLimits> = {},
) {
  const clock = new ManualClock();
  const engines = new Map<string, FakeEngine>();
  const fleet = new Fleet({
    providers: [new FakeProvider([...observed])],
    createClient: (address) => {
      const id = observed.find((each) => each.address === address)?.id ?? '';
      const engine = new FakeEngine(id, async ({ hash }) => playback({ infohash: hash }));
      engines.set(id, engine);
      const probed = new FakeEngineClient(address);
      return {
        ...engine.client,
        version: (signal) => probed.version(signal),
        networkConnected: () => probed.networkConnected(),
        untilAccepting: (signal) => probed.untilAccepting(signal),
        search: () => probed.search(),
        stopLeft: () => probed.stopLeft(),
        close: () => probed.close(),
      };
    },
    giveWay: (infohash) => sessions.giveWay(infohash),
    limits: { ...fleetLimits, maxStreamsPerEngine: 10, ...limits },
    clock,
    log: silentLog(),
  });
  const sessions: SessionDirectory = new SessionDirectory({
    engines: fleet,
    observer: new RecordingObserver(),
    limits: directoryLimits,
    clock,
    log: silentLog(),
  });
  t.after(async () => {
    await sessions.stop('shutdown');
    await fleet.stop();
  });
  await fleet.start();
  await clock.advance(0);
  /** Lets a viewer in and gives the stream something to begin with; tells the engine. */
  const watch = async (number: number, viewer: ViewerInfo = VIEWER) => {
    const hash = streamName(number);
    const before = new Map([...engines].map(([id, { media }]) => [id, media.length]));
    const joining = sessions.join({ kind: 'infohash', hash, parameters: {} }, viewer, NOBODY_LEAVES);
    // Engines that tell nothing about a name are asked for 1.5 s at most.
    await clock.advance(0);
    for (const [id, engine] of engines) {
      if (engine.media.length === before.get(id)) continue;
      engine.media.at(-1)?.push(media(0, 3));
      keepPlaying({ clock }, engine, 3);
    }
    const attachment = await joining;
    return { attachment, engineId: sessions.find(hash)?.engine?.id };
  };
  return { clock, engines, fleet, sessions, watch };
}
