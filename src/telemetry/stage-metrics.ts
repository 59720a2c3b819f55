import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import type { ReasonCode } from '../base/reasons.ts';
import type { EgressOutput, ObservedStream, SessionObserver, ViewerOutput } from '../session/ports.ts';
import { declared, gauge, labelledGauge } from './declared-metric.ts';

/** A live stream, as far as it is counted. */
export interface StreamPulse {
  readonly state: string;
  readonly clients: number;
  /** Media in memory, milliseconds. */
  readonly bufferMs: number;
  /** How long nothing new has come, milliseconds. */
  readonly heldMs: number;
}

export interface StageSources {
  readonly streams: () => readonly StreamPulse[];
  readonly clients: () => readonly { readonly output: ViewerOutput; readonly state: string }[];
  readonly places: () => { readonly used: number; readonly free: number };
  /** Of engines that a stream could be put on. */
  readonly scores: () => readonly number[];
  /** Since the beginning. */
  readonly probes: () => { readonly hit: number; readonly miss: number };
  /** The state of each. */
  readonly vpns: () => readonly string[];
}

const STREAM_STATES = ['starting', 'playing', 'lingering'];
const VPN_STATES = ['unknown', 'ok', 'suspect', 'down', 'recovering', 'draining'];
const CLIENT_STATES = ['playing', 'lagging', 'paused'];
const OUTPUTS: readonly ViewerOutput[] = ['ts', 'hls'];
/** A start that ends with one of these was not wanted any more, or went on elsewhere. */
const NOT_WANTED: ReadonlySet<ReasonCode> = new Set([
  'abandoned',
  'idle',
  'merged',
  'shutdown',
  'draining',
  'vod_not_yet',
]);

/** What streams go through, stage by stage; all gauges are asked when they are scraped. */
export class StageMetrics implements Partial<SessionObserver> {
  readonly #starts: Counter;
  readonly #engineFirstByte: Histogram;
  readonly #streamStart: Histogram;
  readonly #clientFirstByte: Histogram;
  readonly #clientPause: Histogram;
  readonly #played = new WeakSet<ObservedStream>();
  /** Not yet shown. Counted at each write to each viewer, so they are plain numbers until somebody looks. */
  readonly #newBytes: Record<EgressOutput, number> = { ts: 0, hls: 0, file: 0 };

  constructor(sources: StageSources, registers: Registry[]) {
    this.#starts = new Counter({ ...declared('acemux_starts_total'), registers });
    this.#engineFirstByte = new Histogram({ ...declared('acemux_engine_first_byte_seconds'), registers });
    this.#streamStart = new Histogram({ ...declared('acemux_stream_start_seconds'), registers });
    this.#clientFirstByte = new Histogram({ ...declared('acemux_client_first_byte_seconds'), registers });
    this.#clientPause = new Histogram({ ...declared('acemux_client_pause_seconds'), registers });
    const bytes: Counter = new Counter({
      ...declared('acemux_egress_bytes_total'),
      registers,
      collect: () => {
        for (const output of ['ts', 'hls', 'file'] as const) {
          bytes.inc({ output }, this.#newBytes[output]);
          this.#newBytes[output] = 0;
        }
      },
    });
    registerStreams(sources, registers);
    registerFleet(sources, registers);
  }

  sessionPlaying(stream: ObservedStream, startSeconds: number): void {
    this.#played.add(stream);
    if (!stream.isLive) return;
    this.#starts.inc({ outcome: 'played', reason: '' });
    this.#streamStart.observe(startSeconds);
  }

  sessionEnded(reason: ReasonCode, _durationSeconds: number, stream: ObservedStream): void {
    if (!stream.isLive || this.#played.has(stream)) return;
    this.#starts.inc({ outcome: NOT_WANTED.has(reason) ? 'abandoned' : 'failed', reason });
  }

  attemptDelivered(firstByteSeconds: number): void {
    this.#engineFirstByte.observe(firstByteSeconds);
  }

  clientServed(afterSeconds: number, output: ViewerOutput): void {
    this.#clientFirstByte.observe({ output }, afterSeconds);
  }

  clientStarved(seconds: number): void {
    this.#clientPause.observe(seconds);
  }

  bytesStreamed(bytes: number, output: EgressOutput): void {
    this.#newBytes[output] += bytes;
  }
}

function registerStreams({ streams, clients }: StageSources, registers: Registry[]): void {
  labelledGauge(
    'acemux_streams',
    'state',
    () =>
      counted(
        STREAM_STATES,
        streams().map(({ state }) => state),
      ),
    registers,
  );
  labelledGauge(
    'acemux_buffer_seconds',
    'which',
    () => {
      const held = streams()
        .filter(({ state }) => state === 'playing')
        .map(({ bufferMs }) => bufferMs / 1000);
      return held.length === 0 ? {} : { shortest: Math.min(...held), longest: Math.max(...held) };
    },
    registers,
  );
  gauge(
    'acemux_stream_held_seconds',
    () => {
      const watched = streams().filter((stream) => stream.state === 'playing' && stream.clients > 0);
      return Math.max(0, ...watched.map(({ heldMs }) => heldMs / 1000));
    },
    registers,
  );
  const viewers: Gauge = new Gauge({
    ...declared('acemux_clients'),
    registers,
    collect: () => {
      for (const output of OUTPUTS) for (const state of CLIENT_STATES) viewers.set({ output, state }, 0);
      for (const { output, state } of clients()) viewers.inc({ output, state });
    },
  });
}

function registerFleet({ places, probes, scores, vpns }: StageSources, registers: Registry[]): void {
  labelledGauge('acemux_engine_places', 'state', () => ({ ...places() }), registers);
  labelledGauge(
    'acemux_engine_score',
    'which',
    () => {
      const all = scores();
      return all.length === 0 ? {} : { best: Math.max(...all), worst: Math.min(...all) };
    },
    registers,
  );
  labelledGauge('acemux_vpns', 'state', () => counted(VPN_STATES, vpns()), registers);
  const probed: Counter = new Counter({
    ...declared('acemux_engine_probes_total'),
    registers,
    collect: () => {
      probed.reset();
      for (const [verdict, count] of Object.entries(probes())) probed.inc({ verdict }, count);
    },
  });
}

/** How often each word is among those told; every word of the table is there. */
function counted(words: readonly string[], told: readonly string[]): Record<string, number> {
  const counts = Object.fromEntries(words.map((word) => [word, 0]));
  for (const word of told) counts[word] = (counts[word] ?? 0) + 1;
  return counts;
}
