import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AUDIO_PID, accessUnit, TsBuilder, VIDEO_PID } from '../../test/support/ts-builder.ts';
import { TIMESTAMP_WRAP } from '../mpegts/clocks.ts';
import { TimelineGuard } from './timeline-guard.ts';

/** Ticks of 90 kHz. */
const SECOND = 90_000;

/** Looks at pictures with these decoding times, one buffer for all; tells which one breaks the timeline. */
function brokenBy(...times: readonly number[]): number | undefined {
  const builder = new TsBuilder();
  const positions = times.map((pts) =>
    builder.pes(VIDEO_PID, accessUnit.h264P(), { pts: (pts + TIMESTAMP_WRAP) % TIMESTAMP_WRAP }),
  );
  const at = new TimelineGuard().findBreak(builder.build(), VIDEO_PID);
  return at === undefined ? undefined : positions.indexOf(at);
}

test('pictures that follow each other break nothing, across the wrap of the clock too', () => {
  assert.equal(brokenBy(0, 3_600, 7_200), undefined);
  assert.equal(brokenBy(-3_600, 0, 3_600), undefined);
});

test('a step back of more than half a second is a break, a smaller one is not', () => {
  assert.equal(brokenBy(10 * SECOND, 9.5 * SECOND), undefined);
  assert.equal(brokenBy(10 * SECOND, 9.5 * SECOND - 1), 1);
  assert.equal(brokenBy(SECOND, -SECOND), 1, 'back over the wrap');
});

test('a step forward of more than a minute is a break; a shorter one may be lost pieces', () => {
  assert.equal(brokenBy(0, 60 * SECOND), undefined);
  assert.equal(brokenBy(0, 60 * SECOND + 1), 1);
});

test('pictures are ordered by decoding, whatever order they are shown in', () => {
  const builder = new TsBuilder();
  for (const [pts, dts] of [
    [2, 0],
    [5, 1],
    [3, 2],
  ] as const) {
    builder.pes(VIDEO_PID, accessUnit.h264P(), { pts: pts * SECOND, dts: dts * SECOND });
  }
  assert.equal(new TimelineGuard().findBreak(builder.build(), VIDEO_PID), undefined);
});

test('other streams are not looked at, and none is while it is unknown which to look at', () => {
  const builder = new TsBuilder();
  builder.pes(VIDEO_PID, accessUnit.h264P(), { pts: 10 * SECOND });
  builder.pes(AUDIO_PID, accessUnit.aac(), { pts: 0 });
  assert.equal(new TimelineGuard().findBreak(builder.build(), VIDEO_PID), undefined);
  builder.pes(VIDEO_PID, accessUnit.h264P(), { pts: 0 });
  assert.equal(new TimelineGuard().findBreak(builder.build(), undefined), undefined);
});

test('it remembers from one buffer to the next', () => {
  const guard = new TimelineGuard();
  const pictureAt = (pts: number): Buffer => {
    const builder = new TsBuilder();
    builder.pes(VIDEO_PID, accessUnit.h264P(), { pts });
    return builder.build();
  };
  assert.equal(guard.findBreak(pictureAt(10 * SECOND), VIDEO_PID), undefined);
  assert.equal(guard.findBreak(pictureAt(0), VIDEO_PID), 0);
  assert.equal(guard.findBreak(pictureAt(3_600), VIDEO_PID), undefined, 'from there on it is the timeline');
});
