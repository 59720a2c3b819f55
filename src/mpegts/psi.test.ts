import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { continuityCounter, PACKET_BYTES, pidOf, startsUnit } from './packet.ts';
import {
  buildPatSection,
  buildPmtSection,
  crc32Mpeg,
  packetizeSection,
  packetsOfSection,
  parsePat,
  parsePmt,
  SectionAssembler,
} from './psi.ts';

/** Records as literals make them, for deepEqual. */
const plain = { noNullPrototype: true } as const;
const version = fc.nat(31);
const pid = fc.nat(0x1fff);
const word = fc.nat(0xffff);
const bytes = (maxLength: number): fc.Arbitrary<Buffer> =>
  fc.uint8Array({ maxLength }).map((each) => Buffer.from(each));

const anyPat = fc.record(
  {
    version,
    transportStreamId: word,
    sectionNumber: fc.nat(3),
    lastSectionNumber: fc.integer({ min: 3, max: 255 }),
    programs: fc.array(
      fc.record({ programNumber: fc.integer({ min: 1, max: 0xffff }), pmtPid: pid }, plain),
      {
        maxLength: 200,
      },
    ),
  },
  plain,
);
const anyPmt = fc.record(
  {
    version,
    programNumber: word,
    pcrPid: pid,
    descriptors: bytes(200),
    streams: fc.array(fc.record({ pid, streamType: fc.nat(255), descriptors: bytes(60) }, plain), {
      maxLength: 10,
    }),
  },
  plain,
);

test('the CRC is CRC-32/MPEG-2', () => {
  assert.equal(crc32Mpeg(Buffer.from('123456789')), 0x0376e6e7); // the check value of the CRC catalogue
  assert.equal(crc32Mpeg(Buffer.from('xx123456789x'), 2, 11), 0x0376e6e7);
});

test('a PAT reads back as it was built, through packets', () => {
  fc.assert(
    fc.property(anyPat, fc.nat(15), (pat, counter) => {
      const packets = packetizeSection(buildPatSection(pat), 0, counter);
      const [section] = assemble(new SectionAssembler(), packets);
      assert.ok(section);
      assert.deepEqual(parsePat(section), pat);
    }),
  );
});

test('a PMT reads back as it was built, through packets', () => {
  fc.assert(
    fc.property(anyPmt, pid, fc.nat(15), (pmt, pmtPid, counter) => {
      const section = buildPmtSection(pmt);
      const packets = packetizeSection(section, pmtPid, counter);
      assert.equal(packets.length, packetsOfSection(section.length) * PACKET_BYTES);
      for (let index = 0; index * PACKET_BYTES < packets.length; index++) {
        assert.equal(pidOf(packets, index * PACKET_BYTES), pmtPid);
        assert.equal(startsUnit(packets, index * PACKET_BYTES), index === 0);
        assert.equal(continuityCounter(packets, index * PACKET_BYTES), (counter + index) % 16);
      }
      const [assembled] = assemble(new SectionAssembler(), packets);
      assert.ok(assembled);
      assert.deepEqual(parsePmt(assembled), pmt);
    }),
  );
});

test('the network entry of a PAT is no program', () => {
  const programs = [
    { programNumber: 0, pmtPid: 0x10 },
    { programNumber: 7, pmtPid: 0x20 },
  ];
  const section = buildPatSection({ version: 0, transportStreamId: 1, programs });
  assert.deepEqual(parsePat(section)?.programs, [{ programNumber: 7, pmtPid: 0x20 }]);
});

test('a section with one wrong bit is refused', () => {
  const pat = buildPatSection({
    version: 3,
    transportStreamId: 1,
    programs: [{ programNumber: 1, pmtPid: 0x100 }],
  });
  const pmt = buildPmtSection({
    version: 3,
    programNumber: 1,
    pcrPid: 5,
    streams: [{ pid: 5, streamType: 0x1b }],
  });
  for (const [section, parse] of [[pat, parsePat] as const, [pmt, parsePmt] as const]) {
    assert.ok(parse(section));
    for (let bit = 0; bit < section.length * 8; bit++) {
      const damaged = Buffer.from(section);
      damaged[bit >> 3] = damaged[bit >> 3]! ^ (1 << (bit & 7));
      assert.equal(parse(damaged), undefined, `bit ${bit}`);
    }
    assert.equal(parse(section.subarray(0, -1)), undefined);
  }
});

/** Writes a right CRC over whatever the section says. */
function sealed(section: Buffer): Buffer {
  section.writeUInt32BE(crc32Mpeg(section, 0, section.length - 4), section.length - 4);
  return section;
}

test('a table that is announced but not in force is not read', () => {
  const section = buildPatSection({ version: 3, transportStreamId: 1, programs: [] });
  section[5] = section[5]! & 0xfe;
  assert.equal(parsePat(sealed(section)), undefined);
});

test('lengths within a PMT that reach beyond it are refused, CRC or not', () => {
  const build = (): Buffer =>
    buildPmtSection({ version: 0, programNumber: 1, pcrPid: 5, streams: [{ pid: 5, streamType: 0x1b }] });
  const programInfo = build();
  programInfo.writeUInt16BE(0xf000 | 6, 10);
  assert.equal(parsePmt(sealed(programInfo)), undefined);
  const streamInfo = build();
  streamInfo.writeUInt16BE(0xf000 | 1, 15);
  assert.equal(parsePmt(sealed(streamInfo)), undefined);
  const cutStream = build();
  cutStream.writeUInt16BE(0xf000 | 2, 10);
  assert.equal(parsePmt(sealed(cutStream)), undefined);
});

test('a PAT whose entries do not fit its length, or whose section number lies, is refused', () => {
  const good = buildPatSection({
    version: 0,
    transportStreamId: 1,
    programs: [{ programNumber: 1, pmtPid: 32 }],
  });
  const odd = Buffer.concat([good.subarray(0, 11), good.subarray(12)]);
  odd.writeUInt16BE(0xb000 | (odd.length - 3), 1);
  assert.equal(parsePat(sealed(odd)), undefined);
  const beyond = Buffer.from(good);
  beyond[6] = 2;
  beyond[7] = 1;
  assert.equal(parsePat(sealed(beyond)), undefined);
});

test('a section longer than PSI allows is not built', () => {
  const programs = Array.from({ length: 300 }, () => ({ programNumber: 1, pmtPid: 32 }));
  assert.throws(() => buildPatSection({ version: 0, transportStreamId: 1, programs }), RangeError);
});

function assemble(assembler: SectionAssembler, packets: Buffer): Buffer[] {
  const sections: Buffer[] = [];
  for (let at = 0; at < packets.length; at += PACKET_BYTES) sections.push(...assembler.push(packets, at));
  return sections;
}
