import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Channels } from '../../test/support/channels.ts';
import { AUDIO_PID, accessUnit, TsBuilder, VIDEO_PID } from '../../test/support/ts-builder.ts';
import { describeProgram, describeStream } from './stream-description.ts';

const NOTHING = { codecs: undefined, resolution: undefined, framesPerSecond: undefined };

test('takes no more of a stream than it needs', () => {
  const channel = new Channels(1_200_000).channel('test-pattern');
  const from = channel.beginningAfter(0);
  let pieces = 0;
  function* stream(): Generator<Buffer> {
    for (let at = from; ; at += 100, pieces++) yield channel.take(at, at + 100);
  }
  assert.deepEqual(describeStream(stream()), {
    codecs: ['avc1.4d401e', 'mp4a.40.2'],
    resolution: { width: 640, height: 360 },
    framesPerSecond: 25,
  });
  // 128 pictures, and enough of sound.
  assert.ok(pieces * 100 < channel.packetsIn(10), `${pieces} pieces`);
});

test('the rate of pictures is exact where clocks round it', () => {
  const builder = new TsBuilder().tables();
  for (let index = 0; index < 60; index++) {
    builder.pes(VIDEO_PID, accessUnit.h264P(), { pts: Math.round((index * 90_000 * 1_001) / 60_000) });
  }
  const rate = describeStream([builder.build()]).framesPerSecond ?? 0;
  assert.ok(Math.abs(rate - 60_000 / 1_001) < 0.005, `${rate}`);
});

test('a codec without a name leaves all names out', () => {
  const streams = [
    { pid: VIDEO_PID, streamType: 0x1b },
    { pid: AUDIO_PID, streamType: 0x11 },
  ];
  const builder = new TsBuilder({ streams }).tables();
  builder.pes(VIDEO_PID, accessUnit.h264Idr(), { pts: 0 }).toString();
  builder.pes(AUDIO_PID, accessUnit.aac(), { pts: 0 });
  assert.equal(describeStream([builder.build()]).codecs, undefined);
});

test('each elementary stream is told, also one without a name', () => {
  const streams = [
    { pid: VIDEO_PID, streamType: 0x1b },
    { pid: AUDIO_PID, streamType: 0x11 },
    { pid: 0x300, streamType: 0x05 },
  ];
  const builder = new TsBuilder({ streams }).tables();
  builder.pes(AUDIO_PID, accessUnit.aac(), { pts: 0 });
  assert.deepEqual(describeProgram([builder.build()]).streams, [
    { pid: VIDEO_PID, kind: 'video', codec: undefined },
    { pid: AUDIO_PID, kind: 'audio', codec: undefined },
    { pid: 0x300, kind: 'other', codec: undefined },
  ]);
});

test('without tables, or without anything, nothing is known', () => {
  assert.deepEqual(describeStream([]), NOTHING);
  assert.deepEqual(describeStream([new TsBuilder().nulls(10).build()]), NOTHING);
});
