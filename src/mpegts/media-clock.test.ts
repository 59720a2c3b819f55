import assert from 'node:assert/strict';
import { test } from 'node:test';
import { splitPackets, TsBuilder, VIDEO_PID } from '../../test/support/ts-builder.ts';
import { MediaClock } from './media-clock.ts';

/** Gives the clock one PCR for each number of seconds. */
function takePcrs(clock: MediaClock, ...seconds: number[]): void {
  const builder = new TsBuilder();
  for (const each of seconds) builder.pcr(VIDEO_PID, each * 27_000_000);
  for (const packet of splitPackets(builder.build())) clock.takePcr(packet, 0);
}

test('time passes with the PCR', () => {
  const clock = new MediaClock();
  takePcrs(clock, 5, 6, 7.5);
  assert.equal(clock.nowMs, 2_500);
});

test('time stands still when the PCR goes back, and goes on from there', () => {
  const clock = new MediaClock();
  takePcrs(clock, 0, 1, 2, 0, 1, 2);
  assert.equal(clock.nowMs, 4_000);
});

test('time stands still at a PCR that is announced as discontinuous', () => {
  const clock = new MediaClock();
  takePcrs(clock, 0, 1);
  clock.takePcr(new TsBuilder().pcr(VIDEO_PID, 4 * 27_000_000, { discontinuity: true }).build(), 0);
  assert.equal(clock.nowMs, 1_000);
});

test('the timestamps of PES packets tell the time where there is no PCR', () => {
  const clock = new MediaClock();
  for (const seconds of [10, 11, 12]) clock.takePesTime(seconds * 90_000);
  assert.equal(clock.nowMs, 2_000);
});

test('beside a PCR they do not, until it has been absent for a second', () => {
  const clock = new MediaClock();
  takePcrs(clock, 0, 1);
  for (const seconds of [10, 10.5]) clock.takePesTime(seconds * 90_000);
  assert.equal(clock.nowMs, 1_000);
  for (const seconds of [11, 12]) clock.takePesTime(seconds * 90_000);
  assert.equal(clock.nowMs, 2_000);
  takePcrs(clock, 3, 4);
  assert.equal(clock.nowMs, 3_000);
});

test('after a restart the next value is a new timeline', () => {
  const clock = new MediaClock();
  takePcrs(clock, 0, 1);
  clock.restart();
  takePcrs(clock, 3, 4);
  assert.equal(clock.nowMs, 2_000);
});
