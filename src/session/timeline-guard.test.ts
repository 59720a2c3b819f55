import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AUDIO_PID, accessUnit, TsBuilder, VIDEO_PID } from '../../test/support/ts-builder.ts';
import { TIMESTAMP_WRAP } from '../mpegts/clocks.ts';
import { type Stretch, TimelineGuard } from './timeline-guard.ts';

/** Ticks of 90 kHz. */
const SECOND = 90_000;

function picture(builder: TsBuilder, pts: number, pid = VIDEO_PID): void {
  builder.pes(pid, accessUnit.h264P(), { pts: (pts + TIMESTAMP_WRAP) % TIMESTAMP_WRAP });
}

/** Where in all that comes out a new timeline begins, in bytes; nothing may be lost or moved. */
function breaksIn(packets: Buffer, guard = new TimelineGuard()): number[] {
  const stretches: Stretch[] = [];
  const keep = ({ packets: bytes, isNew }: Stretch): void => {
    stretches.push({ packets: Buffer.from(bytes), isNew });
  };
  guard.push(packets, keep);
  guard.flush(keep);
  assert.deepEqual(Buffer.concat(stretches.map((each) => each.packets)), packets);
  const breaks: number[] = [];
  let at = 0;
  for (const { packets: bytes, isNew } of stretches) {
    if (isNew) breaks.push(at);
    at += bytes.length;
  }
  return breaks;
}

function breaksOf(...times: readonly number[]): number {
  const builder = new TsBuilder();
  for (const pts of times) picture(builder, pts);
  return breaksIn(builder.build()).length;
}

test('pictures that follow each other break nothing, across the wrap of the clock too', () => {
  assert.equal(breaksOf(0, 3_600, 7_200), 0);
  assert.equal(breaksOf(-3_600, 0, 3_600), 0);
});

test('what comes behind a clock waits for the next one, unless nothing is to be held', () => {
  const builder = new TsBuilder();
  builder.pes(VIDEO_PID, accessUnit.h264P(180 * 10), { pts: 0 });
  const packets = builder.build();
  for (const holds of [true, false]) {
    let passedBytes = 0;
    const pass = ({ packets: { length } }: { readonly packets: Buffer }): void => {
      passedBytes += length;
    };
    new TimelineGuard().push(packets, pass, holds);
    assert.equal(passedBytes < packets.length, holds);
  }
});

test('a step back of more than half a second is a break, a smaller one is not', () => {
  assert.equal(breaksOf(10 * SECOND, 9.5 * SECOND), 0);
  assert.equal(breaksOf(10 * SECOND, 9.5 * SECOND - 1), 1);
  assert.equal(breaksOf(SECOND, -SECOND), 1, 'back over the wrap');
});

/** A clock every 100 ms, with a picture each; `stepMs` is left out after the tenth. */
function clockWithStep(stepMs: number): number {
  const builder = new TsBuilder();
  for (let count = 0; count < 20; count++) {
    const ms = count * 100 + (count < 10 ? 0 : stepMs);
    builder.pes(VIDEO_PID, accessUnit.h264P(), { pts: ms * 90 + SECOND, pcr: ms * 27_000 });
  }
  return breaksIn(builder.build()).length;
}

test('a step forward of the clock by more than two seconds is a break; a shorter one is a lost piece', () => {
  assert.equal(clockWithStep(1_900), 0);
  assert.equal(clockWithStep(1_901), 1);
});

test('a picture that comes before the clock that leapt belongs behind the break too', () => {
  const builder = new TsBuilder();
  for (const ms of [0, 40, 80]) {
    builder.pcr(VIDEO_PID, ms * 27_000);
    picture(builder, ms * 90 + SECOND);
  }
  const before = builder.position;
  picture(builder, 5_000 * 90 + SECOND);
  picture(builder, 5_040 * 90 + SECOND);
  builder.pcr(VIDEO_PID, 5_040 * 27_000);
  assert.deepEqual(breaksIn(builder.build()), [before]);
});

test('a step forward of time stamps of more than ten seconds is a break where there is no clock', () => {
  assert.equal(breaksOf(0, 10 * SECOND), 0);
  assert.equal(breaksOf(0, 10 * SECOND + 1), 1);
});

test('a stream that had nothing to say for minutes breaks nothing, as long as the clock has run', () => {
  const builder = new TsBuilder();
  picture(builder, SECOND, AUDIO_PID);
  for (let ms = 0; ms < 180_000; ms += 100) builder.pcr(VIDEO_PID, ms * 27_000);
  picture(builder, 180 * SECOND, AUDIO_PID);
  assert.equal(breaksIn(builder.build()).length, 0);
  picture(builder, 200 * SECOND, AUDIO_PID);
  assert.equal(breaksIn(builder.build()).length, 1);
});

test('each stream has a clock of its own, and one break is one, whichever shows it first', () => {
  const builder = new TsBuilder();
  for (const pts of [10 * SECOND, 0, 3_600]) {
    picture(builder, pts);
    picture(builder, pts + SECOND, AUDIO_PID);
  }
  assert.equal(breaksIn(builder.build()).length, 1);
});

test('what stands behind the last clock before a break belongs to the new timeline', () => {
  const builder = new TsBuilder();
  picture(builder, 10 * SECOND);
  const rest = Buffer.alloc(188, 0xff);
  rest.set([0x47, VIDEO_PID >> 8, VIDEO_PID & 0xff, 0x1f]);
  const before = builder.build();
  const after = new TsBuilder();
  picture(after, 0);
  assert.deepEqual(breaksIn(Buffer.concat([before, rest, after.build()])), [before.length]);
});

test('it remembers from one buffer to the next', () => {
  const guard = new TimelineGuard();
  const at = (pts: number): Buffer => {
    const builder = new TsBuilder();
    picture(builder, pts);
    return builder.build();
  };
  assert.equal(breaksIn(at(10 * SECOND), guard).length, 0);
  assert.equal(breaksIn(at(0), guard).length, 1);
  assert.equal(breaksIn(at(3_600), guard).length, 0, 'from there on it is the timeline');
});

test('what was clear and becomes scrambled is a break, once, right there; a turned bit is none', () => {
  const builder = new TsBuilder();
  picture(builder, SECOND);
  picture(builder, SECOND, AUDIO_PID);
  const scrambled = (sizeBytes: number): void => {
    const packets = builder.pesPackets(VIDEO_PID, accessUnit.h264P(sizeBytes), { scrambled: true });
    for (const packet of packets) builder.packet(packet);
  };
  scrambled(180);
  picture(builder, SECOND + 3_600, AUDIO_PID);
  picture(builder, SECOND + 3_600);
  assert.equal(breaksIn(builder.build()).length, 0);
  const before = builder.position;
  scrambled(180 * 20);
  picture(builder, SECOND + 7_200, AUDIO_PID);
  scrambled(180 * 20);
  assert.deepEqual(breaksIn(builder.build()), [before]);
});

test('a stream that was scrambled from its beginning breaks nothing', () => {
  const builder = new TsBuilder();
  picture(builder, SECOND);
  for (const packet of builder.pesPackets(AUDIO_PID, accessUnit.aac(2_000), { scrambled: true }))
    builder.packet(packet);
  picture(builder, SECOND + 3_600);
  assert.equal(breaksIn(builder.build()).length, 0);
});
