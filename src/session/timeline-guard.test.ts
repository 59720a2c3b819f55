import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AUDIO_PID, accessUnit, TsBuilder, VIDEO_PID } from '../../test/support/ts-builder.ts';
import { TimelineGuard } from './timeline-guard.ts';

const SECOND = 90_000;

/** A picture of one PES packet, with the clock at its beginning. */
function picture(builder: TsBuilder, seconds: number): Buffer {
  const pts = Math.round(seconds * SECOND);
  return Buffer.concat(
    builder.pesPackets(VIDEO_PID, accessUnit.h264P(600), { pts, pcr: (pts - 9_000) * 300 }),
  );
}

function sound(builder: TsBuilder, seconds: number): Buffer {
  return Buffer.concat(
    builder.pesPackets(AUDIO_PID, accessUnit.aac(100), { pts: Math.round(seconds * SECOND) }),
  );
}

/** Everything that the guard lets through of these pieces, and which stretches it calls new. */
function through(pieces: readonly Buffer[]): { readonly bytes: Buffer; readonly news: readonly boolean[] } {
  const guard = new TimelineGuard();
  const stretches = [...pieces.flatMap((piece) => guard.push(piece)), ...guard.flush()];
  return {
    bytes: Buffer.concat(stretches.map(({ packets }) => packets)),
    news: stretches.map(({ isNew }) => isNew),
  };
}

test('a timeline that runs on passes whole and in order, however it is cut', () => {
  const builder = new TsBuilder();
  const pieces = [10, 10.04, 10.08, 12, 60].flatMap((at) => [picture(builder, at), sound(builder, at)]);
  const { bytes, news } = through(pieces);
  assert.deepEqual(bytes, Buffer.concat(pieces));
  assert.ok(news.every((isNew) => !isNew));
});

test('what stands between the last clock and one that goes back belongs to the new timeline', () => {
  const builder = new TsBuilder();
  const guard = new TimelineGuard();
  const first = picture(builder, 10);
  const second = picture(builder, 10.04);
  const [start, ...rest] = [second.subarray(0, 188), second.subarray(188)];
  const before = [...guard.push(first), ...guard.push(second)];
  assert.deepEqual(Buffer.concat(before.map(({ packets }) => packets)), Buffer.concat([first, start!]));
  const [stretch, ...others] = [...guard.push(picture(builder, 8)), ...guard.flush()];
  assert.equal(stretch?.isNew, true);
  assert.deepEqual(stretch.packets.subarray(0, second.length - 188), Buffer.concat(rest));
  assert.ok(others.every(({ isNew }) => !isNew));
});

for (const [what, seconds] of [
  ['back', 9],
  ['an hour ahead', 3_610],
] as const) {
  test(`a stream other than the video tells as well that time goes ${what}`, () => {
    const builder = new TsBuilder();
    const pieces = [picture(builder, 10), sound(builder, 10), sound(builder, seconds)];
    assert.deepEqual(through(pieces).news.filter(Boolean), [true]);
  });
}

test('lost pieces and clocks that wrap are no break', () => {
  const builder = new TsBuilder();
  const wrap = Math.floor(2 ** 33 / SECOND);
  const pieces = [wrap - 20, wrap - 0.5, wrap + 1, wrap + 30].map((at) =>
    picture(builder, ((at * SECOND) % 2 ** 33) / SECOND),
  );
  assert.deepEqual(through(pieces).news.filter(Boolean), []);
});

test('before there has been any clock nothing is held', () => {
  const nulls = new TsBuilder().nulls(10).build();
  const [stretch] = new TimelineGuard().push(nulls);
  assert.deepEqual(stretch?.packets, nulls);
});
