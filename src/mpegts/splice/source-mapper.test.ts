import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Channels } from '../../../test/support/channels.ts';
import { SplicedRing } from '../../../test/support/spliced-ring.ts';
import { accessUnit, TsBuilder, VIDEO_PID } from '../../../test/support/ts-builder.ts';
import { readPcr, readPesTimestamps } from '../clocks.ts';
import { continuityCounter, NULL_PID, PACKET_BYTES, PAT_PID, pidOf } from '../packet.ts';
import type { GateStart } from './gate.ts';
import { PidMapping } from './pid-mapping.ts';
import { type ProgramMap, TableFollower } from './program-map.ts';
import { type MapperStart, SourceMapper } from './source-mapper.ts';
import { TableWriter } from './table-writer.ts';

const channel = new Channels().channel('test-pattern');
const OTHER_PID = 0x11;

function mapOf(builder: TsBuilder): ProgramMap {
  const follower = new TableFollower();
  const tables = builder.tables().build();
  for (let at = 0; at < tables.length; at += PACKET_BYTES) follower.push(pidOf(tables, at), tables, at);
  assert.ok(follower.map);
  return follower.map;
}

const MAP = mapOf(new TsBuilder());

/** A mapper behind a ring of the same program, all of whose counters are 5. */
function mapper(choice: Partial<MapperStart> = {}, fresh = MAP): SourceMapper {
  const used = new Uint8Array(0x2000);
  for (const pid of [0, 0x1000, VIDEO_PID, 0x101]) used[pid] = 1;
  const start: MapperStart = {
    offset90: 0,
    mapping: new PidMapping(MAP, fresh, used),
    tables: undefined,
    counters: new Int8Array(0x2000).fill(5),
    gates: new Map<number, GateStart>([[VIDEO_PID, { kind: 'unit', afterDts: undefined, isBreak: true }]]),
    referencePid: fresh.reference?.pid,
    pcrPid: fresh.pcrPid,
    lastPcr: undefined,
    isAnchored: true,
    ...choice,
  };
  return new SourceMapper(start, fresh);
}

test('once joined, packets that need no change are the very views that came', () => {
  const ring = new SplicedRing();
  ring.feedFirst(channel.take(0, 4_000));
  const candidate = ring.candidate();
  candidate.push(channel.take(2_500, 5_000), 0);
  const joined = candidate.join(candidate.plan({ nowMs: 0, oldGoesOn: false, mustJoin: false }), 0);
  const next = channel.take(5_000, 5_400);
  assert.deepEqual(
    joined?.mapper.push(next).map((each) => each.buffer === next.buffer),
    [true],
  );
  assert.ok(joined?.mapper.push(channel.take(5_400, 5_500))[0]?.equals(channel.take(5_400, 5_500)));
});

test('counters go on from those of the ring, and gaps of the source stay visible', () => {
  const builder = new TsBuilder();
  for (let index = 0; index < 3; index++) {
    builder.pes(VIDEO_PID, accessUnit.h264P(20), { pts: index * 3_600 });
    if (index === 1) builder.skipCounters(VIDEO_PID, 2);
  }
  const out = Buffer.concat(mapper().push(builder.build()));
  const counters = [0, 1, 2, 3].map((index) => continuityCounter(out, index * PACKET_BYTES));
  assert.deepEqual(counters, [5, 6, 7, 10], 'the break repeats the last one');
});

test("clocks are moved, the caller's packets are not written to", () => {
  const builder = new TsBuilder();
  builder.pes(VIDEO_PID, accessUnit.h264P(20), { pts: 7_200, dts: 3_600, pcr: 30_000 });
  const packets = builder.build();
  const before = Buffer.from(packets);
  const out = Buffer.concat(mapper({ offset90: -5_000, gates: new Map() }).push(packets));
  assert.deepEqual(readPesTimestamps(out, 0), { pts: 2_200, dts: 2 ** 33 - 1_400 });
  assert.equal(readPcr(out, 0), (2 ** 33 - 4_900) * 300);
  assert.ok(packets.equals(before));
});

test('before the first unit of a PID nothing of it is sent; null packets pass', () => {
  const builder = new TsBuilder();
  builder.pes(OTHER_PID, accessUnit.aac(300));
  const [first, ...rest] = [...Array(3).keys()].map((index) =>
    builder.build().subarray(index * 188, index * 188 + 188),
  );
  const nulls = new TsBuilder().nulls(2).build();
  const source = mapper();
  assert.deepEqual(source.push(Buffer.concat(rest.filter((each) => each.length > 0))), []);
  assert.equal(Buffer.concat(source.push(nulls)).length, nulls.length);
  assert.equal(Buffer.concat(source.push(first!)).length, PACKET_BYTES);
  assert.ok(source.droppedPackets > 0);
});

test("a clock that is not after the ring's is taken out until one is", () => {
  const builder = new TsBuilder();
  for (const pcr of [100, 200, 300, 250])
    builder.pes(VIDEO_PID, accessUnit.h264P(20), { pts: pcr, pcr: pcr * 300 });
  const out = mapper({ lastPcr: 200 * 300, gates: new Map() }).push(builder.build());
  const packets = Buffer.concat(out);
  const clocks = [0, 1, 2, 3].map((index) => readPcr(packets, index * PACKET_BYTES));
  assert.deepEqual(clocks, [undefined, undefined, 90_000, 75_000]);
});

test('rewritten tables stand where the source has its own, with counters that go on', () => {
  const fresh = mapOf(new TsBuilder({ patVersion: 3, pmtVersion: 3 }));
  const mapping = new PidMapping(MAP, fresh, new Uint8Array(0x2000));
  const source = mapper({ mapping, tables: new TableWriter(MAP, mapping, true) }, fresh);
  const prologue = source.prologue(1_000);
  assert.deepEqual(
    [0, 1, 2].map((index) => pidOf(prologue, index * PACKET_BYTES)),
    [VIDEO_PID, PAT_PID, 0x1000],
  );
  const builder = new TsBuilder({ patVersion: 3, pmtVersion: 3 }).nulls(1).tables();
  const out = Buffer.concat(source.push(builder.build()));
  assert.deepEqual(
    [0, 1, 2].map((index) => pidOf(out, index * PACKET_BYTES)),
    [NULL_PID, PAT_PID, 0x1000],
  );
  assert.deepEqual(
    [1, 2].map((index) => continuityCounter(out, index * PACKET_BYTES)),
    [7, 7],
  );
  assert.ok(out.subarray(PACKET_BYTES + 5).includes(prologue.subarray(PACKET_BYTES + 5, PACKET_BYTES + 20)));
});

test('tables of the source that are damaged are not sent on', () => {
  const fresh = mapOf(new TsBuilder({ pmtVersion: 3 }));
  const mapping = new PidMapping(MAP, fresh, new Uint8Array(0x2000));
  const source = mapper({ mapping, tables: new TableWriter(MAP, mapping, false) }, fresh);
  source.prologue(undefined);
  const tables = new TsBuilder({ pmtVersion: 3 }).tables().build();
  tables[20] = tables[20]! ^ 1;
  assert.deepEqual(
    source.push(tables).map((each) => pidOf(each, 0)),
    [0x1000],
  );
});
