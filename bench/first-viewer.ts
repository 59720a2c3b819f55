// What acemux adds to the start of a stream: the time to the first random access point, from the engine and through acemux.
import { get, type IncomingMessage } from 'node:http';
import { startAcemux } from './served.ts';

const PACKET_BYTES = 188;

/** Medians and the slowest, milliseconds from the request to the random access point. */
export interface FirstViewer {
  readonly engineMs: number;
  readonly acemuxMs: number;
  /** Medians of the differences of neighbours: once both processes have started as many streams before, and of those. */
  readonly addedMs: number;
  readonly addedMsWhenNew: number;
}

/** `starts`: how often it is asked of the engine and through acemux, in turn, after as many times that do not count. */
export async function measureFirstViewer(megabits: number, starts: number): Promise<FirstViewer> {
  await using acemux = await startAcemux(megabits, { MAX_LINGERING_SESSIONS: '0', STREAM_IDLE_TIMEOUT: '0' });
  const pairs: { engineMs: number; acemuxMs: number }[] = [];
  for (let index = 0; index < 2 * starts; index++) {
    // Every start is of a stream that was never asked for.
    const idOf = (whose: number): string => (whose * 2 * starts + index + 1).toString(16).padStart(40, '0');
    const path = '/ace/getstream?id=';
    const engineMs = await accessPointAfterMs(`${acemux.engineUrl}${path}${idOf(1)}`);
    const acemuxMs = await accessPointAfterMs(`${acemux.url}${path}${idOf(2)}`);
    pairs.push({ engineMs, acemuxMs });
  }
  const added = pairs.map(({ engineMs, acemuxMs }) => acemuxMs - engineMs);
  const counted = pairs.slice(starts);
  return {
    engineMs: median(counted.map(({ engineMs }) => engineMs)),
    acemuxMs: median(counted.map(({ acemuxMs }) => acemuxMs)),
    addedMs: median(added.slice(starts)),
    addedMsWhenNew: median(added.slice(0, starts)),
  };
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

/** Asks as a player does, follows redirects, and leaves at the first random access point. */
async function accessPointAfterMs(url: string): Promise<number> {
  const beganMs = performance.now();
  let reply = await open(url);
  for (let location = reply.headers.location; location; location = reply.headers.location) {
    reply.destroy();
    reply = await open(new URL(location, url).href);
  }
  if (reply.statusCode !== 200) throw new Error(`${url} answered ${reply.statusCode}`);
  let media = Buffer.alloc(0);
  for await (const chunk of reply) {
    const atMs = performance.now();
    media = Buffer.concat([media, chunk]);
    if (!holdsAccessPoint(media)) continue;
    reply.destroy();
    return atMs - beganMs;
  }
  throw new Error(`${url} ended without a random access point`);
}

function open(url: string): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    get(url, { agent: false }, resolve).once('error', reject);
  });
}

/** Whether a packet that begins a PES packet has the random access indicator; the media begins with a packet. */
function holdsAccessPoint(media: Buffer): boolean {
  for (let at = 0; at + PACKET_BYTES <= media.length; at += PACKET_BYTES) {
    const [, second = 0, , control = 0, fieldBytes = 0, flags = 0] = media.subarray(at);
    if ((second & 0x40) > 0 && (control & 0x20) > 0 && fieldBytes > 0 && (flags & 0x40) > 0) return true;
  }
  return false;
}
