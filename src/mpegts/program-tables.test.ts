import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AUDIO_PID, PMT_PID, splitPackets, TsBuilder, VIDEO_PID } from '../../test/support/ts-builder.ts';
import { continuityCounter, PACKET_BYTES, PAT_PID, pidOf } from './packet.ts';
import { ProgramTables } from './program-tables.ts';
import { buildPatSection, buildPmtSection } from './psi.ts';

/** Gives it the packets of the PIDs that it wants to see; returns how often the program became another. */
function take(tables: ProgramTables, packets: Buffer): number {
  let changes = 0;
  for (let at = 0; at < packets.length; at += PACKET_BYTES) {
    const pid = pidOf(packets, at);
    if (tables.isTablePid[pid] === 1 && tables.push(pid, packets, at)) changes++;
  }
  return changes;
}

/** The number of the program to play. */
function programNumberOf(tables: ProgramTables): number | undefined {
  return tables.program?.programNumber;
}

/** A PMT of one stream on the video PID. */
function pmtOf(programNumber: number, streamType: number, version = 0): Buffer {
  return buildPmtSection({
    version,
    programNumber,
    pcrPid: VIDEO_PID,
    streams: [{ pid: VIDEO_PID, streamType }],
  });
}

test('the program says what is played', () => {
  const tables = new ProgramTables();
  assert.equal(take(tables, new TsBuilder().tables().build()), 1);
  assert.ok(tables.program);
  const { streams, ...rest } = tables.program;
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

test('tables that say the same again change nothing', () => {
  const tables = new ProgramTables();
  assert.equal(take(tables, new TsBuilder().tables().tables().tables().build()), 1);
});

test('a PAT of two sections is one table, and its first program with sound or picture is played', () => {
  const sections = [0, 1].map((sectionNumber) =>
    buildPatSection({
      version: 0,
      transportStreamId: 1,
      sectionNumber,
      lastSectionNumber: 1,
      programs: [{ programNumber: sectionNumber + 1, pmtPid: PMT_PID + sectionNumber }],
    }),
  );
  const tables = new ProgramTables();
  const builder = new TsBuilder().section(PAT_PID, sections[1]!).section(PMT_PID + 1, pmtOf(2, 0x1b));
  take(tables, builder.build());
  assert.equal(programNumberOf(tables), undefined);
  builder
    .section(PAT_PID, sections[0]!)
    .section(PMT_PID, pmtOf(1, 0x05))
    .section(PMT_PID + 1, pmtOf(2, 0x1b));
  take(tables, builder.build());
  assert.equal(programNumberOf(tables), 2);
  const packets = splitPackets(tables.sections?.packetsUpTo({ pat: 0, pmt: 15 }) ?? Buffer.alloc(0));
  assert.deepEqual(
    packets.map((packet) => [pidOf(packet, 0), continuityCounter(packet, 0)]),
    [
      [PAT_PID, 15],
      [PAT_PID, 0],
      [PMT_PID + 1, 15],
    ],
  );
});

test('of several programs the first of the PAT is played, whichever PMT comes first', () => {
  const programs = [1, 2].map((programNumber) => ({ programNumber, pmtPid: PMT_PID + programNumber }));
  const tables = new ProgramTables();
  const builder = new TsBuilder().section(
    PAT_PID,
    buildPatSection({ version: 0, transportStreamId: 1, programs }),
  );
  take(tables, builder.build());
  const takeNext = (programNumber: number, version: number): number | undefined => {
    const at = builder.position;
    builder.section(PMT_PID + programNumber, pmtOf(programNumber, 0x1b, version));
    take(tables, builder.build().subarray(at));
    return programNumberOf(tables);
  };
  assert.equal(takeNext(2, 0), 2);
  assert.equal(takeNext(1, 0), 1);
  assert.equal(takeNext(2, 1), 1);
});

test('a program that the PAT no longer names is gone', () => {
  const tables = new ProgramTables();
  const builder = new TsBuilder().tables();
  builder.change({ patVersion: 1, programNumber: 9, pmtPid: 0x500 }).pat();
  take(tables, builder.build());
  assert.equal(tables.program, undefined);
  assert.equal(tables.sections, undefined);
  assert.equal(tables.isTablePid[PMT_PID], 0);
  assert.equal(tables.isTablePid[0x500], 1);
});

test('a PAT of very many sections is not followed', () => {
  const tables = new ProgramTables();
  const builder = new TsBuilder().tables();
  for (let sectionNumber = 0; sectionNumber <= 16; sectionNumber++) {
    const description = {
      version: 1,
      transportStreamId: 1,
      sectionNumber,
      lastSectionNumber: 16,
      programs: [],
    };
    builder.section(PAT_PID, buildPatSection(description));
  }
  take(tables, builder.build());
  assert.equal(programNumberOf(tables), 1);
});
