import { PTS_HZ, wrappedDifference } from '../mpegts/clocks.ts';
import { PACKET_BYTES } from '../mpegts/packet.ts';
import type { CandidateMedia } from '../mpegts/splice/candidate-media.ts';
import { Fingerprinter } from '../mpegts/splice/fingerprints.ts';
import type { Ring } from './ring.ts';

/** So much of the media before the live edge, milliseconds … */
const MEDIA_MS = 2_000;
const MEDIA_TICKS = (MEDIA_MS * PTS_HZ) / 1_000;
/** … and no more bytes than this. */
const BYTES_MAX = 4 * 1024 * 1024;
const HEADER_BYTES = 4;
/** Whole packets. */
const VIEW_BYTES = 1024 * PACKET_BYTES;

/** One PES packet, as far as it can be told from others. */
export interface UnitEvidence {
  /** Which stream of the program, as `MappedStream.role`: `0:h264:0`. */
  readonly role: string;
  /** Identifies the bytes of its elementary stream. */
  readonly key: number;
  /** 90 kHz. */
  readonly pts: number | undefined;
  readonly dts: number | undefined;
  /** Bytes since the session, or that source, began. */
  readonly position: number;
}

/** The last media of a stream without its content: enough to see what was joined to what. */
export interface MediaEvidence {
  /** Where it begins: bytes since the session, or that source, began. */
  readonly position: number;
  /** The four bytes of each packet's header (ISO/IEC 13818-1 2.4.3.2), one after the other. */
  readonly headers: Buffer;
  readonly units: readonly UnitEvidence[];
}

/** A source that was joined to what there was. */
export interface JoinEvidence {
  /** Where it begins in the ring: bytes since the session began. */
  readonly position: number;
  /** What it had brought until then, on its own PIDs and clock. */
  readonly brought: MediaEvidence;
}

/** What went into the ring last, up to a position; without one, up to its end. */
export function mediaEvidenceOf(ring: Ring, end: number = ring.head): MediaEvidence {
  using reader = ring.openReader();
  const share = ring.mediaMsHeld > MEDIA_MS ? MEDIA_MS / ring.mediaMsHeld : 1;
  const bytes = Math.min((ring.head - ring.tail) * share, end - ring.tail, BYTES_MAX);
  const packets = Math.max(0, Math.floor(bytes / PACKET_BYTES));
  const position = end - packets * PACKET_BYTES;
  const headers = Buffer.allocUnsafe(packets * HEADER_BYTES);
  const units: UnitEvidence[] = [];
  const fingerprinter = new Fingerprinter({
    unitBegins: () => undefined,
    unitEnds: ({ role, key, pts, dts, position: at }) => units.push({ role, key, pts, dts, position: at }),
  });
  // Whatever stands there begins with the tables that hold.
  const tables = ring.accessPoints.findLast((point) => point.position <= position) ?? ring.accessPoints[0];
  if (tables) fingerprinter.push(tables.tables, position);
  let written = 0;
  for (let at = position; at < end; ) {
    const view = reader.view(at, Math.min(VIEW_BYTES, end - at));
    if (view.length === 0) break;
    fingerprinter.push(view, at);
    written = copyHeaders(view, headers, written);
    at += view.length;
  }
  return { position, headers: headers.subarray(0, written), units };
}

/** What a source that waits to be joined has brought last: it has been looked at already. */
export function evidenceOfCandidate(media: CandidateMedia): MediaEvidence {
  const { fingerprints, units } = media;
  const newest = units.at(-1);
  const first = units.find(({ dts }) => newest && wrappedDifference(newest.dts, dts) <= MEDIA_TICKS);
  const chunks = [...media.kept(first?.position)];
  while (lengthOf(chunks) > BYTES_MAX) chunks.shift();
  const position = chunks[0]?.position ?? 0;
  const headers = Buffer.allocUnsafe((lengthOf(chunks) / PACKET_BYTES) * HEADER_BYTES);
  let written = 0;
  for (const { bytes } of chunks) written = copyHeaders(bytes, headers, written);
  return {
    position,
    headers: headers.subarray(0, written),
    units: fingerprints
      .filter((unit) => unit.position >= position)
      .map(({ role, key, pts, dts, position: at }) => ({ role, key, pts, dts, position: at })),
  };
}

/** Copies the headers of whole packets, as far as there is room; returns where those end. Byte by byte: a call for each took longer. */
function copyHeaders(packets: Buffer, headers: Buffer, written: number): number {
  let to = written;
  for (let from = 0; from + PACKET_BYTES <= packets.length && to < headers.length; from += PACKET_BYTES) {
    for (let byte = 0; byte < HEADER_BYTES; byte++) headers[to++] = packets[from + byte]!;
  }
  return to;
}

function lengthOf(chunks: readonly { readonly bytes: Buffer }[]): number {
  return chunks.reduce((sum, { bytes }) => sum + bytes.length, 0);
}
