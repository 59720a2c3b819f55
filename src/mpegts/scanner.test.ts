import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  AUDIO_PID,
  accessUnit,
  PMT_PID,
  type ProgramChoice,
  splitPackets,
  TsBuilder,
  VIDEO_PID,
} from '../../test/support/ts-builder.ts';
import { PACKET_BYTES, PAT_PID, pidOf } from './packet.ts';
import { buildPatSection, buildPmtSection, parsePmt, SectionAssembler } from './psi.ts';
import { type AccessPoint, StreamScanner } from './scanner.ts';

const FRAME_TICKS = 3_600; // 25 pictures a second

function scanned(stream: Buffer): { scanner: StreamScanner; points: AccessPoint[] } {
  const scanner = new StreamScanner();
  scanner.scan(stream, 0);
  return { scanner, points: scanner.takeAccessPoints() };
}

/** Pictures of 40 ms with PCR, sound beside them, tables every tenth; an IDR every `idrEvery`, the first included. */
function pictures(builder: TsBuilder, count: number, { idrEvery = 25, from = 0 } = {}): TsBuilder {
  for (let index = from; index < from + count; index++) {
    if (index % 10 === 0) builder.tables();
    const dts = index * FRAME_TICKS;
    const unit = index % idrEvery === 0 ? accessUnit.h264Idr() : accessUnit.h264P();
    builder.pes(VIDEO_PID, unit, { pts: dts + 2 * FRAME_TICKS, dts, pcr: dts * 300 });
    builder.pes(AUDIO_PID, accessUnit.aac(), { pts: dts });
  }
  return builder;
}

test('each IDR is an access point with its position, PTS and media time', () => {
  const { points, scanner } = scanned(pictures(new TsBuilder(), 60).build());
  assert.deepEqual(
    points.map(({ kind, pts, mediaMs }) => ({ kind, pts, mediaMs })),
    [0, 25, 50].map((index) => ({
      kind: 'idr',
      pts: (index + 2) * FRAME_TICKS,
      mediaMs: index * 40,
    })),
  );
  assert.equal(points[0]?.position, 2 * PACKET_BYTES);
  assert.equal(scanner.continuityErrors, 0);
  assert.equal(scanner.mediaMs, 59 * 40);
});

test('the program says what is played', () => {
  const { program } = scanned(new TsBuilder().tables().build()).scanner;
  assert.ok(program);
  const { streams, ...rest } = program;
  assert.deepEqual(rest, {
    programNumber: 1,
    pmtPid: PMT_PID,
    pcrPid: VIDEO_PID,
    videoPid: VIDEO_PID,
    videoCodec: 'h264',
    audioPid: AUDIO_PID,
    audioOnly: false,
  });
  assert.deepEqual(
    streams.map(({ pid, kind }) => [pid, kind]),
    [
      [VIDEO_PID, 'h264'],
      [AUDIO_PID, 'audio'],
    ],
  );
});

test('access points are handed out once, and only those decided', () => {
  const builder = new TsBuilder().tables();
  const idr = builder.pesPackets(VIDEO_PID, Buffer.concat([Buffer.alloc(400), accessUnit.h264Idr()]), {
    pts: 1,
  });
  const scanner = new StreamScanner();
  scanner.scan(builder.build(), 0);
  scanner.scan(idr[0]!, builder.position);
  assert.deepEqual(scanner.takeAccessPoints(), []);
  scanner.scan(Buffer.concat(idr.slice(1)), builder.position + PACKET_BYTES);
  assert.deepEqual(
    scanner.takeAccessPoints().map(({ position }) => position),
    [builder.position],
  );
  assert.deepEqual(scanner.takeAccessPoints(), []);
});

test('there is no access point before both tables are complete', () => {
  const builder = new TsBuilder();
  builder.pes(VIDEO_PID, accessUnit.h264Idr(), { pts: 1 });
  builder.pat();
  builder.pes(VIDEO_PID, accessUnit.h264Idr(), { pts: 2 });
  builder.pmt();
  const good = builder.pes(VIDEO_PID, accessUnit.h264Idr(), { pts: 3 });
  assert.deepEqual(
    scanned(builder.build()).points.map(({ position }) => position),
    [good],
  );
});

