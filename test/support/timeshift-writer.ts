/**
 * A process that keeps a stream's past until it is killed; what it prints is what had come by then: times and packets.
 * Arguments: the folder, and the number of the first packet, or `channel` for pictures and sound.
 */
import { systemClock } from '../../src/base/clock.ts';
import { silentLog } from '../../src/telemetry/log.ts';
import { Timeshift } from '../../src/timeshift/timeshift.ts';
import { PassingChannel } from './passing-channel.ts';
import { PassingStream, SECOND_PACKETS } from './passing-stream.ts';

const [folder = '', first = '0'] = process.argv.slice(2);
const timeshift = new Timeshift({
  folder,
  windowMs: 3_600_000,
  streams: new Map(),
  bytesMax: 1024 * 1024 * 1024,
  pauseMaxMs: undefined,
  clock: systemClock,
  log: silentLog(),
});
timeshift.start();
const channel = first === 'channel' ? new PassingChannel() : undefined;
const numbered = new PassingStream(undefined, Number(first));
timeshift.begin(channel ?? numbered);
let played = channel ? 0 : Number(first);
setInterval(() => {
  // Ten times as much as there is time: more segments, more writes under way.
  const nowMs = systemClock.nowMs();
  if (channel) played = channel.play(0.1, nowMs);
  else {
    numbered.play(0.1, nowMs);
    played += 0.1 * SECOND_PACKETS;
  }
  process.stdout.write(`${Date.now()} ${played}\n`);
}, 10);
