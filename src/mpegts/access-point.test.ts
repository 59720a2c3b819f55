import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  accessUnit,
  PMT_PID,
  type ProgramChoice,
  splitPackets,
  TsBuilder,
  VIDEO_PID,
} from '../../test/support/ts-builder.ts';
import { OpenPoint } from './access-point.ts';
import { PACKET_BYTES, PAT_PID, pidOf } from './packet.ts';
import { ProgramTables } from './program-tables.ts';
import { parsePmt, SectionAssembler } from './psi.ts';
import { type AccessPoint, StreamScanner } from './scanner.ts';

const FRAME_TICKS = 3_600; // 25 pictures a second

function scanned(stream: Buffer): { scanner: StreamScanner; points: AccessPoint[] } {
  const scanner = new StreamScanner();
  scanner.scan(stream, 0);
  return { scanner, points: scanner.takeAccessPoints() };
}

/** The counters of the packets of one PID. */
function countersOf(packets: Buffer, pid: number): number[] {
  return splitPackets(packets)
    .filter((packet) => pidOf(packet, 0) === pid)
    .map((packet) => packet[3]! & 15);
}

const LONG_PMT: ProgramChoice = {
  pmtDescriptors: Buffer.concat([Buffer.from([0x90, 250]), Buffer.alloc(250)]),
};

function pmtOf(point: AccessPoint | undefined): ReturnType<typeof parsePmt> {
  assert.ok(point);
  const assembler = new SectionAssembler();
  const packets = splitPackets(point.tables).filter((packet) => pidOf(packet, 0) !== PAT_PID);
  const [section] = packets.flatMap((packet) => assembler.push(packet, 0));
  return section && parsePmt(section);
}

test('a point made while no table is known waits for both, and takes the counters it is told', () => {
  const tables = new ProgramTables();
  const point = new OpenPoint(0, undefined, 0, tables, { pat: 1, pmt: 1 });
  assert.equal(point.isWaiting, true);
  const packets = new TsBuilder().tables().build();
  tables.push(PAT_PID, packets, 0);
  tables.push(PMT_PID, packets, PACKET_BYTES);
  point.settlePat(7, tables.sections);
  assert.equal(point.isWaiting, true);
  point.settlePmt(9, tables.sections);
  assert.equal(point.isWaiting, false);
  assert.deepEqual(countersOf(point.tables, PAT_PID), [7]);
  assert.deepEqual(countersOf(point.tables, PMT_PID), [9]);
});

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
