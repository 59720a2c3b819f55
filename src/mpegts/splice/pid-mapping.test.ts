import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type ProgramChoice, TsBuilder } from '../../../test/support/ts-builder.ts';
import { PACKET_BYTES, PID_COUNT, pidOf } from '../packet.ts';
import { PidMapping } from './pid-mapping.ts';
import { type ProgramMap, TableFollower } from './program-map.ts';

function mapOf(program: ProgramChoice): ProgramMap {
  const follower = new TableFollower();
  const tables = new TsBuilder(program).tables().build();
  for (let at = 0; at < tables.length; at += PACKET_BYTES) follower.push(pidOf(tables, at), tables, at);
  assert.ok(follower.map);
  return follower.map;
}

function usedBy(...pids: number[]): Uint8Array {
  const used = new Uint8Array(PID_COUNT);
  for (const pid of pids) used[pid] = 1;
  return used;
}

const OLD = mapOf({
  streams: [
    { pid: 0x100, streamType: 0x1b },
    { pid: 0x101, streamType: 0x0f },
  ],
});
const USED = usedBy(0, 0x1000, 0x100, 0x101);

test('the same program stays where it is', () => {
  const mapping = new PidMapping(OLD, OLD, USED);
  assert.ok(mapping.agrees && mapping.isIdentity);
  assert.equal(mapping.pidFor(0x11), 0x11);
});

test('the same roles keep their PIDs in the ring, even if the new source has these the other way round', () => {
  const swapped = mapOf({
    pmtPid: 0x20,
    streams: [
      { pid: 0x101, streamType: 0x1b },
      { pid: 0x100, streamType: 0x0f },
    ],
  });
  const mapping = new PidMapping(OLD, swapped, USED);
  assert.ok(mapping.agrees && !mapping.isIdentity);
  assert.deepEqual(
    [0x101, 0x100, 0x20].map((pid) => mapping.pidFor(pid)),
    [0x100, 0x101, 0x1000],
  );
});

test('a stream of another codec gets a PID that never occurred, the sound beside it keeps its own', () => {
  const other = mapOf({
    streams: [
      { pid: 0x100, streamType: 0x24 },
      { pid: 0x101, streamType: 0x0f },
    ],
  });
  const mapping = new PidMapping(OLD, other, USED);
  assert.ok(!mapping.agrees);
  const video = mapping.pidFor(0x100) ?? 0;
  assert.equal(USED[video], 0);
  assert.equal(mapping.pidFor(0x101), 0x101);
});

test('packets that would be mixed with others have no place', () => {
  const moved = mapOf({
    streams: [
      { pid: 0x200, streamType: 0x1b },
      { pid: 0x201, streamType: 0x0f },
    ],
  });
  const mapping = new PidMapping(OLD, moved, USED);
  assert.equal(mapping.pidFor(0x200), 0x100);
  assert.equal(mapping.pidFor(0x100), undefined, 'unlisted there, video here');
});

test('a PCR on a PID of its own goes where the ring has one of its own', () => {
  const streams = [{ pid: 0x100, streamType: 0x1b }];
  const old = mapOf({ pcrPid: 0x1ff, streams });
  const fresh = mapOf({ pcrPid: 0x300, streams });
  assert.equal(new PidMapping(old, fresh, usedBy(0, 0x1000, 0x100, 0x1ff)).pidFor(0x300), 0x1ff);
});

test('tables that change later are followed; what is mapped stays', () => {
  const mapping = new PidMapping(OLD, OLD, USED);
  const streams = [...OLD.programs[0]!.streams, { pid: 0x105, streamType: 0x0f }];
  mapping.follow(mapOf({ streams }));
  assert.deepEqual(
    [0x100, 0x101, 0x105].map((pid) => mapping.pidFor(pid)),
    [0x100, 0x101, 0x105],
  );
});

test('those of the new source that have a place on a PID of the ring are told with it, moved or not', () => {
  const swapped = mapOf({
    pmtPid: 0x20,
    streams: [
      { pid: 0x101, streamType: 0x1b },
      { pid: 0x100, streamType: 0x0f },
    ],
  });
  const onto = new PidMapping(OLD, swapped, USED).onto([0, 0x1000, 0x100, 0x101, 0x1fff]);
  // What has the number of the ring's PMT in the new source would be mixed with it.
  assert.deepEqual(
    [...onto].sort(([one], [other]) => one - other),
    [
      [0, 0],
      [0x20, 0x1000],
      [0x100, 0x101],
      [0x101, 0x100],
      [0x1fff, 0x1fff],
    ],
  );
});