test('packets that continue what began before are left out until their PID begins anew', () => {
  const builder = new TsBuilder().tables();
  const sound = builder.pesPackets(AUDIO_PID, accessUnit.aac(700));
  builder.packet(sound[0]!);
  const position = builder.pes(VIDEO_PID, accessUnit.h264Idr(20));
  const at = builder.position;
  builder.packet(sound[1]!).packet(sound[2]!).packet(sound[3]!);
  const scanner = new StreamScanner();
  scanner.scan(builder.build(), 0);
  const [point] = scanner.takeAccessPoints();
  assert.equal(point?.position, position);
  assert.deepEqual(point.omit, [at, at + PACKET_BYTES, at + 2 * PACKET_BYTES]);
  assert.equal(point.omitComplete, false);
  const more = new TsBuilder();
  more.pes(AUDIO_PID, accessUnit.aac(700));
  more.tables();
  scanner.scan(more.build(), builder.position);
  assert.equal(point.omit.length, 3);
  assert.equal(point.omitComplete, true);
});

test('packets are left out for every access point that needs it, and no other', () => {
  const builder = new TsBuilder().tables();
  const sound = builder.pesPackets(AUDIO_PID, accessUnit.aac(700));
  builder.pes(VIDEO_PID, accessUnit.h264Idr(20));
  builder.packet(sound[0]!);
  builder.pes(VIDEO_PID, accessUnit.h264Idr(20));
  const at = builder.position;
  builder.packet(sound[1]!);
  builder.pes(VIDEO_PID, accessUnit.h264Idr(20));
  builder.packet(sound[2]!);
  const { points } = scanned(builder.build());
  assert.deepEqual(
    points.map(({ omit }) => omit),
    [[], [at, builder.position - PACKET_BYTES], [builder.position - PACKET_BYTES]],
  );
});

test('null packets, and the packets of a PID that only carries the PCR, are never left out', () => {
  const builder = new TsBuilder({ pcrPid: 0x200 }).tables().pcr(0x200, 0);
  const sound = builder.pesPackets(AUDIO_PID, accessUnit.aac(300));
  builder.packet(sound[0]!);
  builder.pes(VIDEO_PID, accessUnit.h264Idr(20));
  builder.nulls(2).pcr(0x200, 27_000);
  const at = builder.position;
  builder.packet(sound[1]!);
  assert.deepEqual(scanned(builder.build()).points[0]?.omit, [at]);
});

test('a packet without payload between packets that are left out is left out too', () => {
  const builder = new TsBuilder({ pcrPid: AUDIO_PID }).tables();
  const sound = builder.pesPackets(AUDIO_PID, accessUnit.aac(300));
  builder.packet(sound[0]!);
  builder.pes(VIDEO_PID, accessUnit.h264Idr(20));
  const at = builder.position;
  builder.pcr(AUDIO_PID, 27_000).packet(sound[1]!);
  assert.deepEqual(scanned(builder.build()).points[0]?.omit, [at, at + PACKET_BYTES]);
});

test('a PID that never begins a unit is not waited for without end', () => {
  const builder = new TsBuilder().tables();
  const raw = Buffer.alloc(PACKET_BYTES, 0x11);
  raw.set([0x47, 0x03, 0x00, 0x10]);
  builder.pes(VIDEO_PID, accessUnit.h264Idr(20));
  for (let index = 0; index < 3_000; index++) builder.packet(raw);
  builder.pes(VIDEO_PID, accessUnit.h264Idr(20));
  for (let index = 0; index < 10; index++) builder.packet(raw);
  const [first, second] = scanned(builder.build()).points;
  assert.ok(first && first.omit.length < 3_000);
  assert.deepEqual(second?.omit, []);
});

test('the list of packets to leave out is bounded', () => {
  const builder = new TsBuilder().tables();
  const pids = [0x300, 0x301, 0x302];
  const units = pids.map((pid) => builder.pesPackets(pid, Buffer.alloc(2_000 * 184, 0x11)));
  for (const unit of units) builder.packet(unit[0]!);
  builder.pes(VIDEO_PID, accessUnit.h264Idr(20));
  for (const unit of units) for (const packet of unit.slice(1)) builder.packet(packet);
  const [point] = scanned(builder.build()).points;
  assert.equal(point?.omit.length, 4_096);
  assert.equal(point.omitComplete, true);
});

test('after ten seconds of media nothing more is noted', () => {
  const builder = pictures(new TsBuilder(), 1);
  const stray = builder.pesPackets(0x300, Buffer.alloc(2_000, 0x11));
  builder.packet(stray[0]!);
  const beforeSecond = builder.position;
  pictures(builder, 26, { from: 25 });
  const scanner = new StreamScanner();
  scanner.scan(builder.build(), 0);
  const point = scanner.takeAccessPoints().find(({ position }) => position > beforeSecond);
  assert.equal(point?.omitComplete, false);
  const at = builder.position;
  pictures(builder, 280, { from: 51 });
  builder.packet(stray[1]!);
  scanner.scan(builder.build().subarray(at), at);
  assert.deepEqual(point.omit, []);
  assert.equal(point.omitComplete, true);
});

