// One fault in one mode: streams side by side, each with one viewer, and what the viewers saw.
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Broadcast, DEFAULT_EPOCH_MS } from '../../src/simulator/broadcast.ts';
import { MediaLibrary } from '../../src/simulator/media-library.ts';
import { countPictures } from '../../test/support/picture-count.ts';
import { type Process, temporaryFolder } from '../processes.ts';
import { startServer } from '../served.ts';
import { EngineProcess } from './engine-process.ts';
import { type BareEngine, infohashOf, measureBareEngine } from './first-byte.ts';
import { type Connects, type Incident, incidentsOf, readConnects } from './incident.ts';
import type { FaultStory, ModeStory } from './story.ts';
import { type Gap, lengthMs, TimedViewer } from './viewer.ts';

const MEGABITS = 1;
/** A start that would have found its peers soon. */
const PREBUFFER_SECONDS = 0.5;
/** An engine sends 20 s ahead. */
const BURST_BYTES = (20 * MEGABITS * 1e6) / 8;
/** How long all goes well before something happens. */
const CALM_MS = 3_000;
/** What is on air so long after it is to have come to every viewer. */
const AFTER_MS = 5_000;
/** A viewer is at the live edge when it is behind what is on air by less than the start of its stream sent ahead. */
const LIVE_MS = 2_000;
const START_MAX_MS = 30_000;
/** Longer than an only engine is waited for. */
const RECOVERY_MAX_MS = 60_000;
const LOOK_MS = 20;

export interface CellOptions {
  readonly fault: FaultStory;
  readonly mode: ModeStory;
  readonly streams: number;
  /** Of acemux, for the mode. */
  readonly configFile: string | undefined;
}

/** The longest time without media of one viewer, and what it was made of. Milliseconds. */
export interface Seen {
  readonly gapMs: number;
  /** What the new engine itself took to its first byte; undefined: none was asked for this. */
  readonly engineMs: number | undefined;
  /** Where the new engine's first byte came within the gap. */
  readonly shares: Shares | undefined;
}

/** acemux's own. */
export interface Shares {
  /** From the last media to the request of a start, and from the blow to it. */
  readonly askedMs: number;
  readonly askedAfterBlowMs: number;
  /** From the engine's answers to what is asked next. */
  readonly betweenMs: number;
  /** From the engine's first byte to what the viewer gets next. */
  readonly joinedMs: number;
}

export interface CellResult extends CellOptions {
  readonly disconnects: number;
  /** What each viewer saw from the blow on. */
  readonly viewers: readonly Seen[];
  /** Of all viewers, before the blow: what silences are measured against. */
  readonly longestGapBeforeMs: number;
  /** What the engine that goes on takes for as many playbacks, asked all at once without acemux. */
  readonly bareEngine: BareEngine;
  /** How long the only engine's process was away. */
  readonly outageMs: number;
  readonly lost: number;
  readonly repeated: number;
  readonly breaks: number;
  readonly problems: readonly string[];
  /** Streams that the engine that was struck plays on. */
  readonly stayed: number;
  /** Of one core, before and from the blow on. */
  readonly serverCoreShare: { readonly calm: number; readonly after: number };
  /** How long acemux had to wait for a core from the blow on, because others had them all. */
  readonly starvedMs: number;
  /** What acemux logged; the first line tells when the blow fell. */
  readonly log: readonly string[];
}

const layout = new MediaLibrary({ bitsPerSecond: MEGABITS * 1e6 }).layout('test-pattern');

interface Stream {
  readonly infohash: string;
  readonly broadcast: Broadcast;
  readonly viewer: TimedViewer;
}

