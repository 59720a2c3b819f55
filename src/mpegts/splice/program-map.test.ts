import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TsBuilder } from '../../../test/support/ts-builder.ts';
import { PACKET_BYTES, pidOf } from '../packet.ts';
import { buildPatSection, buildPmtSection, packetizeSection } from '../psi.ts';
import { type CompletedTable, sameRoles, TableFollower } from './program-map.ts';

const VIDEO = { pid: 0x100, streamType: 0x1b };
const AUDIO = { pid: 0x101, streamType: 0x0f };

function follow(
  packets: Buffer,
  follower = new TableFollower(),
): { follower: TableFollower; completed: CompletedTable[] } {
  const completed: CompletedTable[] = [];
  for (let at = 0; at < packets.length; at += PACKET_BYTES) {
    const pid = pidOf(packets, at);
    if (follower.isTablePid[pid] === 1) completed.push(...follower.push(pid, packets, at));
  }
  return { follower, completed };
}

test('roles are told by program, kind and order, whatever the PIDs', () => {
  const streams = [VIDEO, AUDIO, { pid: 0x102, streamType: 0x0f }, { pid: 0x103, streamType: 0x06 }];
  const { follower } = follow(new TsBuilder({ streams }).tables().build());
  assert.deepEqual(
    follower.map?.programs[0]?.streams.map(({ role }) => role),
    ['0:h264:0', '0:audio:0', '0:audio:1', '0:other:0'],
  );
  assert.equal(follower.map?.reference?.pid, 0x100);
  assert.equal(follower.map?.pcrPid, 0x100);
});

test('without video the first audio is the reference', () => {
  const { follower } = follow(
    new TsBuilder({ streams: [{ pid: 0x103, streamType: 0x06 }, AUDIO] }).tables().build(),
  );
  assert.equal(follower.map?.reference?.pid, AUDIO.pid);
});

test('it tells which tables a packet completed, every time, changed or not', () => {
  const builder = new TsBuilder();
  const { completed } = follow(builder.tables().tables().build());
  assert.deepEqual(completed, ['pat', { pmtOf: 1 }, 'pat', { pmtOf: 1 }]);
});

test('the map is another object only when something changed', () => {
  const builder = new TsBuilder().tables();
  const { follower } = follow(builder.build());
  const { map } = follower;
  follow(new TsBuilder().skipCounters(0, 1).skipCounters(0x1000, 1).tables().build(), follower);
  assert.equal(follower.map, map);
  const changed = new TsBuilder({ pmtVersion: 1, streams: [VIDEO] });
  follow(changed.skipCounters(0, 2).skipCounters(0x1000, 2).tables().build(), follower);
  assert.notEqual(follower.map, map);
  assert.equal(follower.map?.programs[0]?.streams.length, 1);
});

test('of several programs it waits for all PMTs, but not for one that is never sent', () => {
  const pat = buildPatSection({
    version: 0,
    transportStreamId: 1,
    programs: [
      { programNumber: 1, pmtPid: 0x1000 },
      { programNumber: 2, pmtPid: 0x1001 },
    ],
  });
  const pmt = buildPmtSection({ version: 0, programNumber: 1, pcrPid: 0x100, streams: [VIDEO, AUDIO] });
  const { follower } = follow(Buffer.concat([packetizeSection(pat, 0, 0), packetizeSection(pmt, 0x1000, 0)]));
  const before = follower.map;
  assert.equal(before, undefined);
  follow(packetizeSection(pmt, 0x1000, 1), follower);
  assert.equal(follower.map?.programs.length, 1);
});

test('the same roles are as many of each kind with the same stream types; data do not count', () => {
  const mapOf = (streams: readonly { pid: number; streamType: number }[]) =>
    follow(new TsBuilder({ streams }).tables().build()).follower.map!;
  const base = mapOf([VIDEO, AUDIO]);
  assert.ok(
    sameRoles(
      base,
      mapOf([
        { pid: 0x55, streamType: 0x0f },
        { pid: 0x44, streamType: 0x1b },
      ]),
    ),
  );
  assert.ok(sameRoles(base, mapOf([VIDEO, AUDIO, { pid: 0x102, streamType: 0x06 }])));
  assert.ok(!sameRoles(base, mapOf([VIDEO])));
  assert.ok(!sameRoles(base, mapOf([{ ...VIDEO, streamType: 0x24 }, AUDIO])));
});
