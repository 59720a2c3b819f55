/** Program specific information: the PAT and the PMT, ISO/IEC 13818-1 2.4.4, and how packets carry them. */
import { PACKET_BYTES, SYNC_BYTE } from './packet.ts';

export { SectionAssembler } from './section-assembler.ts';

const PAT_TABLE_ID = 0x00;
const PMT_TABLE_ID = 0x02;
/** A PSI section, header and CRC included, is no longer than this. */
export const PSI_SECTION_BYTES_MAX = 1024;
/** Bytes before what section_length counts. */
const LENGTH_FIELD_END = 3;
const CRC_BYTES = 4;

export interface PatProgram {
  readonly programNumber: number;
  readonly pmtPid: number;
}

/** One section of a program association table; the entry of the network PID (program 0) is left out. */
export interface Pat {
  readonly version: number;
  readonly transportStreamId: number;
  readonly sectionNumber: number;
  readonly lastSectionNumber: number;
  readonly programs: readonly PatProgram[];
}

export interface PmtStream {
  readonly pid: number;
  readonly streamType: number;
  /** The bytes of the stream's descriptors, one after the other. */
  readonly descriptors: Buffer;
}

/** A program map table, which always is one section. */
export interface Pmt {
  readonly version: number;
  readonly programNumber: number;
  readonly pcrPid: number;
  /** The bytes of the program's own descriptors. */
  readonly descriptors: Buffer;
  readonly streams: readonly PmtStream[];
}

const CRC_TABLE = new Uint32Array(256).map((_, index) => {
  let remainder = index << 24;
  for (let bit = 0; bit < 8; bit++) remainder = (remainder << 1) ^ (remainder < 0 ? 0x04c11db7 : 0);
  return remainder >>> 0;
});

/** CRC-32/MPEG-2 of the bytes from `from` to `to` (exclusive): 0 over a section that ends with its CRC. */
export function crc32Mpeg(bytes: Uint8Array, from = 0, to = bytes.length): number {
  let crc = 0xffffffff;
  const end = Math.min(to, bytes.length);
  for (let at = Math.max(0, from); at < end; at++) {
    crc = (crc << 8) ^ CRC_TABLE[((crc >>> 24) ^ bytes[at]!) & 0xff]!;
  }
  return crc >>> 0;
}

/** What sections in long form have in common; undefined unless length, CRC and current_next_indicator are right. */
function checkedHeader(section: Buffer, tableId: number, bytesMin: number): { version: number } | undefined {
  if (section.length < bytesMin || section.length > PSI_SECTION_BYTES_MAX) return undefined;
  if (section[0] !== tableId || (section[1]! & 0x80) === 0) return undefined;
  if ((section.readUInt16BE(1) & 0x0fff) + LENGTH_FIELD_END !== section.length) return undefined;
  if ((section[5]! & 0x01) === 0) return undefined; // announced, not yet in force
  if (crc32Mpeg(section) !== 0) return undefined;
  return { version: (section[5]! >> 1) & 0x1f };
}

/** Reads one PAT section; undefined if it is none, is damaged, or is not in force yet. */
export function parsePat(section: Buffer): Pat | undefined {
  const header = checkedHeader(section, PAT_TABLE_ID, 12);
  if (!header || (section.length - 12) % 4 !== 0 || section[6]! > section[7]!) return undefined;
  const programs: PatProgram[] = [];
  for (let at = 8; at < section.length - CRC_BYTES; at += 4) {
    const programNumber = section.readUInt16BE(at);
    if (programNumber !== 0) programs.push({ programNumber, pmtPid: section.readUInt16BE(at + 2) & 0x1fff });
  }
  return {
    version: header.version,
    transportStreamId: section.readUInt16BE(3),
    sectionNumber: section[6]!,
    lastSectionNumber: section[7]!,
    programs,
  };
}

/** Reads a PMT section; undefined if it is none, is damaged, or is not in force yet. */
export function parsePmt(section: Buffer): Pmt | undefined {
  const header = checkedHeader(section, PMT_TABLE_ID, 16);
  if (!header) return undefined;
  const end = section.length - CRC_BYTES;
  let at = 12 + (section.readUInt16BE(10) & 0x0fff);
  if (at > end) return undefined;
  const descriptors = Buffer.from(section.subarray(12, at));
  const streams: PmtStream[] = [];
  while (at < end) {
    if (at + 5 > end) return undefined;
    const next = at + 5 + (section.readUInt16BE(at + 3) & 0x0fff);
    if (next > end) return undefined;
    streams.push({
      streamType: section[at]!,
      pid: section.readUInt16BE(at + 1) & 0x1fff,
      descriptors: Buffer.from(section.subarray(at + 5, next)),
    });
    at = next;
  }
  return {
    version: header.version,
    programNumber: section.readUInt16BE(3),
    pcrPid: section.readUInt16BE(8) & 0x1fff,
    descriptors,
    streams,
  };
}