/** The counters of the packets of one PID. */
function countersOf(packets: Buffer, pid: number): number[] {
  return splitPackets(packets)
    .filter((packet) => pidOf(packet, 0) === pid)
    .map((packet) => packet[3]! & 15);
}

const LONG_PMT: ProgramChoice = {
  pmtDescriptors: Buffer.concat([Buffer.from([0x90, 250]), Buffer.alloc(250)]),
};

test('the tables are PAT, then PMT, with the counters of the last ones before the access point', () => {
  const builder = new TsBuilder(LONG_PMT).tables().tables().tables().pat();
  builder.pes(VIDEO_PID, accessUnit.h264Idr());
  const [point] = scanned(builder.build()).points;
  assert.ok(point);
  assert.deepEqual(
    splitPackets(point.tables).map((packet) => pidOf(packet, 0)),
    [PAT_PID, PMT_PID, PMT_PID],
  );
  assert.deepEqual(countersOf(point.tables, PAT_PID), [3]);
  assert.deepEqual(countersOf(point.tables, PMT_PID), [4, 5]);
});

test('an access point in the middle of a PMT waits for its end and continues its counter', () => {
  const builder = new TsBuilder(LONG_PMT).tables();
  const pmt = builder.sectionPackets(PMT_PID, builder.pmtSection());
  builder.packet(pmt[0]!);
  builder.pes(VIDEO_PID, accessUnit.h264Idr());
  const scanner = new StreamScanner();
  scanner.scan(builder.build(), 0);
  assert.deepEqual(scanner.takeAccessPoints(), []);
  scanner.scan(pmt[1]!, builder.position);
  const [point] = scanner.takeAccessPoints();
  assert.ok(point);
  assert.deepEqual(point.omit, [builder.position]);
  assert.deepEqual(countersOf(point.tables, PMT_PID), [2, 3]);
});

test('when that PMT is a new one, the access point carries the new one', () => {
  const builder = new TsBuilder(LONG_PMT).tables().change({ pmtVersion: 1 });
  const pmt = builder.sectionPackets(PMT_PID, builder.pmtSection());
  builder.packet(pmt[0]!);
  builder.pes(VIDEO_PID, accessUnit.h264Idr());
  builder.packet(pmt[1]!);
  assert.equal(pmtOf(scanned(builder.build()).points[0])?.version, 1);
});

test('when the rest of that PMT is lost, the access point comes with the next one', () => {
  const builder = new TsBuilder(LONG_PMT).tables();
  const pmt = builder.sectionPackets(PMT_PID, builder.pmtSection());
  builder.packet(pmt[0]!);
  builder.pes(VIDEO_PID, accessUnit.h264Idr());
  builder.pmt();
  const [point] = scanned(builder.build()).points;
  assert.ok(point);
  assert.deepEqual(countersOf(point.tables, PMT_PID), [1, 2]);
});

test('a PMT that never ends does not hold access points back for ever', () => {
  const builder = new TsBuilder(LONG_PMT).tables();
  builder.packet(builder.sectionPackets(PMT_PID, builder.pmtSection())[0]!);
  for (let index = 0; index < 75; index++) {
    builder.pes(VIDEO_PID, accessUnit.h264Idr(), {
      pts: index * FRAME_TICKS,
      pcr: index * FRAME_TICKS * 300,
    });
  }
  assert.equal(scanned(builder.build()).points.length, 75);
});

function pmtOf(point: AccessPoint | undefined): ReturnType<typeof parsePmt> {
  assert.ok(point);
  const assembler = new SectionAssembler();
  const packets = splitPackets(point.tables).filter((packet) => pidOf(packet, 0) !== PAT_PID);
  const [section] = packets.flatMap((packet) => assembler.push(packet, 0));
  return section && parsePmt(section);
}