/** @throws Error when the streams do not begin as they should */
export async function runCell(options: CellOptions): Promise<CellResult> {
  const { mode, streams: count } = options;
  const engineOptions = { megabits: MEGABITS, prebufferSeconds: PREBUFFER_SECONDS, remux: mode.remux };
  await using engine = await EngineProcess.start({ ...engineOptions, lagSeconds: 0 });
  await using spare = mode.hasSpare
    ? await EngineProcess.start({ ...engineOptions, lagSeconds: mode.lagSeconds })
    : undefined;
  const bareEngine = await measureAsMet(options, spare ?? engine);
  const connectsFile = path.join(temporaryFolder(), 'connects');
  const { server, url } = await startAcemux(options, engine, spare, connectsFile);
  const streams = Array.from({ length: count }, (_, index): Stream => {
    const infohash = infohashOf(`stream ${index}`);
    const viewer = new TimedViewer(`${url}/ace/getstream?infohash=${infohash}`);
    return { infohash, broadcast: new Broadcast({ infohash, layout }), viewer };
  });
  try {
    const connects = (): Connects =>
      readConnects(existsSync(connectsFile) ? readFileSync(connectsFile, 'utf8') : '');
    const seen = await strikeAndWatch(options, streams, server, engine, spare, connects);
    return { ...options, ...seen, bareEngine };
  } finally {
    for (const { viewer } of streams) viewer.leave();
    await server.end();
  }
}

/**
 * The bare engine as acemux will meet it. What a process does for the first time takes it half a second longer: so the second time counts,
 * but where the engine that goes on is a new process.
 */
async function measureAsMet(
  { fault, mode, streams }: CellOptions,
  goesOn: EngineProcess,
): Promise<BareEngine> {
  const fresh = await measureBareEngine(goesOn.url, streams, BURST_BYTES);
  if (fault.endsProcess && !mode.hasSpare) return fresh;
  return await measureBareEngine(goesOn.url, streams, BURST_BYTES);
}

async function startAcemux(
  { fault, streams, configFile }: CellOptions,
  engine: EngineProcess,
  spare: EngineProcess | undefined,
  connectsFile: string,
): Promise<{ server: Process; url: string }> {
  // All streams begin on one engine, because it is preferred.
  const engines = [`${engine.host}?forwarded=true`, ...(spare ? [spare.host] : [])];
  const args = engines.flatMap((each) => ['--engine', each]);
  return await startServer([...args, ...(configFile ? ['--config', configFile] : [])], {
    MAX_STREAMS_PER_ENGINE: String(streams),
    FORWARDED_PREFERRED_STREAMS: '0',
    BENCH_CONNECTS: connectsFile,
    NODE_OPTIONS: `--import ${new URL('connects.ts', import.meta.url)}`,
    ...fault.environment,
  });
}

