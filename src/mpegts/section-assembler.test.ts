import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { PACKET_BYTES } from './packet.ts';
import { packetizeSection } from './psi.ts';
import { SectionAssembler } from './section-assembler.ts';

/** A section of `sizeBytes` in all, its body told apart by `mark`. */
function sectionOf(sizeBytes: number, mark = 0x11): Buffer {
  const section = Buffer.alloc(sizeBytes, mark);
  section[0] = 0x42;
  section.writeUInt16BE(0xb000 | (sizeBytes - 3), 1);
  return section;
}

/**
 * Packs sections back to back as ISO/IEC 13818-1 allows: a section may begin in the packet in which another
 * ends, and a pointer_field says where the first one that begins is.
 */
function packTightly(sections: readonly Buffer[]): Buffer {
  const stream = Buffer.concat(sections);
  const starts: number[] = [];
  let start = 0;
  for (const section of sections) {
    starts.push(start);
    start += section.length;
  }
  const packets: Buffer[] = [];
  for (let at = 0; at < stream.length; ) {
    // With a pointer_field there is room for one byte less: whether one is needed depends on that room.
    const first = starts.find((each) => each >= at && each < at + 183);
    const head = first === undefined ? Buffer.alloc(0) : Buffer.from([first - at]);
    const room = first === undefined && starts.includes(at + 183) ? 183 : 184 - head.length;
    const field = room === 183 && head.length === 0 ? Buffer.from([0]) : Buffer.alloc(0);
    const payload = stream.subarray(at, at + room);
    at += payload.length;
    const flags = field.length > 0 ? 0x30 : 0x10;
    const header = Buffer.from([0x47, head.length > 0 ? 0x40 : 0, 0x20, flags | (packets.length & 15)]);
    const filled = Buffer.alloc(PACKET_BYTES, 0xff);
    Buffer.concat([header, field, head, payload]).copy(filled);
    packets.push(filled);
  }
  return Buffer.concat(packets);
}

function assemble(assembler: SectionAssembler, packets: Buffer): Buffer[] {
  const sections: Buffer[] = [];
  for (let at = 0; at < packets.length; at += PACKET_BYTES) sections.push(...assembler.push(packets, at));
  return sections;
}

test('sections come out as they went in, however they lie in packets', () => {
  const sizes = fc.array(fc.integer({ min: 3, max: 1200 }), { minLength: 1, maxLength: 12 });
  fc.assert(
    fc.property(sizes, (all) => {
      const sections = all.map((size, index) => sectionOf(size, index));
      assert.deepEqual(assemble(new SectionAssembler(), packTightly(sections)), sections);
    }),
  );
});

test('it is idle between sections and not within one', () => {
  const assembler = new SectionAssembler();
  assert.equal(assembler.isIdle, false, 'nothing is known yet');
  const packets = packetizeSection(sectionOf(400), 0, 0);
  assembler.push(packets, 0);
  assert.equal(assembler.isIdle, false);
  assembler.push(packets, PACKET_BYTES);
  assert.equal(assembler.isIdle, false);
  assert.equal(assembler.push(packets, 2 * PACKET_BYTES).length, 1);
  assert.equal(assembler.isIdle, true);
});

test('a lost packet drops the section it belonged to and no other', () => {
  const sections = [sectionOf(100, 1), sectionOf(500, 2), sectionOf(100, 3)];
  const parts = sections.map((section, index) => packetizeSection(section, 0, [0, 1, 4][index]!));
  const stream = Buffer.concat(parts);
  const holed = Buffer.concat([stream.subarray(0, 2 * PACKET_BYTES), stream.subarray(3 * PACKET_BYTES)]);
  assert.deepEqual(assemble(new SectionAssembler(), holed), [sections[0], sections[2]]);
});

test('the end of one section is never put to the beginning of another', () => {
  const first = packetizeSection(sectionOf(300, 1), 0, 0);
  const second = packetizeSection(sectionOf(300, 2), 0, 2);
  const holed = Buffer.concat([first.subarray(0, PACKET_BYTES), second.subarray(PACKET_BYTES)]);
  assert.deepEqual(assemble(new SectionAssembler(), holed), []);
});

test('a packet that comes twice counts once', () => {
  const packets = packetizeSection(sectionOf(300), 0, 0);
  const first = packets.subarray(0, PACKET_BYTES);
  const second = packets.subarray(PACKET_BYTES);
  assert.deepEqual(assemble(new SectionAssembler(), Buffer.concat([first, first, second])), [sectionOf(300)]);
});

test('a section over the limit is passed over, and the next one is read', () => {
  const stream = Buffer.concat([
    packetizeSection(sectionOf(1100), 0, 0),
    packetizeSection(sectionOf(50), 0, 6),
  ]);
  assert.deepEqual(assemble(new SectionAssembler(1024), stream), [sectionOf(50)]);
});

test('a pointer_field that points beyond the packet makes it wait for the next start', () => {
  const lying = packetizeSection(sectionOf(50), 0, 0);
  lying[4] = 183;
  const assembler = new SectionAssembler();
  assert.deepEqual(assembler.push(lying, 0), []);
  assert.equal(assembler.isIdle, false);
  assert.deepEqual(assembler.push(packetizeSection(sectionOf(50), 0, 1), 0), [sectionOf(50)]);
});

test('damaged and scrambled packets are not read', () => {
  const damaged = packetizeSection(sectionOf(50), 0, 0);
  damaged[1] = damaged[1]! | 0x80;
  const scrambled = packetizeSection(sectionOf(50), 0, 0);
  scrambled[3] = scrambled[3]! | 0xc0;
  assert.deepEqual(assemble(new SectionAssembler(), Buffer.concat([damaged, scrambled])), []);
});

test('after a reset the rest of a section is not taken for one', () => {
  const assembler = new SectionAssembler();
  const packets = packetizeSection(sectionOf(300), 0, 0);
  assembler.push(packets, 0);
  assembler.reset();
  assert.deepEqual(assembler.push(packets, PACKET_BYTES), []);
});