test('a new PMT moves on to its PIDs, and access points carry it', () => {
  const builder = pictures(new TsBuilder(), 30);
  const streams = [{ pid: 0x555, streamType: 0x24 }];
  builder.change({ pmtVersion: 1, pcrPid: 0x555, streams }).pmt();
  builder.pes(0x555, accessUnit.hevc(20), { pts: 9 });
  builder.pes(VIDEO_PID, accessUnit.h264Idr());
  const { points, scanner } = scanned(builder.build());
  assert.deepEqual(
    points.map(({ kind }) => kind),
    ['idr', 'idr', 'irap'],
  );
  assert.equal(pmtOf(points[1])?.version, 0);
  assert.equal(pmtOf(points[2])?.version, 1);
  assert.equal(scanner.program?.videoCodec, 'hevc');
});

test('a PAT of two sections is one table, and its first program with sound or picture is played', () => {
  const builder = new TsBuilder();
  const sections = [0, 1].map((sectionNumber) =>
    buildPatSection({
      version: 0,
      transportStreamId: 1,
      sectionNumber,
      lastSectionNumber: 1,
      programs: [{ programNumber: sectionNumber + 1, pmtPid: PMT_PID + sectionNumber }],
    }),
  );
  builder.section(PAT_PID, sections[1]!);
  const data = buildPmtSection({
    version: 0,
    programNumber: 1,
    pcrPid: 5,
    streams: [{ pid: 0x90, streamType: 5 }],
  });
  const video = buildPmtSection({
    version: 0,
    programNumber: 2,
    pcrPid: VIDEO_PID,
    streams: [{ pid: VIDEO_PID, streamType: 0x1b }],
  });
  builder.section(PMT_PID + 1, video);
  builder.pes(VIDEO_PID, accessUnit.h264Idr());
  builder.section(PAT_PID, sections[0]!);
  builder.section(PMT_PID, data).section(PMT_PID + 1, video);
  const position = builder.pes(VIDEO_PID, accessUnit.h264Idr());
  const { points, scanner } = scanned(builder.build());
  assert.equal(scanner.program?.programNumber, 2);
  assert.deepEqual(
    points.map((point) => point.position),
    [position],
  );
  assert.deepEqual(countersOf(points[0]!.tables, PAT_PID), [0, 1]);
});

test('of several programs the first of the PAT is played, whichever PMT comes first', () => {
  const builder = new TsBuilder();
  const programs = [1, 2].map((programNumber) => ({ programNumber, pmtPid: PMT_PID + programNumber }));
  const pmtOfProgram = (programNumber: number, version: number): Buffer =>
    buildPmtSection({
      version,
      programNumber,
      pcrPid: 0x50,
      streams: [{ pid: VIDEO_PID, streamType: 0x1b }],
    });
  builder.section(PAT_PID, buildPatSection({ version: 0, transportStreamId: 1, programs }));
  const scanner = new StreamScanner();
  const scanNext = (pid: number, section: Buffer): number | undefined => {
    const at = builder.position;
    builder.section(pid, section);
    scanner.scan(builder.build().subarray(at), at);
    return scanner.program?.programNumber;
  };
  scanner.scan(builder.build(), 0);
  assert.equal(scanNext(PMT_PID + 2, pmtOfProgram(2, 0)), 2);
  assert.equal(scanNext(PMT_PID + 1, pmtOfProgram(1, 0)), 1);
  assert.equal(scanNext(PMT_PID + 2, pmtOfProgram(2, 1)), 1);
});

test('a packet that comes twice is looked at once', () => {
  const builder = new TsBuilder().tables();
  const packets = builder.pesPackets(VIDEO_PID, accessUnit.h264Idr());
  for (const packet of packets) builder.packet(packet).packet(packet);
  const { points, scanner } = scanned(builder.build());
  assert.equal(points.length, 1);
  assert.equal(scanner.continuityErrors, 0);
});

test('scrambled video gives no access point and is counted', () => {
  const builder = new TsBuilder().tables();
  builder.pes(VIDEO_PID, accessUnit.h264Idr(), { scrambled: true });
  const { points, scanner } = scanned(builder.build());
  assert.deepEqual(points, []);
  assert.equal(scanner.scrambledPackets, builder.position / PACKET_BYTES - 2);
  assert.equal(scanner.fallbackAccessPoint(), undefined);
});

test('an access unit with a hole before it could be told is none to begin at', () => {
  const builder = new TsBuilder().tables();
  const packets = builder.pesPackets(VIDEO_PID, Buffer.concat([Buffer.alloc(500), accessUnit.h264Idr()]));
  for (const [index, packet] of packets.entries()) if (index !== 1) builder.packet(packet);
  const { points, scanner } = scanned(builder.build());
  assert.deepEqual(points, []);
  assert.equal(scanner.continuityErrors, 1);
});

