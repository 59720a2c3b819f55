import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AUDIO_PID, accessUnit, TsBuilder, VIDEO_PID } from '../../../test/support/ts-builder.ts';
import { type Fingerprint, Fingerprinter } from './fingerprints.ts';

const DATA_PID = 0x102;
const STREAMS = [
  { pid: VIDEO_PID, streamType: 0x1b },
  { pid: AUDIO_PID, streamType: 0x0f },
  { pid: DATA_PID, streamType: 0x06 },
];

function fingerprintsOf(stream: Buffer): Fingerprint[] {
  const found: Fingerprint[] = [];
  const fingerprinter = new Fingerprinter({ unitBegins: () => {}, unitEnds: (each) => found.push(each) });
  fingerprinter.push(stream, 0);
  return found;
}

test('each PES packet is told when the next one of its stream begins', () => {
  const builder = new TsBuilder({ streams: STREAMS }).tables();
  const first = builder.pes(VIDEO_PID, accessUnit.h264Idr(700), {
    pts: 7_200,
    dts: 3_600,
    randomAccess: true,
  });
  builder.pes(AUDIO_PID, accessUnit.aac(), { pts: 5_000 });
  assert.deepEqual(fingerprintsOf(builder.build()), []);
  builder.pes(VIDEO_PID, accessUnit.h264P(), { pts: 10_800, dts: 7_200 });
  const [told, ...others] = fingerprintsOf(builder.build());
  assert.equal(others.length, 0);
  assert.deepEqual(
    { ...told, key: 0 },
    { role: '0:h264:0', key: 0, pts: 7_200, dts: 3_600, clock90: 3_600, position: first, randomAccess: true },
  );
});

test('a scrambled or damaged packet is in no fingerprint, and nothing is before the tables are known', () => {
  const builder = new TsBuilder({ streams: STREAMS });
  builder.pes(VIDEO_PID, accessUnit.h264P(), { pts: 1 });
  builder.tables();
  builder.pes(VIDEO_PID, accessUnit.h264P(), { pts: 2 });
  builder.pes(VIDEO_PID, accessUnit.h264P(300), { pts: 2, scrambled: true });
  builder.pes(VIDEO_PID, accessUnit.h264P(), { pts: 3 });
  builder.pes(VIDEO_PID, accessUnit.h264P(), { pts: 4 });
  assert.deepEqual(
    fingerprintsOf(builder.build()).map(({ pts }) => pts),
    [2, 3],
  );
});

test('of data without timestamps a part is told, the same in every multiplex, with the clock of the picture before', () => {
  const streamOf = (withNulls: boolean): Fingerprint[] => {
    const builder = new TsBuilder({ streams: STREAMS }).tables();
    for (let index = 0; index < 200; index++) {
      if (index % 10 === 0) builder.pes(VIDEO_PID, accessUnit.h264P(), { pts: 3_600 * index });
      if (withNulls) builder.nulls(1);
      builder.pes(DATA_PID, Buffer.from(`some data, number ${index}`));
    }
    return fingerprintsOf(builder.build()).filter(({ role }) => role === '0:other:0');
  };
  const plain = streamOf(false);
  assert.ok(plain.length > 3 && plain.length < 60, `${plain.length} of 200`);
  assert.deepEqual(
    streamOf(true).map(({ key, clock90 }) => [key, clock90]),
    plain.map(({ key, clock90 }) => [key, clock90]),
  );
  assert.ok(plain.every(({ dts, clock90 }) => dts === undefined && clock90 % 36_000 === 0));
});
