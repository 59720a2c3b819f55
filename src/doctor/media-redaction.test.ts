import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { PACKET_BYTES, pidOf } from '../mpegts/packet.ts';
import { withoutNames } from './media-redaction.ts';

function packet(pid: number, text: string): Buffer {
  const bytes = Buffer.alloc(PACKET_BYTES, 0xff);
  bytes.set([0x47, 0x40 | (pid >> 8), pid & 0xff, 0x17]);
  bytes.write(text, 20, 'latin1');
  return bytes;
}

test('packets that name the channel become null packets, all others stay', () => {
  const kept = [packet(0, 'PAT'), packet(0x20, 'media'), packet(0x100, 'media'), packet(0x1fff, 'null')];
  const named = [0x10, 0x11, 0x12, 0x14, 0x1f].map((pid) => packet(pid, 'Secret Channel'));
  const media = Buffer.concat(
    [kept[0], named[0], kept[1], named[1], named[2], kept[2], named[3], kept[3], named[4]].map(
      (each) => each ?? Buffer.alloc(0),
    ),
  );
  const shown = withoutNames(media);
  assert.equal(shown.length, media.length);
  assert.equal(shown.includes('Secret'), false);
  for (const [index, at] of [0, 2, 5, 7].entries()) {
    const stretch = shown.subarray(at * PACKET_BYTES, (at + 1) * PACKET_BYTES);
    assert.ok(kept[index]?.equals(stretch), `${at}`);
  }
  for (const at of [1, 3, 4, 6, 8]) assert.equal(pidOf(shown, at * PACKET_BYTES), 0x1fff, `${at}`);
  assert.equal(media.includes('Secret'), true, 'the original stays as it was');
});

test('wherever packets begin, and where one is cut off', () => {
  fc.assert(
    fc.property(fc.nat(200), fc.nat(PACKET_BYTES), fc.nat(20), (junkBytes, lastBytes, before) => {
      const media = Buffer.concat([
        Buffer.alloc(junkBytes, 0x11),
        ...Array.from({ length: before + 2 }, () => packet(0x100, 'media')),
        packet(0x11, 'Secret Channel'),
        Buffer.alloc(junkBytes, 0x22),
        ...Array.from({ length: 3 }, () => packet(0x100, 'media')),
        packet(0x11, 'Secret Channel').subarray(0, lastBytes),
      ]);
      assert.equal(withoutNames(media).includes('Secret'), false);
    }),
  );
});

test('bytes that are no packets stay as they are', () => {
  const bytes = Buffer.from('no packets at all, not one');
  assert.ok(withoutNames(bytes).equals(bytes));
});
