/** HLS over a store on disk, in the way that acemux has it: one stream, its sessions, and lives of acemux, under the test's clock. */
import assert from 'node:assert/strict';
import { cp } from 'node:fs/promises';
import type { TestContext } from 'node:test';
import { ManualClock } from '../../src/base/manual-clock.ts';
import type { ReasonCode } from '../../src/base/reasons.ts';
import { HlsOutput } from '../../src/output/hls/hls-output.ts';
import type { Playlist } from '../../src/output/hls/playlist.ts';
import type { ViewerInfo } from '../../src/session/attachment.ts';
import type { StreamSelector } from '../../src/session/types.ts';
import type { ViewerWish } from '../../src/session/viewer-wish.ts';
import { silentLog } from '../../src/telemetry/log.ts';
import type { Disk } from '../../src/timeshift/disk.ts';
import { Timeshift } from '../../src/timeshift/timeshift.ts';
import { HlsStage, type StagedAttachment } from './hls-stage.ts';
import { temporaryFolder } from './passing-stream.ts';
import { ResponseServer } from './response-server.ts';
import { SlowDisk } from './slow-disk.ts';

export const STREAM: StreamSelector = { kind: 'id', hash: 'a'.repeat(40), parameters: {} };
export const INFOHASH = 'b'.repeat(40);
const INFO: ViewerInfo = { address: '10.0.0.9', userAgent: 'hls.js' };
const NOBODY_LEAVES = new AbortController().signal;
const PIECE_MS = 200;

/** Counts what is being written now. */
class CountedDisk implements Disk {
  readonly slow = new SlowDisk();
  busy = 0;

  async create(path: string) {
    const file = await this.#counted(this.slow.create(path));
    return {
      append: (bytes: Uint8Array | string) => this.#counted(file.append(bytes)),
      close: () => this.#counted(file.close()),
    };
  }

  append(path: string, text: string): Promise<void> {
    return this.#counted(this.slow.append(path, text));
  }

  async #counted<T>(work: Promise<T>): Promise<T> {
    this.busy++;
    try {
      return await work;
    } finally {
      this.busy--;
    }
  }
}

export interface HouseOptions {
  readonly windowMs: number;
  readonly bytesMax?: number;
  /** How much the ring has. */
  readonly ringMs?: number;
  readonly segmentSeconds?: number;
}

export class RewindHouse {
  readonly clock = new ManualClock();
  readonly warnings: ReasonCode[] = [];
  readonly #t: TestContext;
  readonly #options: HouseOptions;
  #folder: string;
  #disk = new CountedDisk();
  #server: ResponseServer;
  timeshift!: Timeshift;
  output!: HlsOutput;
  stage!: HlsStage;
  sessions = 0;
  /** Since when a segment is being kept, on the clock. */
  #keepingSinceMs: number | undefined;
  #isHeld = false;
  #isOpen = true;

  private constructor(t: TestContext, options: HouseOptions, folder: string, server: ResponseServer) {
    this.#t = t;
    this.#options = options;
    this.#folder = folder;
    this.#server = server;
  }

  static async start(t: TestContext, options: HouseOptions): Promise<RewindHouse> {
    const folder = await temporaryFolder(t);
    const house = new RewindHouse(t, options, folder, await ResponseServer.start(t));
    await house.#begin();
    t.after(async () => {
      await house.stop();
      assert.equal(house.clock.pendingTimers, 0);
    });
    return house;
  }

  /** The disk of this life. */
  get disk(): SlowDisk {
    return this.#disk.slow;
  }

  get folder(): string {
    return `${this.#folder}/${INFOHASH}`;
  }

  async #begin(): Promise<void> {
    const { bytesMax = 1024 ** 3, segmentSeconds = 4, windowMs } = this.#options;
    this.#disk = new CountedDisk();
    this.timeshift = new Timeshift({
      folder: this.#folder,
      windowMs,
      streams: new Map(),
      bytesMax,
      pauseMaxMs: undefined,
      clock: this.clock,
      log: silentLog(),
      disk: this.#disk,
    });
    this.output = new HlsOutput({
      sessions: { join: async (_selector, viewer) => this.#join(viewer) },
      archive: this.timeshift,
      secret: 'secret',
      segmentSeconds,
      clientTimeoutMs: 3_600_000,
      startTimeoutMs: 60_000,
      clock: this.clock,
      log: silentLog(),
    });
    this.timeshift.start();
    await this.beginSession();
    this.#isOpen = true;
  }

