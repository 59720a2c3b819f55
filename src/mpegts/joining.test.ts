/** What a viewer receives who joins at an access point, for streams interleaved in any way. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { joinedStream } from '../../test/support/joined-stream.ts';
import {
  AUDIO_PID,
  accessUnit,
  PMT_PID,
  splitPackets,
  TsBuilder,
  VIDEO_PID,
} from '../../test/support/ts-builder.ts';
import { ContinuityChecker } from './continuity.ts';
import { hasPayload, NULL_PID, PACKET_BYTES, PAT_PID, pidOf, startsUnit } from './packet.ts';
import { type AccessPoint, StreamScanner } from './scanner.ts';

const DATA_PID = 0x200;
const PCR_PID = 0x201;

/** One unit of one lane: what is sent next on a PID, and of what size. */
interface Unit {
  readonly lane: 'idr' | 'picture' | 'sound' | 'data' | 'pat' | 'pmt' | 'pcr' | 'null';
  readonly sizeBytes: number;
}

const units = fc.array(
  fc.record({
    lane: fc.constantFrom<Unit['lane']>(
      'idr',
      'picture',
      'sound',
      'sound',
      'data',
      'pat',
      'pmt',
      'pcr',
      'null',
    ),
    sizeBytes: fc.integer({ min: 1, max: 900 }),
  }),
  { minLength: 10, maxLength: 80 },
);

/** So that most streams have access points at all. */
const TABLES: readonly Unit[] = [
  { lane: 'pat', sizeBytes: 0 },
  { lane: 'pmt', sizeBytes: 0 },
];

/** Writes the units with the packets of different PIDs mixed as `turns` says, each PID's in their order. */
function interleaved(all: readonly Unit[], turns: readonly number[]): Buffer[] {
  const builder = new TsBuilder({
    pcrPid: PCR_PID,
    pmtDescriptors: Buffer.concat([Buffer.from([0x90, 250]), Buffer.alloc(250)]),
    streams: [
      { pid: VIDEO_PID, streamType: 0x1b },
      { pid: AUDIO_PID, streamType: 0x0f },
      { pid: DATA_PID, streamType: 0x06 },
    ],
  });
  const queues = new Map<number, Buffer[]>();
  const add = (pid: number, packets: Buffer[]): void => {
    queues.set(pid, [...(queues.get(pid) ?? []), ...packets]);
  };
  for (const [index, { lane, sizeBytes }] of all.entries()) {
    const choice = { pts: index * 3_600 };
    if (lane === 'idr') add(VIDEO_PID, builder.pesPackets(VIDEO_PID, accessUnit.h264Idr(sizeBytes), choice));
    else if (lane === 'picture')
      add(VIDEO_PID, builder.pesPackets(VIDEO_PID, accessUnit.h264P(sizeBytes), choice));
    else if (lane === 'sound')
      add(AUDIO_PID, builder.pesPackets(AUDIO_PID, accessUnit.aac(sizeBytes), choice));
    else if (lane === 'data') add(DATA_PID, builder.pesPackets(DATA_PID, Buffer.alloc(sizeBytes, 0x22)));
    else if (lane === 'pat') add(PAT_PID, builder.sectionPackets(PAT_PID, builder.patSection()));
    else if (lane === 'pmt') add(PMT_PID, builder.sectionPackets(PMT_PID, builder.pmtSection()));
    else if (lane === 'null') add(NULL_PID, splitPackets(new TsBuilder().nulls(1).build()));
    else add(PCR_PID, splitPackets(new TsBuilder().pcr(PCR_PID, index * 1_080_000).build()));
  }
  const packets: Buffer[] = [];
  for (let turn = 0; queues.size > 0; turn++) {
    const pids = [...queues.keys()];
    const pid = pids[turns[turn % turns.length]! % pids.length]!;
    const [next, ...rest] = queues.get(pid)!;
    packets.push(next!);
    if (rest.length > 0) queues.set(pid, rest);
    else queues.delete(pid);
  }
  return packets;
}

