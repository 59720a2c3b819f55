// The load: so many viewers in one process, who read as fast as they can and look at nothing but the clock.
// Arguments: URL, viewers, seconds. Prints one JSON object; times in milliseconds.
import { connect, type Socket } from 'node:net';

const [url = '', viewersText = '1', secondsText = '10'] = process.argv.slice(2);
const target = new URL(url);
const viewers = Number(viewersText);
const seconds = Number(secondsText);
/** Viewers come in over this time, as they would after a link was shared. */
const ARRIVAL_MS = Math.min(5_000, viewers * 10);

interface Viewer {
  askedAtMs: number;
  firstByteMs: number | undefined;
  lastByteAtMs: number;
  gapMsMax: number;
  bytes: number;
  ended: boolean;
}

const shared = Buffer.allocUnsafeSlow(256 * 1024);
const sockets: Socket[] = [];
const watching: Viewer[] = [];

function open(): void {
  const askedAtMs = performance.now();
  const viewer: Viewer = {
    askedAtMs,
    firstByteMs: undefined,
    lastByteAtMs: askedAtMs,
    gapMsMax: 0,
    bytes: 0,
    ended: false,
  };
  watching.push(viewer);
  const socket = connect({
    host: target.hostname,
    port: Number(target.port),
    onread: {
      buffer: shared,
      callback(count) {
        const nowMs = performance.now();
        if (viewer.firstByteMs === undefined) viewer.firstByteMs = nowMs - viewer.askedAtMs;
        else viewer.gapMsMax = Math.max(viewer.gapMsMax, nowMs - viewer.lastByteAtMs);
        viewer.lastByteAtMs = nowMs;
        viewer.bytes += count;
        return true;
      },
    },
  });
  sockets.push(socket);
  socket.on('error', () => {});
  socket.on('close', () => {
    viewer.ended = true;
  });
  socket.write(
    `GET ${target.pathname}${target.search} HTTP/1.1\r\nHost: ${target.host}\r\nConnection: close\r\n\r\n`,
  );
}

for (let index = 0; index < viewers; index++) setTimeout(open, (index * ARRIVAL_MS) / viewers);

setTimeout(
  () => {
    const nowMs = performance.now();
    const firstBytes = watching
      .map((viewer) => viewer.firstByteMs ?? Number.POSITIVE_INFINITY)
      .sort((a, b) => a - b);
    const at = (share: number): number | undefined => firstBytes[Math.floor(share * (firstBytes.length - 1))];
    process.stdout.write(
      `${JSON.stringify({
        viewers,
        disconnected: watching.filter((viewer) => viewer.ended).length,
        bytes: watching.reduce((sum, viewer) => sum + viewer.bytes, 0),
        gapMsMax: Math.max(
          ...watching.map((viewer) => Math.max(viewer.gapMsMax, nowMs - viewer.lastByteAtMs)),
        ),
        firstByteMsMedian: at(0.5),
        firstByteMsP99: at(0.99),
      })}\n`,
    );
    for (const socket of sockets) socket.destroy();
  },
  ARRIVAL_MS + seconds * 1000,
);
