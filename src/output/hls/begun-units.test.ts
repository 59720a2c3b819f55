import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AUDIO_PID, TsBuilder, VIDEO_PID } from '../../../test/support/ts-builder.ts';
import { Ring } from '../../session/ring.ts';
import { restOfBegunUnits } from './begun-units.ts';

test('is what stands before the first beginning of each PID, and nothing of those that begin none', () => {
  const builder = new TsBuilder().tables();
  const sound = builder.pesPackets(AUDIO_PID, Buffer.alloc(500, 1), { pts: 1 });
  const other = builder.pesPackets(0x200, Buffer.alloc(500, 1));
  builder.packet(sound[0]!).packet(other[0]!);
  const from = builder.pes(VIDEO_PID, Buffer.alloc(300, 1), { pts: 1 });
  const expected: number[] = [];
  for (const packet of sound.slice(1)) {
    expected.push(builder.position);
    builder.packet(packet).nulls(1);
  }
  builder.packet(other[1]!);
  builder.pes(AUDIO_PID, Buffer.alloc(500, 1), { pts: 2 });
  const ring = new Ring({ bytesMax: 10_000_000, mediaMsMax: 20_000 });
  ring.append(builder.build(), 0, 0);
  assert.deepEqual(restOfBegunUnits(ring, from, ring.head), expected);
  assert.deepEqual(restOfBegunUnits(ring, from, from), []);
  assert.deepEqual(restOfBegunUnits(ring, 0, ring.head), []);
});
