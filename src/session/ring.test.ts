import assert from 'node:assert/strict';
import diagnostics from 'node:diagnostics_channel';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import type { AccessPoint } from '../mpegts/scanner.ts';
import type { BufferShare } from './buffer-share.ts';
import { BLOCK_BYTES, BLOCK_MEMORY_BYTES, Ring } from './ring.ts';
import { SLAB_SPARED } from './slab.ts';

function packets(count: number, firstNumber = 0): Buffer {
  const bytes = Buffer.alloc(count * 188, 0xff);
  for (let index = 0; index < count; index++) {
    bytes[index * 188] = 0x47;
    bytes.writeUInt32BE(firstNumber + index, index * 188 + 4);
  }
  return bytes;
}

function point(position: number, mediaMs: number): AccessPoint {
  return { position, mediaMs, kind: 'idr', pts: 0, tables: Buffer.alloc(0), omit: [], omitComplete: true };
}

const ROOMY = { bytesMax: 64 * 1024 * 1024, mediaMsMax: 20_000 };

test('gives back the bytes that were put in, however they were cut', () => {
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 1, max: 900 }), { maxLength: 12 }),
      fc.integer({ min: 5_000, max: 300_000 }),
      (cuts, viewBytes) => {
        const ring = new Ring(ROOMY);
        const written: Buffer[] = [];
        let number = 0;
        for (const count of cuts) {
          written.push(packets(count, number));
          ring.append(written.at(-1)!, 0, 0);
          number += count;
        }
        const read: Buffer[] = [];
        for (let at = 0; at < ring.head; ) {
          const view = ring.openReader().view(at, viewBytes);
          assert.ok(view.length > 0 && view.length <= viewBytes);
          read.push(view);
          at += view.length;
        }
        assert.deepEqual(Buffer.concat(read), Buffer.concat(written));
      },
    ),
  );
});

test('a view taken once never changes, whatever is appended after it', () => {
  const ring = new Ring({ bytesMax: 2 * BLOCK_BYTES, mediaMsMax: 20_000 });
  ring.append(packets(1000), 0, 0);
  const view = ring.openReader().view(0, 188 * 10);
  const before = Buffer.from(view);
  for (let round = 0; round < 20; round++) ring.append(packets(1000, 1000 * round), 0, 0);
  assert.ok(ring.tail > 0);
  assert.deepEqual(view, before);
});

test('memory that nobody looks at is used again, and what a reader holds is not', () => {
  const spared: unknown[] = [];
  const count = (bytes: unknown): void => void spared.push(bytes);
  diagnostics.subscribe(SLAB_SPARED, count);
  try {
    const ring = new Ring({ bytesMax: 4 * BLOCK_BYTES, mediaMsMax: 20_000 });
    const reader = ring.openReader();
    const grow = (slabs: number): void => ring.append(packets(slabs * 4 * (BLOCK_BYTES / 188)), 0, 0);
    grow(2);
    reader.view(ring.tail, 188);
    spared.length = 0;
    grow(1);
    assert.equal(spared.length, 0);
    reader.letGo();
    grow(2);
    assert.equal(spared.length, 2);
    assert.ok(spared.every((bytes) => spared[0] === bytes || spared[1] === bytes));
    assert.equal(reader.view(ring.tail, 188)[0], 0x47);
    ring.clear();
    grow(1);
    assert.equal(spared.length, 2);
  } finally {
    diagnostics.unsubscribe(SLAB_SPARED, count);
  }
});

test('memory that waits to be used again is counted, is kept only where it is free, and is let go of first', () => {
  for (const isFree of [true, false]) {
    let usedBytes = 0;
    const share: BufferShare = {
      capBytes: Number.POSITIVE_INFINITY,
      take: () => assert.fail('a ring takes what it needs'),
      takeFree: (bytes) => {
        if (isFree) usedBytes += bytes;
        return isFree;
      },
      takeAnyway: (bytes) => {
        usedBytes += bytes;
      },
      give: (bytes) => {
        usedBytes -= bytes;
      },
    };
    const ring = new Ring({ bytesMax: 4 * BLOCK_BYTES, mediaMsMax: 20_000 }, share);
    const block = BLOCK_BYTES / 188;
    for (let count = 0; count < 40; count++) {
      ring.append(packets(block / 2, (count * block) / 2), 0, 0);
      assert.ok(
        usedBytes === ring.memoryBytes || (isFree && usedBytes === ring.memoryBytes + 4 * BLOCK_MEMORY_BYTES),
      );
    }
    assert.equal(usedBytes > ring.memoryBytes, isFree);
    const { tail } = ring;
    ring.shed();
    assert.equal(usedBytes, (isFree ? 4 : 3) * BLOCK_MEMORY_BYTES);
    assert.equal(ring.tail === tail, isFree);
    ring.clear();
    assert.equal(usedBytes, 0);
  }
});

