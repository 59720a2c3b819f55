import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AUDIO_PID, accessUnit, TsBuilder, VIDEO_PID } from '../../test/support/ts-builder.ts';
import { OpenPoint } from './access-point.ts';
import { PACKET_BYTES } from './packet.ts';
import { ProgramTables } from './program-tables.ts';
import { type AccessPoint, StreamScanner } from './scanner.ts';
import { UnitBook } from './unit-book.ts';

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

test('a point that is not accepted is forgotten with the next', () => {
  const tables = new ProgramTables();
  const point = (position: number): OpenPoint =>
    new OpenPoint(position, undefined, 0, tables, { pat: 0, pmt: 0 });
  const [first, second] = [point(188), point(564)];
  const book = new UnitBook();
  book.unitStart(AUDIO_PID, 0);
  book.setCandidate(first);
  book.continuation(AUDIO_PID, 376);
  book.setCandidate(second);
  book.accept(second, 'idr');
  book.continuation(AUDIO_PID, 752);
  assert.deepEqual(first.omit, [376]);
  assert.deepEqual(second.omit, [752]);
  assert.equal(second.omitComplete, false);
  book.unitStart(AUDIO_PID, 940);
  assert.equal(second.omitComplete, true);
});

test('of very many access points at once the oldest are closed', () => {
  const book = new UnitBook();
  const tables = new ProgramTables();
  book.unitStart(AUDIO_PID, 0);
  const points = Array.from({ length: 100 }, (_, index) => {
    const point = new OpenPoint((index + 1) * PACKET_BYTES, undefined, 0, tables, { pat: 0, pmt: 0 });
    book.closeOld(0);
    book.setCandidate(point);
    book.accept(point, 'idr');
    return point;
  });
  assert.equal(points.filter(({ omitComplete }) => !omitComplete).length, 64);
  assert.equal(points.at(-1)?.omitComplete, false);
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
