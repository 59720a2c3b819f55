import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Channels } from '../../../test/support/channels.ts';
import { AUDIO_PID, accessUnit, TsBuilder, VIDEO_PID } from '../../../test/support/ts-builder.ts';
import { NULL_PID, PACKET_BYTES } from '../packet.ts';
import { StreamTail } from './stream-tail.ts';

const DATA_PID = 0x102;
const STREAMS = [
  { pid: VIDEO_PID, streamType: 0x1b },
  { pid: AUDIO_PID, streamType: 0x0f },
  { pid: DATA_PID, streamType: 0x06 },
];

function fed(builder: TsBuilder, tail = new StreamTail()): StreamTail {
  tail.push(builder.build(), 0);
  return tail;
}

test('an empty ring has no end to join to', () => {
  const tail = new StreamTail();
  assert.deepEqual(
    [tail.map, tail.endDts, tail.latestPts, tail.pcr],
    [undefined, undefined, undefined, undefined],
  );
  assert.deepEqual(tail.streamEnds, []);
});

test('it knows counters, clocks and what is under way on each PID', () => {
  const builder = new TsBuilder({ streams: STREAMS }).tables();
  builder.pes(VIDEO_PID, accessUnit.h264Idr(400), { pts: 10_800, dts: 3_600, pcr: 27_000 });
  builder.pes(VIDEO_PID, accessUnit.h264P(300), { pts: 9_000, dts: 5_400 });
  builder.pes(AUDIO_PID, accessUnit.aac(90), { pts: 5_000 });
  const tail = fed(builder);
  assert.equal(tail.endDts, 5_400);
  assert.equal(tail.latestPts, 10_800);
  assert.equal(tail.unitTicks, 1_800);
  assert.equal(tail.pcr, 27_000);
  const [video, audio, data] = tail.streamEnds;
  assert.deepEqual([video?.role, video?.unit?.lastDts], ['0:h264:0', 5_400]);
  assert.equal(video?.unit?.esBytes, accessUnit.h264P(300).length);
  assert.deepEqual([audio?.pid, audio?.unit?.lastDts], [AUDIO_PID, 5_000]);
  assert.equal(data?.unit, undefined);
  const counters = tail.copyCounters();
  assert.deepEqual(
    [counters[0], counters[VIDEO_PID], counters[AUDIO_PID], counters[DATA_PID]],
    [0, 4, 0, -1],
  );
});

test('it counts the packets of each PID since the picture under way began', () => {
  const builder = new TsBuilder({ streams: STREAMS }).tables();
  builder.pes(DATA_PID, Buffer.alloc(10));
  builder.pes(VIDEO_PID, accessUnit.h264P(10), { pts: 1 });
  builder.pes(DATA_PID, Buffer.alloc(10));
  builder.nulls(3).pat().pcr(VIDEO_PID, 5);
  const tail = fed(builder);
  assert.deepEqual(
    [DATA_PID, NULL_PID, 0, 0x1000, VIDEO_PID].map((pid) => tail.packetsSinceAnchor(pid)),
    [1, 3, 1, 0, 1],
  );
  assert.equal(tail.streamEnds[0]?.unit?.emptyPackets, 1);
  assert.notEqual(tail.lastHash(DATA_PID), undefined);
  assert.equal(tail.lastHash(0), undefined, 'tables are not compared');
});

test('of sound it tells how much time what there is of a PES packet covers', () => {
  const builder = new TsBuilder({ streams: STREAMS }).tables();
  builder.pes(AUDIO_PID, Buffer.alloc(400, 1), { pts: 0 });
  builder.pes(AUDIO_PID, Buffer.alloc(400, 1), { pts: 1_920 });
  builder.pes(AUDIO_PID, Buffer.alloc(100, 1), { pts: 3_840 });
  assert.equal(fed(builder).streamEnds[1]?.unit?.coveredTicks, 480);
  const whole = builder.build();
  whole.writeUInt16BE(100 + 8, whole.lastIndexOf(Buffer.from([0, 0, 1, 0xc0])) + 4);
  const tail = new StreamTail();
  tail.push(whole, 0);
  assert.equal(tail.streamEnds[1]?.unit?.coveredTicks, 1_920);
  assert.equal(tail.streamEnds[0]?.unit, undefined);
});

test('how packets are cut into pushes makes no difference', () => {
  const bytes = new Channels().channel('hevc').take(500, 3_500);
  const whole = new StreamTail();
  whole.push(bytes, 0);
  const pieces = new StreamTail();
  for (let at = 0; at < bytes.length; at += 7 * PACKET_BYTES)
    pieces.push(bytes.subarray(at, at + 7 * PACKET_BYTES), at);
  assert.deepEqual(pieces.streamEnds, whole.streamEnds);
  assert.deepEqual(pieces.copyCounters(), whole.copyCounters());
  assert.equal(pieces.book.added, whole.book.added);
});

test('after a leap of the clock the latest PTS is that of the new time', () => {
  const builder = new TsBuilder({ streams: STREAMS }).tables();
  builder.pes(VIDEO_PID, accessUnit.h264Idr(), { pts: 900_000_000 });
  builder.pes(VIDEO_PID, accessUnit.h264Idr(), { pts: 3_600 });
  assert.equal(fed(builder).latestPts, 3_600);
});