  #join(viewer: ViewerInfo): StagedAttachment {
    this.sessions++;
    return this.stage.attach(viewer);
  }

  /** Another session of the stream. */
  async beginSession(): Promise<void> {
    const stage = new HlsStage({ mediaMsMax: this.#options.ringMs ?? 20_000 }, undefined, this.clock);
    this.stage = stage;
    const past = this.timeshift.begin({
      ring: stage.ring,
      watched: stage,
      infohash: INFOHASH,
      parameters: {},
      names: [STREAM.hash, INFOHASH],
      listen: (listener) => stage.listen(listener),
      warn: (reason) => void this.warnings.push(reason),
    });
    if (!past) return;
    const { segments } = past;
    const keep = segments.keep.bind(segments);
    segments.keep = async (...given) => {
      this.#keepingSinceMs = this.clock.nowMs();
      const isKept = await keep(...given);
      this.#keepingSinceMs = undefined;
      return isKept;
    };
    this.output.keep(stage, past);
    // Under this clock no time passes while the disk is read.
    await segments.opened;
    await this.quiet();
  }

  endSession(): void {
    this.stage.end('idle');
  }

  /** acemux ends as it should. */
  async stop(): Promise<void> {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.endSession();
    this.output.stop();
    await this.timeshift.stop();
  }

  async restart(): Promise<void> {
    await this.stop();
    await this.#begin();
  }

  /** acemux dies as by kill -9: what is on disk now is all there is. */
  async die(): Promise<void> {
    const folder = await temporaryFolder(this.#t);
    await cp(this.#folder, folder, { recursive: true });
    await this.stop();
    this.#folder = folder;
    await this.#begin();
  }

  /** Resolves when nothing is being written. */
  async quiet(): Promise<void> {
    for (let turns = 0; turns < 4; turns++) {
      await new Promise((resolve) => setImmediate(resolve));
      if (this.#disk.busy > 0) turns = 0;
    }
  }

  /** So much media comes, as fast as it is played. */
  async play(bytes: Buffer, seconds: number): Promise<void> {
    const pieces = Math.max(1, Math.round((seconds * 1000) / PIECE_MS));
    const packets = bytes.length / 188;
    for (let piece = 0; piece < pieces; piece++) {
      const from = Math.floor((packets * piece) / pieces) * 188;
      const to = Math.floor((packets * (piece + 1)) / pieces) * 188;
      this.stage.bring(bytes.subarray(from, to));
      await this.clock.advance(PIECE_MS);
      if (!this.#isHeld) await this.quiet();
      while (!this.#isHeld && this.#isLate) {
        await new Promise((resolve) => setTimeout(resolve, 20));
        // Media is written by time, too.
        if (this.#isLate) await this.clock.advance(PIECE_MS / 20);
      }
    }
  }

  /** However busy the machine is: the disk has not used up the time that it is given. */
  get #isLate(): boolean {
    return this.#keepingSinceMs !== undefined && this.clock.nowMs() - this.#keepingSinceMs > 2_000;
  }

  /** The disk answers nothing, or again. */
  hold(isHeld: boolean): void {
    this.#isHeld = isHeld;
    if (isHeld) this.disk.hold();
    else this.disk.release();
  }

  /** A manifest, and where its viewer's playlist is. */
  async manifest(
    wish?: ViewerWish,
    selector = STREAM,
  ): Promise<{ playlist: Playlist; name: string; query: string }> {
    const visitor = { ...INFO, ...(wish && { wish }) };
    const playlist = await this.output.multivariantPlaylist(selector, visitor, 'v', NOBODY_LEAVES);
    const [, name = '', query = ''] = /^v\/(.+)\/index\.m3u8\?(.*)$/m.exec(playlist.text) ?? [];
    return { playlist, name, query };
  }

  async playlist(name: string, wish?: ViewerWish, selector = STREAM): Promise<Playlist> {
    return this.output.mediaPlaylist(name, selector, { ...INFO, ...(wish && { wish }) }, 's', NOBODY_LEAVES);
  }

  /** A segment, by its address in a playlist, over HTTP. */
  async fetch(uri: string): Promise<Buffer> {
    const [, streamName = '', number = ''] = /^s\/(\w+)\/(\d+)\.ts$/.exec(uri) ?? [];
    const { client, response } = await this.#server.open();
    this.output.sendSegment(response, streamName, Number(number));
    const bytes = await client.received(this.output.segmentSize(streamName, Number(number)));
    client.leave();
    return bytes;
  }
}
