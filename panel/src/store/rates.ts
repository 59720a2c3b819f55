import { signal } from '@preact/signals';
import type { Replies } from '../api/replies.ts';

type Overview = Replies['GET /overview'];

/** Half an hour at one point every two seconds. */
const POINTS_MAX = 900;
/** Of one stream: two minutes. */
const STREAM_POINTS_MAX = 60;

export interface Point {
  readonly ms: number;
  readonly viewers: number;
  readonly streams: number;
  /** Bytes per second. */
  readonly egress: number;
  readonly ingress: number;
  readonly enginesInUse: number;
}

export interface StreamRate {
  /** Bytes per second. */
  readonly in: number;
  readonly out: number;
  /** The latest bitrates of its media, oldest first, as far as they are known. */
  readonly history: readonly number[];
}

/** What follows from two overviews: how fast bytes come and go, of all and of each stream. Bounded. */
export class Rates {
  readonly points = signal<readonly Point[]>([]);
  readonly streams = signal<ReadonlyMap<string, StreamRate>>(new Map());
  #last: { readonly ms: number; readonly bytes: ReadonlyMap<string, readonly [number, number]> } | undefined;

  add(ms: number, { streams, engines }: Overview): void {
    const bytes = new Map(streams.map(({ id, bytes_in, bytes_out }) => [id, [bytes_in, bytes_out] as const]));
    const last = this.#last;
    const seconds = last ? (ms - last.ms) / 1000 : 0;
    // Two that are told at once, or a clock that was set back, say nothing about a rate.
    if (last && seconds < 0.5 && seconds >= 0) return;
    this.#last = { ms, bytes };
    const isUsable = last !== undefined && seconds > 0 && seconds < 60;
    const next = new Map<string, StreamRate>();
    let [egress, ingress] = [0, 0];
    for (const stream of streams) {
      const before = isUsable ? last.bytes.get(stream.id) : undefined;
      if (!before || stream.state === 'ended') continue;
      const rate = {
        in: Math.max(0, stream.bytes_in - before[0]) / seconds,
        out: Math.max(0, stream.bytes_out - before[1]) / seconds,
      };
      egress += rate.out;
      ingress += rate.in;
      const history = this.streams.value.get(stream.id)?.history ?? [];
      const bitrate = stream.media_bytes_per_second;
      const longer = bitrate === null ? history : [...history, bitrate];
      next.set(stream.id, { ...rate, history: longer.slice(-STREAM_POINTS_MAX) });
    }
    this.streams.value = next;
    const playing = streams.filter(({ state }) => state !== 'ended');
    // After a restart, or without a rate, there is no honest point for what flows.
    if (!isUsable) return;
    const point = {
      ms,
      viewers: playing.reduce((sum, { client_count }) => sum + client_count, 0),
      streams: playing.length,
      egress,
      ingress,
      enginesInUse: engines.filter(({ stream_count }) => stream_count > 0).length,
    };
    this.points.value = [...this.points.value, point].slice(-POINTS_MAX);
  }
}
