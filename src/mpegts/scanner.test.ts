import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AUDIO_PID, accessUnit, splitPackets, TsBuilder, VIDEO_PID } from '../../test/support/ts-builder.ts';
import { PACKET_BYTES, PAT_PID, pidOf } from './packet.ts';
import { parsePmt, SectionAssembler } from './psi.ts';
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