function scanInPieces(stream: Buffer, sizes: readonly number[]): AccessPoint[] {
  const scanner = new StreamScanner();
  const points: AccessPoint[] = [];
  for (let at = 0, turn = 0; at < stream.length; turn++) {
    const size = sizes[turn % sizes.length]! * PACKET_BYTES;
    scanner.scan(stream.subarray(at, at + size), at);
    points.push(...scanner.takeAccessPoints());
    at += size;
  }
  return points;
}

/** By definition: packets with payload on a PID that has not begun a unit since the access point. */
function continuingPackets(stream: Buffer, position: number, pids: ReadonlySet<number>): number[] {
  const begun = new Set<number>();
  const continuing: number[] = [];
  for (let at = position; at < stream.length; at += PACKET_BYTES) {
    const pid = pidOf(stream, at);
    if (!pids.has(pid) || pid === NULL_PID || !hasPayload(stream, at)) continue;
    if (startsUnit(stream, at)) begun.add(pid);
    else if (!begun.has(pid)) continuing.push(at);
  }
  return continuing;
}

const sizes = fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 5 });
const turns = fc.array(fc.nat(60), { minLength: 5, maxLength: 50 });

test('whoever joins anywhere gets tables, whole units, and no break of a counter', () => {
  let joined = 0;
  fc.assert(
    fc.property(units, turns, sizes, fc.nat(10), (all, mix, pieces, skipped) => {
      const whole: Unit[] = [...TABLES, ...all.slice(0, 10), ...TABLES, ...all.slice(10)];
      const stream = Buffer.concat(interleaved(whole, mix).slice(skipped));
      const points = scanInPieces(stream, pieces);
      for (const [index, point] of points.entries()) {
        assert.ok(index === 0 || point.position > points[index - 1]!.position, 'ascending');
        checkJoin(stream, point);
        joined++;
      }
    }),
    { numRuns: 150 },
  );
  assert.ok(joined > 100, `only ${joined} joins`);
});

function checkJoin(stream: Buffer, point: AccessPoint): void {
  const packets = splitPackets(joinedStream(stream, point));
  assert.deepEqual(
    packets.slice(0, 3).map((packet) => pidOf(packet, 0)),
    [PAT_PID, PMT_PID, PMT_PID],
  );
  const checker = new ContinuityChecker();
  for (const packet of packets) checker.push(packet, 0);
  assert.deepEqual(checker.firstErrors, []);

  const before = splitPackets(stream.subarray(0, point.position));
  const known = new Set(before.filter((packet) => hasPayload(packet, 0)).map((packet) => pidOf(packet, 0)));
  const begun = new Set([PAT_PID, PMT_PID, NULL_PID]);
  for (const packet of packets) {
    const pid = pidOf(packet, 0);
    if (startsUnit(packet, 0)) begun.add(pid);
    else
      assert.ok(
        begun.has(pid) || !known.has(pid) || !hasPayload(packet, 0),
        `PID ${pid} begins in the middle`,
      );
  }
  assert.deepEqual(
    point.omit.filter((at) => known.has(pidOf(stream, at))),
    continuingPackets(stream, point.position, known),
  );
}

test('how the stream is cut into pieces makes no difference to its access points', () => {
  fc.assert(
    fc.property(units, turns, sizes, (all, mix, pieces) => {
      const stream = Buffer.concat(interleaved([...TABLES, ...all], mix));
      const describe = (points: AccessPoint[]): unknown[] =>
        points.map(({ position, kind, pts, mediaMs, omit, tables }) => [
          position,
          kind,
          pts,
          mediaMs,
          omit,
          tables,
        ]);
      assert.deepEqual(describe(scanInPieces(stream, pieces)), describe(scanInPieces(stream, [100_000])));
    }),
    { numRuns: 50 },
  );
});
