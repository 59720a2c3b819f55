/** Synthetic transport streams for tests: small, exact, and with everything that matters chosen by the test. */
import { TIMESTAMP_WRAP, writePcr } from '../../src/mpegts/clocks.ts';
import { nullPackets } from '../../src/mpegts/null-packet.ts';
import { PACKET_BYTES, PAT_PID, SYNC_BYTE } from '../../src/mpegts/packet.ts';
import {
  buildPatSection,
  buildPmtSection,
  packetizeSection,
  packetsOfSection,
} from '../../src/mpegts/psi.ts';

export interface StreamChoice {
  readonly pid: number;
  readonly streamType: number;
  readonly descriptors?: Buffer;
}

export interface ProgramChoice {
  readonly programNumber?: number;
  readonly pmtPid?: number;
  /** The PID of the first stream if left out. */
  readonly pcrPid?: number;
  readonly patVersion?: number;
  readonly pmtVersion?: number;
  /** The program's own descriptors: long ones make the PMT span several packets. */
  readonly pmtDescriptors?: Buffer;
  readonly streams?: readonly StreamChoice[];
}

export interface PesChoice {
  readonly pts?: number;
  readonly dts?: number;
  /** PCR in the first packet, 27 MHz ticks. */
  readonly pcr?: number;
  readonly randomAccess?: boolean;
  readonly discontinuity?: boolean;
  readonly scrambled?: boolean;
  readonly streamId?: number;
}

export const VIDEO_PID = 0x100;
export const AUDIO_PID = 0x101;
export const PMT_PID = 0x1000;

const H264_AND_AAC: readonly StreamChoice[] = [
  { pid: VIDEO_PID, streamType: 0x1b },
  { pid: AUDIO_PID, streamType: 0x0f },
];

/** Writes one program, packet by packet; every PID has its own counter. Positions are byte offsets. */
export class TsBuilder {
  readonly #packets: Buffer[] = [];
  readonly #counters = new Map<number, number>();
  #program: Required<ProgramChoice>;