test('whatever several readers take and let go of while the ring grows and shrinks, nobody’s views change', () => {
  const step = fc.record({
    grow: fc.integer({ min: 0, max: 3000 }),
    reader: fc.integer({ min: 0, max: 2 }),
    share: fc.double({ min: 0, max: 1, noNaN: true }),
    letsGo: fc.boolean(),
    sheds: fc.integer({ min: 0, max: 12 }),
  });
  fc.assert(
    fc.property(fc.array(step, { minLength: 20, maxLength: 60 }), (steps) => {
      const ring = new Ring({ bytesMax: 6 * BLOCK_BYTES, mediaMsMax: 20_000 });
      const readers = [0, 1, 2].map(() => ({ reader: ring.openReader(), views: new Map<Buffer, Buffer>() }));
      let number = 0;
      for (const { grow, reader: which, share, letsGo, sheds } of steps) {
        ring.append(packets(grow, number), 0, 0);
        number += grow;
        if (sheds < 3) for (let count = 0; count < sheds; count++) ring.shed();
        const { reader, views } = readers[which]!;
        if (letsGo) {
          reader.letGo();
          views.clear();
        }
        const at = ring.tail + Math.floor((share * (ring.head - ring.tail)) / 188) * 188;
        const view = reader.view(at, 128 * 1024);
        if (view.length > 0) assert.equal(view.readUInt32BE(4), at / 188);
        views.set(view, Buffer.from(view));
        for (const each of readers) for (const [seen, copy] of each.views) assert.ok(seen.equals(copy));
      }
    }),
    { numRuns: 40 },
  );
});

test('a view reaches over the end of a block, a batch’s length also where other memory begins behind it', () => {
  const ring = new Ring(ROOMY);
  const written = packets(6 * (BLOCK_BYTES / 188));
  for (let from = 0; from < written.length; from += 170 * 188) {
    ring.append(written.subarray(from, from + 170 * 188), 0, 0);
    const at = Math.max(0, ring.head - 128 * 1024 - ((ring.head - 128 * 1024) % 188));
    assert.deepEqual(ring.openReader().view(at, BLOCK_BYTES), written.subarray(at, ring.head));
  }
  const wanted = 1029 * 188;
  const lengths = [1, 2, 3, 4, 5].map((block) => {
    const from = block * BLOCK_BYTES - 5 * 188;
    const view = ring.openReader().view(from, wanted);
    assert.deepEqual(view, written.subarray(from, from + view.length));
    return view.length / 188;
  });
  assert.deepEqual(lengths, [1029, 1029, 1029, 1029, 1029]);
  assert.equal(ring.openReader().view(4 * BLOCK_BYTES - 5 * 188, 2 * wanted).length, 1029 * 188);
});

test('a block that is let go of takes nothing from those beside it', () => {
  const ring = new Ring(ROOMY);
  const block = BLOCK_BYTES / 188;
  ring.append(packets(block), 0, 0);
  ring.shed();
  assert.deepEqual([ring.memoryBytes, ring.tail], [0, BLOCK_BYTES]);
  ring.append(packets(block, block), 0, 0);
  ring.append(packets(block, 2 * block), 0, 0);
  ring.shed();
  assert.deepEqual(ring.openReader().view(ring.tail, BLOCK_BYTES), packets(block, 2 * block));
});

test('keeps the seconds it should where the bytes allow it', () => {
  const ring = new Ring(ROOMY);
  for (let second = 0; second < 60; second++) ring.append(packets(1394), second * 1000, second * 1000);
  assert.ok(ring.mediaMsHeld >= 20_000 && ring.mediaMsHeld <= 22_000, `${ring.mediaMsHeld} ms`);
  assert.equal(ring.cutByBytes, false);
});

test('a burst is kept as long as any other media, so that viewers have time to take it', () => {
  const ring = new Ring(ROOMY);
  for (let second = 0; second < 40; second++) ring.append(packets(1394), second * 1000, 0);
  assert.equal(ring.tail, 0);
  ring.append(packets(1394), 40_000, 20_000);
  assert.ok(ring.mediaMsHeld <= 22_000, `${ring.mediaMsHeld} ms`);
});

