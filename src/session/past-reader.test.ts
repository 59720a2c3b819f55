import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FakePast } from '../../test/support/fake-past.ts';
import { FIRST_BYTE, numberedPackets, TABLES } from '../../test/support/watched-stream.ts';
import { Cursor } from './cursor.ts';
import { PastReader } from './past-reader.ts';
import { Ring } from './ring.ts';

const PACKET = 188;

/** Their transport_error_indicator taken off: of damaged packets no break is announced. */
function withoutErrors(packets: Buffer): Buffer {
  for (let at = 1; at < packets.length; at += PACKET) packets[at] = 0x05;
  return packets;
}

/** Takes until there is something, as a viewer does that is told. */
async function taken(cursor: Cursor, bytesMax: number): Promise<Buffer> {
  for (;;) {
    const ready = new Promise<void>((resolve) => {
      cursor.onReady = resolve;
    });
    const bytes = cursor.take(bytesMax);
    if (bytes) return bytes;
    await ready;
  }
}

async function all(cursor: Cursor, sizeBytes: number): Promise<Buffer> {
  const parts: Buffer[] = [];
  for (let size = 0; size < sizeBytes; size += parts.at(-1)!.length) {
    parts.push(await taken(cursor, Math.min(7_000, sizeBytes - size)));
  }
  return Buffer.concat(parts);
}

test('what is asked for is there once it has been read, and is read once', async () => {
  const past = new FakePast();
  past.keep(0, numberedPackets(0, 100));
  let tell: () => void = () => {};
  const reader = new PastReader(past, () => tell());
  const ready = new Promise<void>((resolve) => {
    tell = resolve;
  });
  assert.equal(reader.take(PACKET, 1_000), undefined);
  assert.equal(reader.take(PACKET, 1_000), undefined, 'it is on its way');
  await ready;
  const bytes = reader.take(PACKET, 2 * PACKET);
  assert.ok(Buffer.isBuffer(bytes) && bytes.equals(numberedPackets(1, 2)));
  const more = reader.take(3 * PACKET, 97 * PACKET);
  assert.ok(Buffer.isBuffer(more) && more.equals(numberedPackets(3, 97)));
  assert.equal(past.reads, 1);
});

test('a viewer that is behind the ring is sent the same bytes from what is kept, and then the ring', async () => {
  const ring = new Ring({ bytesMax: 1_000_000, mediaMsMax: 1_000 });
  const past = new FakePast();
  const cursor = new Cursor(ring, FIRST_BYTE, 0, past);
  const packets = numberedPackets(0, 20_000);
  for (let at = 0; at < packets.length; at += 100 * PACKET) {
    ring.append(packets.subarray(at, at + 100 * PACKET), at, at);
  }
  assert.ok(ring.tail > 0);
  assert.equal(cursor.isOverrun, true);
  past.keep(0, packets.subarray(0, ring.tail + 10 * PACKET));
  assert.equal(cursor.isOverrun, false);
  assert.equal(cursor.isEndangered, false);
  assert.equal(cursor.pauseMaxMs, past.pauseMaxMs);
  const sent = await all(cursor, TABLES.length + packets.length);
  assert.ok(sent.equals(Buffer.concat([TABLES, packets])));
});

test('behind a gap it goes on at the next access point, with the break announced and the tables again', async () => {
  const ring = new Ring({ bytesMax: 1_000_000, mediaMsMax: 1_000 });
  const past = new FakePast();
  past.keep(0, numberedPackets(0, 10));
  const behind = withoutErrors(numberedPackets(20, 10));
  const tables = withoutErrors(Buffer.from(TABLES));
  past.keep(20 * PACKET, behind);
  const position = 22 * PACKET;
  past.points.push({ wallMs: 0, point: { ...FIRST_BYTE, tables, position, omit: [position + PACKET] } });
  const cursor = new Cursor(ring, FIRST_BYTE, 0, past);
  // The cursor thinks that the ring is past all of this.
  ring.append(numberedPackets(0, 10_000), 0, 0);
  ring.clear();
  await all(cursor, TABLES.length + 10 * PACKET);
  const announced = await taken(cursor, PACKET);
  assert.equal(announced[5], 0x80, 'a discontinuity indicator');
  const rest = await all(cursor, TABLES.length + 2 * PACKET);
  const [first, second] = [2 * PACKET, 4 * PACKET].map((at) => behind.subarray(at, at + PACKET));
  assert.ok(rest.equals(Buffer.concat([tables, first!, second!])));
});

test('a reader holds the page that it is in and what was given of others, and none once all of that was let go of', async () => {
  const past = new FakePast();
  past.keep(0, numberedPackets(0, 2_000));
  let tell: () => void = () => {};
  const reader = new PastReader(past, () => tell());
  const read = async (position: number, bytesMax: number): Promise<Buffer> => {
    const ready = new Promise<void>((resolve) => {
      tell = resolve;
    });
    const given = reader.take(position, bytesMax);
    if (given === undefined) await ready;
    const bytes = given ?? reader.take(position, bytesMax);
    assert.ok(Buffer.isBuffer(bytes));
    return bytes;
  };
  const { length } = await read(0, 1_000_000);
  assert.equal(past.pagesHeld, 1);
  // All of it was given, but the socket has it still.
  assert.ok((await read(length, PACKET)).equals(numberedPackets(length / PACKET, 1)));
  assert.equal(past.pagesHeld, 2);
  reader.letGo();
  assert.equal(past.pagesHeld, 1, 'the one that it is in');
  await read(length + PACKET, 1_000_000);
  reader.letGo();
  assert.equal(past.pagesHeld, 0, 'all of it was given, and nobody reads it');
  assert.equal(reader.take(2 * length, PACKET), undefined);
  reader.close();
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(past.pagesHeld, 0, 'what comes for one that is gone is let go of');
  assert.equal(reader.take(2 * length, PACKET), undefined);
});