  constructor(program: ProgramChoice = {}) {
    this.#program = {
      programNumber: 1,
      pmtPid: PMT_PID,
      pcrPid: program.streams?.[0]?.pid ?? VIDEO_PID,
      patVersion: 0,
      pmtVersion: 0,
      pmtDescriptors: Buffer.alloc(0),
      streams: H264_AND_AAC,
      ...program,
    };
  }

  /** The byte position at which the next packet will stand. */
  get position(): number {
    return this.#packets.length * PACKET_BYTES;
  }

  /** Everything so far. */
  build(): Buffer {
    return Buffer.concat(this.#packets);
  }

  /** Changes what the next tables say. */
  change(program: ProgramChoice): this {
    this.#program = { ...this.#program, ...program };
    return this;
  }

  /** The PAT, then the PMT. */
  tables(): this {
    return this.pat().pmt();
  }

  pat(): this {
    return this.section(PAT_PID, this.patSection());
  }

  pmt(): this {
    return this.section(this.#program.pmtPid, this.pmtSection());
  }

  patSection(): Buffer {
    const { programNumber, pmtPid, patVersion } = this.#program;
    return buildPatSection({
      version: patVersion,
      transportStreamId: 1,
      programs: [{ programNumber, pmtPid }],
    });
  }

  pmtSection(): Buffer {
    const { programNumber, pcrPid, pmtVersion, pmtDescriptors, streams } = this.#program;
    return buildPmtSection({
      version: pmtVersion,
      programNumber,
      pcrPid,
      descriptors: pmtDescriptors,
      streams,
    });
  }

  /** Any section, in packets of its own. */
  section(pid: number, section: Buffer): this {
    for (const packet of this.sectionPackets(pid, section)) this.packet(packet);
    return this;
  }

  /** The packets of a section, with the counters due, for a test that puts others between them by `packet`. */
  sectionPackets(pid: number, section: Buffer): Buffer[] {
    const count = packetsOfSection(section.length);
    const packets = packetizeSection(section, pid, this.#take(pid, count));
    return splitPackets(packets);
  }

  /** A PES packet in as many packets as it needs, the last one stuffed; returns the position of the first. */
  pes(pid: number, payload: Buffer, choice: PesChoice = {}): number {
    const at = this.position;
    for (const packet of this.pesPackets(pid, payload, choice)) this.packet(packet);
    return at;
  }

  /** The packets of a PES packet, with the counters due, for a test that puts others between them by `packet`. */
  pesPackets(pid: number, payload: Buffer, choice: PesChoice = {}): Buffer[] {
    const pes = pesPacket(payload, { streamId: streamIdFor(pid, this.#program.streams), ...choice });
    const packets: Buffer[] = [];
    for (let taken = 0; taken < pes.length || packets.length === 0; ) {
      const isFirst = packets.length === 0;
      const flags = isFirst ? adaptationFlags(choice) : 0;
      const fieldBytes = flags === 0 ? 0 : choice.pcr === undefined ? 2 : 8;
      const roomBytes = PACKET_BYTES - 4;
      const takenNow = Math.min(pes.length - taken, roomBytes - fieldBytes);
      const packet = payloadPacket(
        pid,
        isFirst,
        this.#take(pid),
        pes.subarray(taken, taken + takenNow),
        flags,
      );
      if (isFirst && choice.pcr !== undefined) writePcr(packet, 0, choice.pcr);
      if (choice.scrambled === true) packet[3] = packet[3]! | 0x80;
      packets.push(packet);
      taken += takenNow;
    }
    return packets;
  }

  /** A packet without payload that carries a PCR, 27 MHz ticks; its counter repeats the last one. */
  pcr(pid: number, ticks27: number, choice: { readonly discontinuity?: boolean } = {}): this {
    const counter = (this.#counters.get(pid) ?? 0) - 1;
    const flags = 0x10 | (choice.discontinuity === true ? 0x80 : 0);
    const packet = payloadPacket(pid, false, counter & 0x0f, Buffer.alloc(0), flags);
    packet[3] = 0x20 | (counter & 0x0f);
    writePcr(packet, 0, ticks27);
    return this.packet(packet);
  }

  nulls(count: number): this {
    for (const packet of splitPackets(nullPackets(count))) this.packet(packet);
    return this;
  }

  /** Any packet, as it is. */
  packet(packet: Buffer): this {
    this.#packets.push(packet);
    return this;
  }

  /** Leaves out counter values, as if packets of this PID had been lost. */
  skipCounters(pid: number, count: number): this {
    this.#take(pid, count);
    return this;
  }

  #take(pid: number, count = 1): number {
    const counter = this.#counters.get(pid) ?? 0;
    this.#counters.set(pid, (counter + count) & 0x0f);
    return counter;
  }
}

function streamIdFor(pid: number, streams: readonly StreamChoice[]): number {
  const streamType = streams.find((stream) => stream.pid === pid)?.streamType;
  if (streamType === 0x0f || streamType === 0x03 || streamType === 0x04) return 0xc0;
  return streamType === 0x06 || streamType === 0x81 ? 0xbd : 0xe0;
}

function adaptationFlags({ pcr, randomAccess, discontinuity }: PesChoice): number {
  return (
    (pcr === undefined ? 0 : 0x10) | (randomAccess === true ? 0x40 : 0) | (discontinuity === true ? 0x80 : 0)
  );
}

/** One packet around `payload`, with an adaptation field as long as it takes to fill it. */
function payloadPacket(
  pid: number,
  starts: boolean,
  counter: number,
  payload: Buffer,
  flags: number,
): Buffer {
  const packet = Buffer.alloc(PACKET_BYTES, 0xff);
  packet[0] = SYNC_BYTE;
  packet[1] = (starts ? 0x40 : 0) | ((pid >> 8) & 0x1f);
  packet[2] = pid & 0xff;
  packet[3] = 0x10 | counter;
  const fieldBytes = PACKET_BYTES - 4 - payload.length;
  if (fieldBytes > 0) {
    packet[3] |= 0x20;
    packet[4] = fieldBytes - 1;
    if (fieldBytes > 1) packet[5] = flags;
  }
  payload.copy(packet, PACKET_BYTES - payload.length);
  return packet;
}

/** Cuts whole packets apart. */
export function splitPackets(packets: Buffer): Buffer[] {
  const count = Math.floor(packets.length / PACKET_BYTES);
  return Array.from({ length: count }, (_, index) =>
    packets.subarray(index * PACKET_BYTES, (index + 1) * PACKET_BYTES),
  );
}

/** A PES packet of unbounded length (PES_packet_length 0, as video uses). Timestamps in 90 kHz ticks. */
export function pesPacket(
  payload: Buffer,
  { pts, dts, streamId = 0xe0 }: Pick<PesChoice, 'pts' | 'dts' | 'streamId'> = {},
): Buffer {
  const fields: Buffer[] = [];
  if (pts !== undefined) fields.push(timestampField(dts === undefined ? 0x2 : 0x3, pts));
  if (pts !== undefined && dts !== undefined) fields.push(timestampField(0x1, dts));
  const flags = fields.length === 2 ? 0xc0 : fields.length === 1 ? 0x80 : 0;
  const header = [0, 0, 1, streamId, 0, 0, 0x80, flags, fields.length * 5];
  return Buffer.concat([Buffer.from(header), ...fields, payload]);
}

function timestampField(prefix: number, value90: number): Buffer {
  const value = BigInt(value90) % BigInt(TIMESTAMP_WRAP);
  return Buffer.from([
    (prefix << 4) | (Number(value >> 30n) << 1) | 1,
    Number((value >> 22n) & 0xffn),
    (Number((value >> 15n) & 0x7fn) << 1) | 1,
    Number((value >> 7n) & 0xffn),
    (Number(value & 0x7fn) << 1) | 1,
  ]);
}

function unit(...bytes: number[]): Buffer {
  return Buffer.from([0, 0, 0, 1, ...bytes]);
}

/** Slice data without anything that looks like a start code. */
function sliceData(sizeBytes: number): Buffer {
  return Buffer.alloc(sizeBytes, 0xa5);
}

const H264_DELIMITER = unit(0x09, 0xf0);
const H264_PARAMETERS = Buffer.concat([unit(0x67, 0x64, 0x00, 0x28, 0xac), unit(0x68, 0xee, 0x3c, 0x80)]);
/** An SEI unit with a picture timing message, then a recovery point. */
const H264_RECOVERY_POINT = unit(0x06, 0x01, 0x02, 0x11, 0x22, 0x06, 0x01, 0xc4, 0x80);
const HEVC_PARAMETERS = Buffer.concat([
  unit(0x40, 0x01, 0x0c),
  unit(0x42, 0x01, 0x01),
  unit(0x44, 0x01, 0xc0),
]);

/** Access units whose first bytes are real and whose rest is filler of the given size. */
export const accessUnit = {
  h264Idr: (sizeBytes = 400): Buffer =>
    Buffer.concat([H264_DELIMITER, H264_PARAMETERS, unit(0x65, 0x88, 0x84), sliceData(sizeBytes)]),
  h264P: (sizeBytes = 100): Buffer =>
    Buffer.concat([H264_DELIMITER, unit(0x41, 0x98, 0x84), sliceData(sizeBytes)]),
  h264RecoveryPoint: (sizeBytes = 100): Buffer =>
    Buffer.concat([H264_DELIMITER, H264_RECOVERY_POINT, unit(0x41, 0x98, 0x84), sliceData(sizeBytes)]),
  h264ISlice: (sizeBytes = 100): Buffer =>
    Buffer.concat([H264_DELIMITER, H264_PARAMETERS, unit(0x41, 0x88, 0x84), sliceData(sizeBytes)]),
  h264ISliceWithoutParameters: (sizeBytes = 100): Buffer =>
    Buffer.concat([H264_DELIMITER, unit(0x41, 0x88, 0x84), sliceData(sizeBytes)]),
  h264PWithParameters: (sizeBytes = 100): Buffer =>
    Buffer.concat([H264_DELIMITER, H264_PARAMETERS, unit(0x41, 0x98, 0x84), sliceData(sizeBytes)]),
  /** `type`: nal_unit_type, 16 to 23 for pictures to begin at. */
  hevc: (type: number, sizeBytes = 100): Buffer =>
    Buffer.concat([
      unit(0x46, 0x01, 0x50),
      HEVC_PARAMETERS,
      unit(type << 1, 0x01, 0xaf),
      sliceData(sizeBytes),
    ]),
  /** `codingType`: 1 for I, 2 for P, 3 for B. */
  mpeg2: (codingType: number, withSequenceHeader: boolean, sizeBytes = 100): Buffer =>
    Buffer.concat([
      withSequenceHeader ? Buffer.from([0, 0, 1, 0xb3, 0x2d, 0x02, 0x40, 0x33]) : Buffer.alloc(0),
      Buffer.from([0, 0, 1, 0x00, 0x00, codingType << 3, 0xff, 0xf8, 0, 0, 1, 0x01]),
      sliceData(sizeBytes),
    ]),
  aac: (sizeBytes = 200): Buffer =>
    Buffer.concat([Buffer.from([0xff, 0xf1, 0x50, 0x80]), sliceData(sizeBytes)]),
} as const;