test('nothing is in danger while the ring still grows, however old it is by its place', () => {
  const ring = new Ring(ROOMY);
  for (let second = 0; second < 17; second++) {
    ring.append(packets(1394), second * 1000, second * 1000);
    assert.equal(ring.isEndangered(0), false);
  }
});

test('what the ring will let go of next is in danger, by time and by bytes', () => {
  const byTime = new Ring(ROOMY);
  for (let second = 0; second < 20; second++) byTime.append(packets(1394), second * 1000, second * 1000);
  assert.equal(byTime.tail, 0);
  assert.equal(byTime.isEndangered(0), true);
  assert.equal(byTime.isEndangered(byTime.head), false);

  const byBytes = new Ring({ bytesMax: 16 * BLOCK_BYTES, mediaMsMax: 20_000 });
  for (let block = 0; block < 14; block++) byBytes.append(packets(1394), 0, 0);
  assert.equal(byBytes.tail, 0);
  assert.equal(byBytes.isEndangered(0), true);
  assert.equal(byBytes.isEndangered(5 * BLOCK_BYTES), false);
});

test('never holds more bytes than it may, and says that they cut it', () => {
  const ring = new Ring({ bytesMax: 4 * BLOCK_BYTES, mediaMsMax: 20_000 });
  for (let second = 0; second < 60; second++) {
    ring.append(packets(1394), second * 1000, second * 1000);
    assert.ok(ring.head - ring.tail <= 4 * BLOCK_BYTES);
    assert.ok(ring.memoryBytes <= 4 * BLOCK_MEMORY_BYTES);
  }
  assert.equal(ring.cutByBytes, true);
});

test('those who ask for the same bytes share one view, and nobody is given less because of it', () => {
  const ring = new Ring(ROOMY);
  ring.append(packets(10), 0, 0);
  const first = ring.openReader().view(188, 100_000);
  assert.equal(first.length, 9 * 188);
  assert.equal(ring.openReader().view(ring.head, 100_000).length, 0);
  assert.equal(ring.openReader().view(188, 100_000), first);
  assert.equal(ring.openReader().view(188, 188).length, 188);
  ring.append(packets(10), 0, 0);
  assert.equal(ring.openReader().view(188, 100_000).length, 19 * 188);
  assert.equal(ring.openReader().view(376, 19 * 188).length, 18 * 188);
  assert.equal(first.length, 9 * 188);
});

test('a viewer joins at the newest access point that is far enough behind, or at the oldest', () => {
  const ring = new Ring(ROOMY);
  assert.equal(ring.joinPoint(4000), undefined);
  for (let second = 0; second < 10; second++) {
    const position = ring.head;
    ring.append(packets(100), second * 1000, second * 1000);
    ring.addAccessPoint(point(position, second * 1000));
  }
  assert.equal(ring.joinPoint(4000)?.mediaMs, 5000);
  assert.equal(ring.joinPoint(0)?.mediaMs, 9000);
  assert.equal(ring.joinPoint(60_000)?.mediaMs, 0);
});

test('an access point leaves the index with its bytes', () => {
  const ring = new Ring({ bytesMax: 2 * BLOCK_BYTES, mediaMsMax: 1_000_000 });
  for (let round = 0; round < 8; round++) {
    const position = ring.head;
    ring.append(packets(1394), round * 1000, round * 1000);
    ring.addAccessPoint(point(position, round * 1000));
  }
  assert.ok(ring.accessPoints.length > 0);
  for (const { position } of ring.accessPoints) assert.ok(position >= ring.tail);
  ring.addAccessPoint(point(0, 0));
  assert.ok(ring.accessPoints.every(({ position }) => position > 0));
});

test('nobody begins at what is about to be let go of, where there is something newer', () => {
  const ring = new Ring({ bytesMax: 8 * BLOCK_BYTES, mediaMsMax: 20_000 });
  for (let block = 0; block < 8; block++) {
    ring.addAccessPoint(point(ring.head, block * 100));
    ring.append(packets(BLOCK_BYTES / 188), (block + 1) * 100, (block + 1) * 100);
  }
  // The bytes hold less than a second: no access point is four seconds behind the live edge.
  const begin = ring.joinPoint(4_000);
  assert.ok(begin && begin.position > 0);
  assert.equal(ring.isEndangered(begin.position), false);
  assert.equal(ring.isEndangered(begin.position - BLOCK_BYTES), true, 'and it is the oldest such place');
});

