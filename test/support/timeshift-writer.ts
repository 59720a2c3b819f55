/**
 * A process that keeps a stream's past until it is killed; what it prints is what had come by then: times, packets, and for how
 * long the disk had been at work by then, milliseconds.
 * Arguments: the folder, and the number of the first packet, or `channel` for pictures and sound.
 */
import { systemClock } from '../../src/base/clock.ts';
import { silentLog } from '../../src/telemetry/log.ts';
import { type AppendedFile, type Disk, realDisk } from '../../src/timeshift/disk.ts';
import { Timeshift } from '../../src/timeshift/timeshift.ts';
import { PassingChannel } from './passing-channel.ts';
import { PassingStream, SECOND_PACKETS } from './passing-stream.ts';

const [folder = '', first = '0'] = process.argv.slice(2);

/** Counts how long it is at work; from the beginning to the first file, that is opening what there is. */
class TimedDisk implements Disk {
  #sinceMs: number | undefined = performance.now();
  #busyMs = 0;
  #calls = 0;

  get busyMs(): number {
    return this.#busyMs + (this.#sinceMs === undefined ? 0 : performance.now() - this.#sinceMs);
  }

  async create(path: string): Promise<AppendedFile> {
    const file = await this.#time(() => realDisk.create(path));
    return {
      append: (bytes) => this.#time(() => file.append(bytes)),
      close: () => this.#time(() => file.close()),
    };
  }

  append(path: string, text: string): Promise<void> {
    return this.#time(() => realDisk.append(path, text));
  }

  async #time<T>(call: () => Promise<T>): Promise<T> {
    this.#calls++;
    this.#sinceMs ??= performance.now();
    try {
      return await call();
    } finally {
      if (--this.#calls === 0) {
        this.#busyMs = this.busyMs;
        this.#sinceMs = undefined;
      }
    }
  }
}

const disk = new TimedDisk();
const timeshift = new Timeshift({
  folder,
  windowMs: 3_600_000,
  streams: new Map(),
  bytesMax: 1024 * 1024 * 1024,
  pauseMaxMs: undefined,
  clock: systemClock,
  log: silentLog(),
  disk,
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
  process.stdout.write(`${Date.now()} ${played} ${Math.ceil(disk.busyMs)}\n`);
}, 10);
