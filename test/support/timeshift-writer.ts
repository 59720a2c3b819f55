/** A process that keeps a stream's past until it is killed; what it prints is what had come by then. */
import { systemClock } from '../../src/base/clock.ts';
import { silentLog } from '../../src/telemetry/log.ts';
import { Timeshift } from '../../src/timeshift/timeshift.ts';
import { PassingStream } from './passing-stream.ts';

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
const stream = new PassingStream(undefined, Number(first));
timeshift.begin(stream);
let played = 0;
setInterval(() => {
  // Ten times as much as there is time: more segments, more writes under way.
  stream.play(0.1, systemClock.nowMs());
  played += 100;
  process.stdout.write(`${Date.now()} ${Number(first) + played}\n`);
}, 10);
