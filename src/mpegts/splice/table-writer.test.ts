import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type ProgramChoice, TsBuilder } from '../../../test/support/ts-builder.ts';
import { PACKET_BYTES, PID_COUNT, pidOf } from '../packet.ts';
import { parsePat, parsePmt } from '../psi.ts';
import { PidMapping } from './pid-mapping.ts';
import { type ProgramMap, TableFollower } from './program-map.ts';
import { TableWriter } from './table-writer.ts';

function mapOf(program: ProgramChoice): ProgramMap {
  const follower = new TableFollower();
  const tables = new TsBuilder(program).tables().build();
  for (let at = 0; at < tables.length; at += PACKET_BYTES) follower.push(pidOf(tables, at), tables, at);
  assert.ok(follower.map);
  return follower.map;
}

function writer(old: ProgramMap, fresh: ProgramMap, isNew = false): TableWriter {
  return new TableWriter(old, new PidMapping(old, fresh, new Uint8Array(PID_COUNT)), isNew);
}

const VIDEO = { pid: 0x100, streamType: 0x1b };
const OLD = mapOf({ streams: [VIDEO], patVersion: 4, pmtVersion: 31 });

test("tables that say the same are written as they were, with the ring's version, PIDs and numbers", () => {
  const fresh = mapOf({
    programNumber: 77,
    pmtPid: 0x20,
    patVersion: 9,
    pmtVersion: 9,
    streams: [{ pid: 0x333, streamType: 0x1b }],
  });
  const [pat, pmt] = writer(OLD, fresh).all(fresh);
  assert.deepEqual(pat?.section, OLD.patSections[0]);
  assert.equal(pmt?.pid, 0x1000);
  assert.deepEqual(pmt?.section, OLD.programs[0]?.section);
});

test('a new timeline has new versions, which wrap, once', () => {
  const tables = writer(OLD, OLD, true);
  for (let turn = 0; turn < 2; turn++) {
    const [pat, pmt] = tables.all(OLD);
    assert.equal(parsePat(pat!.section)?.version, 5);
    assert.equal(parsePmt(pmt!.section)?.version, 0);
  }
});

test('a change of what the tables say is a new version, each time', () => {
  const more = mapOf({ streams: [VIDEO, { pid: 0x101, streamType: 0x0f }] });
  const tables = writer(OLD, OLD);
  const versions = [OLD, more, more, OLD].map(
    (map) => parsePmt(tables.pmt(map, 1)?.section ?? Buffer.alloc(0))?.version,
  );
  assert.deepEqual(versions, [31, 0, 0, 1]);
});

test('a program that the new source has not has no table', () => {
  assert.equal(writer(OLD, OLD).pmt(OLD, 5), undefined);
});
