// The load: many viewers in one process that read and forget, and look at nothing but the clock and the first packets.
// The same as sink.c, for machines without a C compiler: it takes more of the processor from whom it measures.
// Arguments: port, path, viewers, stalled ones among them, arrival ms, window ms, settle ms. Prints {"event":"window"} when all
// have come and settled and the window begins, {"event":"closing"} when it ends, and a moment later one object with "event":"over".
import { connect, type Socket } from 'node:net';

const [port = '0', path = '/', ...numbers] = process.argv.slice(2);
const [viewers = 1, stalled = 0, arrivalMs = 0, windowMs = 1_000, settleMs = 2_000] = numbers.map(Number);
const PATIENCE_MS = 15_000;
const LOOK_MS = 5;
/** The viewers stay so long after the window, for whoever looks at the server. */
const LEAVE_MS = 500;
const PACKET_BYTES = 188;
const START_BYTES = 3 * PACKET_BYTES;

interface Viewer {
  readonly stalled: boolean;
  readonly askedAtMs: number;
  socket: Socket;
  head: Buffer;
  firstByteMs: number | undefined;
  started: 'not yet' | 'right' | 'wrong';
  lastByteAtMs: number;
  gapMsMax: number;
  bytes: number;
  ended: boolean;
}

const shared = Buffer.allocUnsafeSlow(256 * 1024);
const watching: Viewer[] = [];

function join(isStalled: boolean): void {
  const askedAtMs = performance.now();
  const socket = connect({
    host: '127.0.0.1',
    port: Number(port),
    onread: { buffer: shared, callback: (count) => take(viewer, count) },
  });
  const viewer: Viewer = {
    stalled: isStalled,
    askedAtMs,
    socket,
    head: Buffer.alloc(0),
    firstByteMs: undefined,
    started: 'not yet',
    lastByteAtMs: askedAtMs,
    gapMsMax: 0,
    bytes: 0,
    ended: false,
  };
  watching.push(viewer);
  socket.on('error', () => {});
  socket.on('close', () => {
    viewer.ended = true;
  });
  socket.write(`GET ${path} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nConnection: close\r\n\r\n`);
}

/** Whether to go on reading. */
function take(viewer: Viewer, count: number): boolean {
  const nowMs = performance.now();
  if (viewer.started === 'not yet') {
    viewer.head = Buffer.concat([viewer.head, shared.subarray(0, count)]);
    const end = viewer.head.indexOf('\r\n\r\n');
    const body = end === -1 ? viewer.head.subarray(0, 0) : viewer.head.subarray(end + 4);
    if (body.length > 0) viewer.firstByteMs ??= nowMs - viewer.askedAtMs;
    if (body.length < START_BYTES) return true;
    viewer.started = startsRight(body) ? 'right' : 'wrong';
    viewer.head = Buffer.alloc(0);
  } else {
    viewer.gapMsMax = Math.max(viewer.gapMsMax, nowMs - viewer.lastByteAtMs);
  }
  viewer.lastByteAtMs = nowMs;
  viewer.bytes += count;
  return !viewer.stalled;
}

/** Whether the first three packets are PAT, the PMT that it names, and a random access point. */
function startsRight(body: Buffer): boolean {
  const pat = body.subarray(0, PACKET_BYTES);
  const pmt = body.subarray(PACKET_BYTES, 2 * PACKET_BYTES);
  const access = body.subarray(2 * PACKET_BYTES);
  if ([pat, pmt, access].some((packet) => packet[0] !== 0x47)) return false;
  const program = 5 + (pat[4] ?? 0) + 8; // behind pointer field and section header
  const isPat = (pat.readUInt16BE(1) & 0x5fff) === 0x4000;
  const isPmt = (pat.readUInt16BE(program + 2) & 0x1fff) === (pmt.readUInt16BE(1) & 0x1fff);
  const [, second = 0, , control = 0, fieldBytes = 0, flags = 0] = access;
  return (
    isPat && isPmt && (second & 0x40) > 0 && (control & 0x20) > 0 && fieldBytes > 0 && (flags & 0x40) > 0
  );
}

function goodBytes(): number {
  return watching.reduce((sum, viewer) => sum + (viewer.stalled ? 0 : viewer.bytes), 0);
}

function report(bytes: number, tookMs: number): object {
  const nowMs = performance.now();
  const started = watching.filter((viewer) => viewer.started !== 'not yet');
  const firstBytes = started.map((viewer) => viewer.firstByteMs ?? 0).sort((a, b) => a - b);
  const at = (share: number): number => firstBytes[Math.floor(share * (firstBytes.length - 1))] ?? -1;
  const gaps = started
    .filter((viewer) => !viewer.stalled)
    .map((viewer) => Math.max(viewer.gapMsMax, viewer.ended ? 0 : nowMs - viewer.lastByteAtMs));
  return {
    event: 'over',
    started: started.length,
    wrongStarts: started.filter((viewer) => viewer.started === 'wrong').length,
    disconnected: watching.filter((viewer) => viewer.ended).length,
    bytes,
    windowMs: tookMs,
    gapMsMax: Math.max(0, ...gaps),
    firstByteMsMedian: at(0.5),
    firstByteMsP99: at(0.99),
  };
}

const beganMs = performance.now();
let windowAtMs: number | undefined;
let bytesBefore: number | undefined;
let over: object | undefined;

const timer = setInterval(() => {
  const nowMs = performance.now();
  while (watching.length < viewers && nowMs >= beganMs + (arrivalMs * watching.length) / viewers) {
    // The stalled ones are spread evenly among the others.
    const share = stalled / viewers;
    join(Math.floor((watching.length + 1) * share) !== Math.floor(watching.length * share));
  }
  const allStarted =
    watching.length === viewers && watching.every((viewer) => viewer.started !== 'not yet' || viewer.ended);
  if (allStarted || nowMs > beganMs + arrivalMs + PATIENCE_MS) windowAtMs ??= nowMs + settleMs;
  if (windowAtMs === undefined || nowMs < windowAtMs) return;
  if (bytesBefore === undefined) {
    windowAtMs = nowMs;
    bytesBefore = goodBytes();
    process.stdout.write('{"event":"window"}\n');
  } else if (nowMs >= windowAtMs + windowMs && over === undefined) {
    process.stdout.write('{"event":"closing"}\n');
    over = report(goodBytes() - bytesBefore, nowMs - windowAtMs);
  } else if (over !== undefined && nowMs >= windowAtMs + windowMs + LEAVE_MS) {
    process.stdout.write(`${JSON.stringify(over)}\n`);
    clearInterval(timer);
    for (const { socket } of watching) socket.destroy();
  }
}, LOOK_MS);
