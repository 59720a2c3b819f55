/** Transport streams that no decent multiplexer would send. */
import { randomBytes } from 'node:crypto';
import { PACKET_BYTES, SYNC_BYTE, setPid } from '../../src/mpegts/packet.ts';
import { buildPatSection, packetizeSection } from '../../src/mpegts/psi.ts';
import { AUDIO_PID, accessUnit, PMT_PID, TsBuilder, VIDEO_PID } from './ts-builder.ts';

/** About two seconds of a good stream; repeated, its clocks and counters begin anew each time. */
export function soundStream(): Buffer {
  const builder = new TsBuilder();
  for (let index = 0; index < 50; index++) {
    if (index % 5 === 0) builder.tables();
    const unit = index % 25 === 0 ? accessUnit.h264Idr(4_000) : accessUnit.h264P(2_000);
    builder.pes(VIDEO_PID, unit, { pts: index * 3_600 + 7_200, dts: index * 3_600, pcr: index * 1_080_000 });
    builder.pes(AUDIO_PID, accessUnit.aac(300), { pts: index * 3_600 });
  }
  return builder.build();
}

/** `outcome`: the code of the refusal, or `plays`. `open` begins anew; what it gives gives piece after piece. */
export interface BadStream {
  readonly name: string;
  readonly outcome: string;
  readonly open: () => () => Buffer;
}

export const BAD_STREAMS: readonly BadStream[] = [
  {
    name: 'text',
    outcome: 'not_mpegts',
    open: () => () => Buffer.alloc(65_536, 'This is no transport stream. '),
  },
  { name: 'zeros', outcome: 'not_mpegts', open: () => () => Buffer.alloc(65_536) },
  { name: 'random bytes', outcome: 'not_mpegts', open: () => () => randomBytes(65_536) },
  {
    name: 'sync bytes only',
    outcome: 'content_scrambled',
    open: () => () => Buffer.alloc(65_536, SYNC_BYTE),
  },
  { name: 'null packets only', outcome: 'no_media', open: () => () => new TsBuilder().nulls(400).build() },
  { name: 'adaptation fields only', outcome: 'no_media', open: () => () => packets(400, adaptationOnly) },
  {
    name: 'adaptation fields longer than packets',
    outcome: 'no_media',
    open: () => () => packets(400, tooLongField),
  },
  { name: 'a PID of its own for every packet', outcome: 'no_media', open: () => () => packets(400, anyPid) },
  { name: 'every payload scrambled', outcome: 'content_scrambled', open: () => scrambled },
  { name: '8,000 programs', outcome: 'no_media', open: () => manyPrograms },
  { name: 'sections that never end', outcome: 'no_media', open: () => endlessSections },
  { name: 'sections of 4,096 bytes', outcome: 'no_media', open: () => largestSections },
  { name: 'a PMT that changes each time', outcome: 'plays', open: () => changingPmt },
  { name: 'a unit without an end', outcome: 'plays', open: endlessUnit },
  { name: 'clocks that jump with every picture', outcome: 'plays', open: () => jumpingClocks },
  { name: 'counters that never fit', outcome: 'plays', open: () => brokenCounters },
  { name: 'PIDs that change with every picture', outcome: 'plays', open: () => changingPids },
  { name: 'bytes lost in every packet or so', outcome: 'plays', open: () => shiftedPackets },
];

function packets(count: number, write: (packet: Buffer, index: number) => void): Buffer {
  const all = Buffer.alloc(count * PACKET_BYTES, 0xff);
  for (let index = 0; index < count; index++) {
    const packet = all.subarray(index * PACKET_BYTES, (index + 1) * PACKET_BYTES);
    packet[0] = SYNC_BYTE;
    write(packet, index);
  }
  return all;
}

function adaptationOnly(packet: Buffer): void {
  packet.set([0x01, 0x00, 0x20, 183, 0x00], 1);
}

function tooLongField(packet: Buffer, index: number): void {
  packet.set([0x41, 0x00, 0x30 | (index & 0x0f), 255, 0xff], 1);
}

function anyPid(packet: Buffer, index: number): void {
  packet.set([0x40, 0, 0x10 | (index & 0x0f)], 1);
  setPid(packet, 0, 0x20 + Math.floor(Math.random() * 0x1f00));
}

function scrambled(): Buffer {
  const builder = new TsBuilder().tables();
  for (let index = 0; index < 30; index++) {
    builder.pes(VIDEO_PID, accessUnit.h264Idr(4_000), { pts: index * 3_600, scrambled: true });
  }
  return builder.build();
}