async function strikeAndWatch(
  { fault, mode, configFile: _, streams: count }: CellOptions,
  streams: readonly Stream[],
  server: Process,
  engine: EngineProcess,
  spare: EngineProcess | undefined,
  connects: () => Connects,
): Promise<Omit<CellResult, keyof CellOptions | 'bareEngine'>> {
  const viewers = streams.map(({ viewer }) => viewer);
  await until('all streams play', START_MAX_MS, () => streams.every((stream) => hasCome(stream, -LIVE_MS)));
  if (mode.playsAlong && spare) {
    await until('the other engine plays along', START_MAX_MS, async () => {
      return (await spare.playbacks()).length === count;
    });
  }
  const calmAtMs = performance.now();
  const calmCpu = server.cpuSeconds;
  await sleep(CALM_MS);
  const tokens = (await engine.playbacks()).map(({ token }) => token);
  if (tokens.length !== count) throw new Error(`${tokens.length} of ${count} streams play on the engine`);

  const struckAtMs = performance.now();
  const struckCpu = server.cpuSeconds;
  const struckStarved = server.starvedSeconds;
  const struckAt = Date.now();
  await fault.strike({ engine, tokens, comesBack: !mode.hasSpare });
  const outageMs = performance.now() - struckAtMs;
  const isOver = ({ viewer, broadcast }: Stream): boolean =>
    viewer.ended !== undefined || viewer.newestPacket >= onAir(broadcast, struckAt + AFTER_MS);
  const isMovedAway = async (): Promise<boolean> =>
    fault.notice !== 'health' || (await engine.playbacks()).length === 0;
  await until(
    'all goes on',
    RECOVERY_MAX_MS,
    async () => streams.every(isOver) && (await isMovedAway()),
    true,
  );
  const endMs = performance.now();
  const afterCpu = server.cpuSeconds;
  const starvedMs = 1000 * (server.starvedSeconds - struckStarved);

  const incidents = incidentsOf(await (spare ?? engine).journal(), connects(), struckAt);
  const left = await engine.playbacks().catch(() => []); // It may be dead.
  const pictures = streams.map(({ viewer, broadcast }) => countPictures(viewer.capture, broadcast));
  const sum = (of: 'lost' | 'repeated' | 'breaks'): number =>
    pictures.reduce((all, each) => all + each[of], 0);
  return {
    disconnects: viewers.filter(({ ended }) => ended !== undefined).length,
    viewers: streams.map(({ infohash, viewer }) =>
      seenIn(viewer.longestGap(struckAtMs, endMs), incidents.get(infohash), struckAt),
    ),
    longestGapBeforeMs: Math.max(...viewers.map((viewer) => lengthMs(viewer.longestGap(0, struckAtMs)))),
    outageMs: fault.notice === 'at once' ? outageMs : 0,
    lost: sum('lost'),
    repeated: sum('repeated'),
    breaks: sum('breaks'),
    problems: pictures.flatMap(({ problems }) => problems),
    stayed: left.filter(({ token }) => tokens.includes(token)).length,
    serverCoreShare: {
      calm: (struckCpu - calmCpu) / ((struckAtMs - calmAtMs) / 1000),
      after: (afterCpu - struckCpu) / ((endMs - struckAtMs) / 1000),
    },
    starvedMs,
    log: [`{"msg":"struck","time":"${new Date(struckAt).toISOString()}"}`, ...server.takeUnread()],
  };
}

function seenIn(gap: Gap, incident: Incident | undefined, struckAt: number): Seen {
  const gapMs = lengthMs(gap);
  if (!incident) return { gapMs, engineMs: undefined, shares: undefined };
  const { askedAtMs, betweenMs, engineMs, firstByteAtMs } = incident;
  const fromAt = performance.timeOrigin + gap.fromMs;
  const toAt = performance.timeOrigin + gap.toMs;
  if (askedAtMs < fromAt - 1 || firstByteAtMs > toAt + 1) return { gapMs, engineMs, shares: undefined };
  const shares = {
    askedMs: askedAtMs - fromAt,
    askedAfterBlowMs: askedAtMs - struckAt,
    betweenMs,
    joinedMs: toAt - firstByteAtMs,
  };
  return { gapMs, engineMs, shares };
}

/** Whether the viewer has what was on air so long ago (negative). */
function hasCome({ viewer, broadcast }: Stream, offsetMs: number): boolean {
  if (viewer.ended !== undefined) throw new Error(viewer.ended);
  return viewer.newestPacket >= onAir(broadcast, Date.now() + offsetMs);
}

function onAir(broadcast: Broadcast, wallMs: number): number {
  return broadcast.packetsOnAir(wallMs - DEFAULT_EPOCH_MS);
}

/** Looks again and again. @throws Error when it does not come about, unless that `mayFail` */
async function until(
  what: string,
  maxMs: number,
  isSo: () => boolean | Promise<boolean>,
  mayFail = false,
): Promise<void> {
  const endMs = performance.now() + maxMs;
  while (!(await isSo())) {
    if (performance.now() > endMs) {
      if (mayFail) return;
      throw new Error(`it did not come about that ${what}`);
    }
    await sleep(LOOK_MS);
  }
}
