import { PACKET_BYTES } from '../mpegts/packet.ts';
import { Fingerprinter } from '../mpegts/splice/fingerprints.ts';
import type { Ring } from './ring.ts';

/** So much of the media before the live edge, milliseconds … */
const MEDIA_MS = 2_000;
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
  /** Bytes since the session began. */
  readonly position: number;
}

/** The last media of a stream without its content: enough to see what was joined to what. */
export interface MediaEvidence {
  /** Where it begins: bytes since the session began. */
  readonly position: number;
  /** The four bytes of each packet's header (ISO/IEC 13818-1 2.4.3.2), one after the other. */
  readonly headers: Buffer;
  readonly units: readonly UnitEvidence[];
}

/** What went into the ring last. Where sources were joined lately, it is of both. */
export function mediaEvidenceOf(ring: Ring): MediaEvidence {
  using reader = ring.openReader();
  const held = ring.head - ring.tail;
  const share = ring.mediaMsHeld > MEDIA_MS ? MEDIA_MS / ring.mediaMsHeld : 1;
  const packets = Math.floor(Math.min(held * share, BYTES_MAX) / PACKET_BYTES);
  const position = ring.head - packets * PACKET_BYTES;
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
  for (let at = position; at < ring.head; ) {
    const view = reader.view(at, VIEW_BYTES);
    if (view.length === 0) break;
    fingerprinter.push(view, at);
    for (let from = 0; from + PACKET_BYTES <= view.length && written < headers.length; from += PACKET_BYTES) {
      written += view.copy(headers, written, from, from + HEADER_BYTES);
    }
    at += view.length;
  }
  return { position, headers: headers.subarray(0, written), units };
}