test('sound alone has access points at least half a second apart', () => {
  const streams = [{ pid: AUDIO_PID, streamType: 0x0f }];
  const builder = new TsBuilder({ streams }).tables();
  for (let index = 0; index < 100; index++)
    builder.pes(AUDIO_PID, accessUnit.aac(), { pts: index * FRAME_TICKS });
  const { points, scanner } = scanned(builder.build());
  assert.equal(scanner.program?.audioOnly, true);
  assert.deepEqual(
    points.map(({ kind, mediaMs }) => [kind, mediaMs]),
    [0, 520, 1040, 1560, 2080, 2600, 3120, 3640].map((mediaMs) => ['audio', mediaMs]),
  );
});

test('other codecs begin where the multiplexer says', () => {
  const builder = new TsBuilder({ streams: [{ pid: VIDEO_PID, streamType: 0xea }] }).tables();
  builder.pes(VIDEO_PID, Buffer.alloc(50));
  const position = builder.pes(VIDEO_PID, Buffer.alloc(50), { randomAccess: true });
  const { points } = scanned(builder.build());
  assert.deepEqual(
    points.map((point) => [point.kind, point.position]),
    [['indicator', position]],
  );
});

test('without access points the newest picture serves, with what it leaves out from its position on', () => {
  const builder = new TsBuilder().tables();
  builder.pes(VIDEO_PID, accessUnit.h264P(), { pts: 1 });
  const sound = builder.pesPackets(AUDIO_PID, accessUnit.aac(300));
  builder.packet(sound[0]!);
  const position = builder.pes(VIDEO_PID, accessUnit.h264P(), { pts: 2 });
  builder.packet(sound[1]!);
  const { points, scanner } = scanned(builder.build());
  assert.deepEqual(points, []);
  assert.equal(scanner.newestUnitStart?.position, position);
  const point = scanner.fallbackAccessPoint();
  assert.ok(point);
  assert.equal(point.kind, 'fallback');
  assert.equal(point.pts, 2);
  assert.deepEqual(point.omit, [builder.position - PACKET_BYTES]);
  assert.equal(scanner.fallbackAccessPoint(), point);
  assert.deepEqual(scanner.takeAccessPoints(), []);
});

test('the timestamps of the pictures tell the time where there is no PCR', () => {
  const builder = new TsBuilder().tables();
  for (let index = 0; index < 51; index++) {
    builder.pes(VIDEO_PID, accessUnit.h264P(), {
      pts: index * FRAME_TICKS + 7_200,
      dts: index * FRAME_TICKS,
    });
  }
  assert.equal(scanned(builder.build()).scanner.mediaMs, 2_000);
});

test('the clock stands still when the PCR goes back, and goes on from there', () => {
  const builder = new TsBuilder().tables();
  for (const seconds of [0, 1, 2, 0, 1, 2]) builder.pcr(VIDEO_PID, seconds * 27_000_000);
  assert.equal(scanned(builder.build()).scanner.mediaMs, 4_000);
});

test('after a break nothing of before counts: counters, clock, tables, what is left out', () => {
  const builder = pictures(new TsBuilder(), 10);
  const scanner = new StreamScanner();
  scanner.scan(builder.build(), 0);
  const [before] = scanner.takeAccessPoints();
  const mediaMs = scanner.mediaMs;
  scanner.markBreak();
  assert.equal(before?.omitComplete, true);
  assert.equal(scanner.program, undefined);
  assert.equal(scanner.fallbackAccessPoint(), undefined);

  const next = new TsBuilder();
  next.pes(VIDEO_PID, accessUnit.h264Idr());
  const ticks = 900_000;
  next.tables().skipCounters(VIDEO_PID, 5);
  const position = next.pes(VIDEO_PID, accessUnit.h264Idr(), { pts: ticks, pcr: ticks * 300 });
  scanner.scan(next.build().subarray(PACKET_BYTES), builder.position + PACKET_BYTES);
  assert.deepEqual(
    scanner.takeAccessPoints().map((point) => [point.position, point.mediaMs]),
    [[builder.position + position, mediaMs]],
  );
});

test('packets are counted by what is wrong with them', () => {
  const builder = new TsBuilder().tables().nulls(3);
  const damaged = new TsBuilder().pat().build();
  damaged[1] = damaged[1]! | 0x80;
  builder.packet(damaged);
  const { scanner } = scanned(builder.build());
  assert.deepEqual([scanner.packets, scanner.nullPackets, scanner.transportErrors], [6, 3, 1]);
});