/** A PAT of 32 sections, and a PMT packet on every PID that it names. */
function manyPrograms(): Buffer {
  const sections = Array.from({ length: 32 }, (_, section) => {
    const programs = Array.from({ length: 250 }, (_, index) => {
      const programNumber = section * 250 + index + 1;
      return { programNumber, pmtPid: 0x20 + ((programNumber - 1) % 0x1f00) };
    });
    const bytes = buildPatSection({ version: 0, transportStreamId: 1, programs });
    bytes[6] = section;
    bytes[7] = 31;
    return packetizeSection(withCrc(bytes), 0, section * 6);
  });
  const pmts = Array.from({ length: 1_000 }, (_, index) => {
    return new TsBuilder({ pmtPid: 0x20 + index, programNumber: index + 1 }).pmt().build();
  });
  return Buffer.concat([...sections, ...pmts]);
}

/** The same section with a checksum that is right. */
function withCrc(section: Buffer): Buffer {
  section.writeUInt32BE(crc32(section.subarray(0, -4)), section.length - 4);
  return section;
}

function crc32(bytes: Buffer): number {
  let crc = 0xffff_ffff;
  for (const byte of bytes) {
    crc ^= byte << 24;
    for (let bit = 0; bit < 8; bit++) crc = crc & 0x8000_0000 ? (crc << 1) ^ 0x04c1_1db7 : crc << 1;
  }
  return crc >>> 0;
}

/** PAT and PMT begin again and again and are never whole. */
function endlessSections(): Buffer {
  return packets(400, (packet, index) => {
    const isPat = index % 2 === 0;
    packet.set([0x40, 0, 0x10 | ((index >> 1) & 0x0f), 0, isPat ? 0 : 2, 0xbf, 0xfd], 1);
    setPid(packet, 0, isPat ? 0 : PMT_PID);
  });
}

/** Whole sections of the greatest length that the syntax has, on the PIDs of the tables. */
function largestSections(): Buffer {
  const section = Buffer.alloc(4_096, 0x55);
  section.set([0x02, 0xbf, 0xfd, 0, 1, 0xc1, 0, 0]);
  const builder = new TsBuilder().pat();
  for (let count = 0; count < 16; count++) {
    builder.section(PMT_PID, withCrc(section)).section(0, withCrc(section));
  }
  return builder.build();
}

let version = 0;

function changingPmt(): Buffer {
  const builder = new TsBuilder().pat();
  for (let index = 0; index < 20; index++) {
    version = (version + 1) & 0x1f;
    builder.change({
      pmtVersion: version,
      pmtDescriptors: randomBytes(200).fill(0x90, 0, 1).fill(198, 1, 2),
    });
    builder.pmt().pes(VIDEO_PID, accessUnit.h264Idr(2_000), { pts: index * 3_600, pcr: index * 1_080_000 });
  }
  return builder.build();
}

/** A PES packet that begins once. */
function endlessUnit(): () => Buffer {
  let packetsSent = 0;
  return () => {
    if (packetsSent === 0) {
      packetsSent = 3;
      return new TsBuilder().tables().packet(unitStart()).build();
    }
    return packets(400, (packet) => packet.set([0x01, 0x00, 0x10 | (packetsSent++ & 0x0f)], 1));
  };
}

function unitStart(): Buffer {
  const [first] = new TsBuilder().pesPackets(VIDEO_PID, accessUnit.h264Idr(2_000), { pts: 0 });
  return first ?? Buffer.alloc(PACKET_BYTES);
}

function jumpingClocks(): Buffer {
  const builder = new TsBuilder().tables();
  for (let index = 0; index < 40; index++) {
    const pts = Math.floor(Math.random() * 2 ** 33);
    const pcr = Math.floor(Math.random() * 2 ** 33) * 300;
    builder.pes(VIDEO_PID, accessUnit.h264Idr(1_500), { pts, dts: Math.floor(Math.random() * 2 ** 33), pcr });
  }
  return builder.build();
}

function brokenCounters(): Buffer {
  const stream = soundStream();
  for (let at = 3; at < stream.length; at += PACKET_BYTES) {
    stream[at] = (stream[at]! & 0xf0) | Math.floor(Math.random() * 16);
  }
  // As a viewer is let in where tables and a picture are whole, some must be.
  return Buffer.concat([soundStream(), stream]);
}

function changingPids(): Buffer {
  const builder = new TsBuilder();
  for (let index = 0; index < 20; index++) {
    const pid = 0x100 + Math.floor(Math.random() * 0xe00);
    version = (version + 1) & 0x1f;
    builder.change({ pmtVersion: version, pcrPid: pid, streams: [{ pid, streamType: 0x1b }] });
    builder.tables().pes(pid, accessUnit.h264Idr(1_500), { pts: index * 3_600, pcr: index * 1_080_000 });
  }
  return builder.build();
}

/** Of every stretch of twenty packets one byte is missing. */
function shiftedPackets(): Buffer {
  const stream = soundStream();
  const pieces: Buffer[] = [];
  for (let at = 0; at < stream.length; at += 20 * PACKET_BYTES) {
    pieces.push(stream.subarray(at, Math.min(stream.length, at + 20 * PACKET_BYTES - 1)));
  }
  return Buffer.concat(pieces);
}
