/** The real server before 200 streams and 1,000 viewers that are only told of: bytes flow in numbers, and events happen. */
import path from 'node:path';
import { systemClock } from '../../src/base/clock.ts';
import { FakeFleetControl, madeEngine } from '../../src/http/testing/fleet.ts';
import { buildRig, playingSession } from '../../src/http/testing/rig.ts';
import { EventBus } from '../../src/telemetry/events/event-bus.ts';
import { silentLog } from '../../src/telemetry/log.ts';
import { streamId } from './panel-stage.ts';

export const STREAMS = 200;
export const VIEWERS = 1_000;
const ENGINES = 40;
const BYTES_PER_SECOND = 1_000_000;
const EVENTS_KEPT = { countMax: 10_000, bytesMax: 8 * 1024 * 1024 };

export interface Crowd {
  readonly url: string;
  stop(): Promise<void>;
}

/** @param eventsPerSecond viewers that come and go */
export async function startCrowd(eventsPerSecond: number): Promise<Crowd> {
  const events = new EventBus({ bounds: EVENTS_KEPT, clock: systemClock, log: silentLog() });
  const fleetControl = new FakeFleetControl();
  fleetControl.list = Array.from({ length: ENGINES }, (_, index) =>
    madeEngine({
      id: `engine-${index}`,
      name: `engine ${index}`,
      container: undefined,
      port: 7_000 + index,
      streams: 5,
    }),
  );
  const began = Date.now();
  const recordsNow = () => {
    const seconds = (Date.now() - began) / 1_000;
    return Array.from({ length: STREAMS }, (_, index) => ({
      session: playingSession({
        sessionId: `session-${index}`,
        streamId: streamId(index),
        infohash: undefined,
        engine: { id: `engine-${index % ENGINES}`, host: '10.0.0.1', port: 7_000 },
        clientCount: VIEWERS / STREAMS,
        format: {
          codecs: ['avc1.640028', 'mp4a.40.2'],
          resolution: { width: 1_920, height: 1_080 },
          bytesPerSecond: BYTES_PER_SECOND * (1 + Math.sin(seconds + index) / 10),
        },
        createdAtMs: began - index * 1_000,
        startedAtMs: began - index * 1_000,
        bytesIn: Math.round(seconds * BYTES_PER_SECOND),
        bytesOut: Math.round(seconds * BYTES_PER_SECOND * 5),
      }),
      samples: [],
    }));
  };
  const rig = buildRig({
    events,
    fleetControl,
    panelFolder: path.join(import.meta.dirname, '../../panel/dist'),
  });
  const refresh = setInterval(() => {
    rig.parts.streams = recordsNow();
  }, 500);
  rig.parts.streams = recordsNow();
  let turn = 0;
  const happening = setInterval(() => {
    turn++;
    const session = streamId(turn % STREAMS);
    if (turn % 2 === 0)
      events.emit('client.joined', { address: '10.1.2.3' }, { session, client: String(turn) });
    else events.emit('client.left', { reason: 'client_left' }, { session, client: String(turn) });
  }, 1_000 / eventsPerSecond);
  const { url } = await rig.server.listen();
  return {
    url,
    async stop() {
      clearInterval(refresh);
      clearInterval(happening);
      rig.server.endEventStreams();
      await rig.server.close();
    },
  };
}
