import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { AUDIO_PID, accessUnit, TsBuilder, VIDEO_PID } from '../../test/support/ts-builder.ts';
import { CutPlaces } from './cut-places.ts';
import { type CutPlace, StreamScanner } from './scanner.ts';

const PICTURE_TICKS = 3_600;

/** Pictures of 40 ms, the first at this DTS; returns their positions. */
function pictures(builder: TsBuilder, count: number, firstDts: number): number[] {
  return Array.from({ length: count }, (_, index) => {
    const dts = firstDts + index * PICTURE_TICKS;
    const unit = index % 25 === 0 ? accessUnit.h264Idr() : accessUnit.h264P();
    const at = builder.pes(VIDEO_PID, unit, { pts: dts + PICTURE_TICKS, dts, pcr: dts * 300 });
    builder.pes(AUDIO_PID, accessUnit.aac(), { pts: dts });
    return at;
  });
}

function placesOf(builder: TsBuilder): readonly CutPlace[] {
  const scanner = new StreamScanner();
  scanner.scan(builder.build(), 0);
  return scanner.takeCutPlaces();
}

function breaksOf(builder: TsBuilder): CutPlace[] {
  return placesOf(builder).filter(({ breakBefore }) => breakBefore !== undefined);
}

test('there is a place at the first picture, and at one picture each half second', () => {
  const builder = new TsBuilder().tables();
  const positions = pictures(builder, 60, 90_000);
  const places = placesOf(builder);
  assert.deepEqual(
    places.map(({ point }) => positions.indexOf(point.position)),
    [0, 13, 26, 39, 52],
  );
  assert.ok(places.every(({ breakBefore }) => breakBefore === undefined));
  assert.equal(places[0]?.point.kind, 'idr', 'a place that is an access point says so');
  assert.equal(places[1]?.point.kind, 'fallback');
});

describe('a break', () => {
  test('is where the clock announces one, and the first picture behind it is a place', () => {
    const builder = new TsBuilder().tables();
    pictures(builder, 30, 90_000);
    const position = builder.position;
    builder.pcr(VIDEO_PID, 500_000_000, { discontinuity: true }).tables();
    const [first] = pictures(builder, 30, 5_000_000);
    const [place, ...others] = breaksOf(builder);
    assert.deepEqual(others, []);
    assert.equal(place?.point.position, first);
    // The last picture is shown from one picture after its DTS on.
    assert.deepEqual(place?.breakBefore, { position, endPts: 90_000 + 31 * PICTURE_TICKS });
  });

  test('announced several times, or by clock and tables both, is one', () => {
    const builder = new TsBuilder().tables();
    pictures(builder, 30, 90_000);
    const position = builder.position;
    builder.pcr(VIDEO_PID, 500_000_000, { discontinuity: true });
    builder
      .change({ patVersion: 1, pmtVersion: 1, streams: [{ pid: VIDEO_PID, streamType: 0x1b }] })
      .tables();
    builder.pcr(VIDEO_PID, 500_000_000, { discontinuity: true });
    pictures(builder, 30, 5_000_000);
    assert.deepEqual(
      breaksOf(builder).map(({ breakBefore }) => breakBefore?.position),
      [position],
    );
  });

  test('is where pictures leap back or on without a word', () => {
    for (const leap of [-2 * 90_000, 4 * 90_000]) {
      const builder = new TsBuilder().tables();
      pictures(builder, 30, 900_000);
      const position = builder.position;
      pictures(builder, 30, 900_000 + 30 * PICTURE_TICKS + leap);
      assert.deepEqual(
        breaksOf(builder).map(({ point }) => point.position),
        [position],
      );
    }
  });

  test('is not where a picture is shown for long while the clock goes on', () => {
    const builder = new TsBuilder().tables();
    pictures(builder, 30, 900_000);
    const dts = 900_000 + 30 * PICTURE_TICKS;
    builder.pes(VIDEO_PID, accessUnit.h264Idr(), { pts: dts + PICTURE_TICKS, dts, pcr: dts * 300 });
    for (let tenth = 1; tenth < 100; tenth++) builder.pcr(VIDEO_PID, (dts + tenth * 9_000) * 300);
    pictures(builder, 30, dts + 900_000);
    assert.deepEqual(breaksOf(builder), []);
  });

  test('is where other audio or video begins', () => {
    const builder = new TsBuilder().tables();
    pictures(builder, 30, 900_000);
    builder.change({
      pmtVersion: 1,
      streams: [
        { pid: VIDEO_PID, streamType: 0x1b },
        { pid: AUDIO_PID, streamType: 0x03 },
      ],
    });
    builder.tables();
    pictures(builder, 30, 900_000 + 30 * PICTURE_TICKS);
    assert.equal(breaksOf(builder).length, 1);
  });

  test('is not where some pictures are lost, nor where the timestamps wrap', () => {
    const builder = new TsBuilder().tables();
    pictures(builder, 30, 2 ** 33 - 15 * PICTURE_TICKS);
    pictures(builder, 30, 15 * PICTURE_TICKS + 2 * 90_000);
    assert.deepEqual(breaksOf(builder), []);
  });

  test('before the first picture is none', () => {
    const builder = new TsBuilder().pcr(VIDEO_PID, 500_000_000, { discontinuity: true }).tables();
    builder.pcr(VIDEO_PID, 500_000_000, { discontinuity: true });
    pictures(builder, 30, 900_000);
    assert.deepEqual(breaksOf(builder), []);
  });
});

test('whoever never takes them keeps no more than a bounded number', () => {
  const places = new CutPlaces();
  for (let index = 0; index < 1_000; index++) {
    const point = {
      position: index * 188,
      kind: 'idr',
      pts: index * 90_000,
      mediaMs: index * 1_000,
      tables: Buffer.alloc(0),
      omit: [],
      omitComplete: true,
      isWaiting: false,
    } as const;
    places.unitStart(point, { pts: index * 90_000 }, index * 1_000);
  }
  const kept = places.take();
  assert.equal(kept.length, 256);
  assert.equal(kept.at(-1)?.point.position, 999 * 188);
  assert.deepEqual(places.take(), []);
});