/** Calls `visit` for each descriptor of a list; stops where one claims to be longer than what is left. */
export function forEachDescriptor(descriptors: Buffer, visit: (tag: number, body: Buffer) => void): void {
  for (let at = 0; at + 2 <= descriptors.length; ) {
    const end = at + 2 + descriptors[at + 1]!;
    if (end > descriptors.length) return;
    visit(descriptors[at]!, descriptors.subarray(at + 2, end));
    at = end;
  }
}

export interface PatDescription {
  readonly version: number;
  readonly transportStreamId: number;
  readonly sectionNumber?: number;
  readonly lastSectionNumber?: number;
  readonly programs: readonly PatProgram[];
}

export interface PmtDescription {
  readonly version: number;
  readonly programNumber: number;
  readonly pcrPid: number;
  readonly descriptors?: Buffer;
  readonly streams: readonly {
    readonly pid: number;
    readonly streamType: number;
    readonly descriptors?: Buffer;
  }[];
}

/** A complete PAT section. @throws RangeError when it would be longer than a section may be */
export function buildPatSection(pat: PatDescription): Buffer {
  const body = Buffer.alloc(pat.programs.length * 4);
  pat.programs.forEach(({ programNumber, pmtPid }, index) => {
    body.writeUInt16BE(programNumber & 0xffff, index * 4);
    body.writeUInt16BE(0xe000 | (pmtPid & 0x1fff), index * 4 + 2);
  });
  const { version, transportStreamId, sectionNumber = 0, lastSectionNumber = sectionNumber } = pat;
  return longSection(PAT_TABLE_ID, transportStreamId, version, sectionNumber, lastSectionNumber, body);
}

/** A complete PMT section. @throws RangeError when it would be longer than a section may be */
export function buildPmtSection(pmt: PmtDescription): Buffer {
  const parts = [pidAndLength(pmt.pcrPid, pmt.descriptors)];
  for (const { streamType, pid, descriptors } of pmt.streams) {
    parts.push(Buffer.from([streamType]), pidAndLength(pid, descriptors));
  }
  return longSection(PMT_TABLE_ID, pmt.programNumber, pmt.version, 0, 0, Buffer.concat(parts));
}

/** A PID, the length of the descriptors that belong to it, and these. */
function pidAndLength(pid: number, descriptors: Buffer = Buffer.alloc(0)): Buffer {
  const head = Buffer.alloc(4);
  head.writeUInt16BE(0xe000 | (pid & 0x1fff), 0);
  head.writeUInt16BE(0xf000 | (descriptors.length & 0x0fff), 2);
  return Buffer.concat([head, descriptors]);
}

function longSection(
  tableId: number,
  tableIdExtension: number,
  version: number,
  sectionNumber: number,
  lastSectionNumber: number,
  body: Buffer,
): Buffer {
  const sizeBytes = 8 + body.length + CRC_BYTES;
  if (sizeBytes > PSI_SECTION_BYTES_MAX) {
    throw new RangeError(`a PSI section of ${sizeBytes} bytes exceeds ${PSI_SECTION_BYTES_MAX}`);
  }
  const section = Buffer.alloc(sizeBytes);
  section[0] = tableId;
  section.writeUInt16BE(0xb000 | (sizeBytes - LENGTH_FIELD_END), 1);
  section.writeUInt16BE(tableIdExtension & 0xffff, 3);
  section[5] = 0xc1 | ((version & 0x1f) << 1);
  section[6] = sectionNumber & 0xff;
  section[7] = lastSectionNumber & 0xff;
  body.copy(section, 8);
  section.writeUInt32BE(crc32Mpeg(section, 0, sizeBytes - CRC_BYTES), sizeBytes - CRC_BYTES);
  return section;
}

/** How many packets `packetizeSection` makes of a section of so many bytes: one more for the pointer_field. */
export function packetsOfSection(sizeBytes: number): number {
  return Math.max(1, Math.ceil((sizeBytes + 1) / (PACKET_BYTES - 4)));
}

/** Whole packets that carry just this section, stuffed to their end, counters rising from the one given. */
export function packetizeSection(section: Buffer, pid: number, firstContinuityCounter: number): Buffer {
  const count = packetsOfSection(section.length);
  const packets = Buffer.alloc(count * PACKET_BYTES, 0xff);
  let taken = 0;
  for (let index = 0; index < count; index++) {
    const at = index * PACKET_BYTES;
    packets[at] = SYNC_BYTE;
    packets[at + 1] = (index === 0 ? 0x40 : 0) | ((pid >> 8) & 0x1f);
    packets[at + 2] = pid & 0xff;
    packets[at + 3] = 0x10 | ((firstContinuityCounter + index) & 0x0f);
    const payload = index === 0 ? at + 5 : at + 4;
    if (index === 0) packets[at + 4] = 0; // pointer_field
    taken += section.copy(packets, payload, taken, taken + (at + PACKET_BYTES - payload));
  }
  return packets;
}