describe('a hold', () => {
  test('keeps what is behind it for longer than its seconds, and what is before it no longer', () => {
    const ring = new Ring(ROOMY);
    const hold = ring.hold(0);
    for (let second = 0; second < 60; second++) ring.append(packets(1394), second * 1000, second * 1000);
    assert.equal(ring.tail, 0);
    assert.equal(ring.cutByBytes, false);
    hold.from = 10 * BLOCK_BYTES + 188;
    ring.append(packets(1394), 60_000, 60_000);
    assert.equal(ring.tail, 10 * BLOCK_BYTES);
    hold.release();
    ring.append(packets(1394), 61_000, 61_000);
    assert.ok(ring.mediaMsHeld <= 22_000);
  });

  test('never makes it larger than it may be', () => {
    const ring = new Ring({ bytesMax: 10 * BLOCK_BYTES, mediaMsMax: 5_000 });
    ring.hold(0);
    for (let second = 0; second < 60; second++) ring.append(packets(1394), second * 1000, second * 1000);
    assert.equal(ring.memoryBytes, 10 * BLOCK_MEMORY_BYTES);
    assert.equal(ring.cutByBytes, false, 'it has its seconds all the same');
  });

  test('gives slow viewers no more time', () => {
    const ring = new Ring(ROOMY);
    ring.hold(0);
    for (let second = 0; second < 60; second++) ring.append(packets(1394), second * 1000, second * 1000);
    assert.equal(ring.isEndangered(0), true);
    assert.equal(ring.isEndangered(55 * BLOCK_BYTES), false);
  });

  test('says what memory must be left to it', () => {
    const ring = new Ring(ROOMY);
    const hold = ring.hold(0);
    for (let second = 0; second < 10; second++) ring.append(packets(1394), second * 1000, second * 1000);
    ring.addAccessPoint(point(9 * BLOCK_BYTES, 9_000));
    assert.equal(ring.neededBytes, 10 * BLOCK_MEMORY_BYTES);
    hold.needFrom = 9 * BLOCK_BYTES;
    assert.equal(ring.neededBytes, 2 * BLOCK_MEMORY_BYTES, 'two GOPs in any case');
  });
});

test('places to cut at are let go of with their bytes', () => {
  const ring = new Ring({ bytesMax: 4 * BLOCK_BYTES, mediaMsMax: 20_000 });
  for (let block = 0; block < 8; block++) {
    ring.append(packets(1394), block * 1000, block * 1000);
    ring.addCutPlace({ point: point(block * BLOCK_BYTES, block * 1000), breakBefore: undefined });
  }
  ring.addCutPlace({ point: point(7 * BLOCK_BYTES, 7_000), breakBefore: undefined });
  assert.deepEqual(
    ring.cutPlaces.map(({ point: { position } }) => position / BLOCK_BYTES),
    [4, 5, 6, 7],
  );
  ring.clear();
  assert.deepEqual(ring.cutPlaces, []);
});

test('tells the media clock at a position, and beyond what it holds that of the nearest', () => {
  const ring = new Ring(ROOMY);
  for (let second = 1; second <= 10; second++) ring.append(packets(1394), second * 1_000, second * 1_000);
  assert.equal(ring.mediaMsAt(ring.head), 10_000);
  assert.equal(ring.mediaMsAt(3 * BLOCK_BYTES), 4_000, 'the clock is that of the end of what came with it');
  assert.equal(ring.mediaMsAt(3.5 * BLOCK_BYTES), 4_500);
  assert.equal(ring.mediaMsAt(-188), ring.mediaMsAt(ring.tail));
  assert.equal(new Ring(ROOMY).mediaMsAt(0), 0);
});

test('keeps more, or less, from the next bytes on when its limits change', () => {
  const ring = new Ring(ROOMY);
  for (let second = 1; second <= 18; second++) ring.append(packets(1394), second * 1_000, second * 1_000);
  ring.setLimits({ ...ROOMY, mediaMsMax: 5_000 });
  ring.append(packets(1), 18_001, 18_001);
  assert.ok(ring.mediaMsHeld <= 6_000, `${ring.mediaMsHeld}`);
  ring.setLimits({ ...ROOMY, mediaMsMax: 60_000 });
  for (let second = 19; second <= 50; second++) ring.append(packets(1394), second * 1_000, second * 1_000);
  assert.ok(ring.mediaMsHeld > 30_000);
});
