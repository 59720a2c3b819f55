import assert from 'node:assert/strict';
import { test } from 'node:test';
import { accessUnit, splitPackets, TsBuilder, VIDEO_PID } from '../../../test/support/ts-builder.ts';
import { PACKET_BYTES, payloadAt } from '../packet.ts';
import { type BegunUnit, Gate, lightHash } from './gate.ts';
import { PesTrack } from './pes-track.ts';

const OFFSET = 1_000_000;

/** Five pictures of three packets each, 3600 ticks apart. */
function pictures(shift90 = 0, choice: { pcr?: number } = {}): Buffer[] {
  const builder = new TsBuilder();
  for (let index = 0; index < 5; index++) {
    const payload = Buffer.concat([accessUnit.h264P(400), Buffer.from([index + 1])]);
    builder.pes(VIDEO_PID, payload, {
      pts: shift90 + index * 3_600 + 7_200,
      dts: shift90 + index * 3_600,
      ...choice,
    });
  }
  return splitPackets(builder.build());
}

/** What is under way after these packets. */
function begunAfter(packets: readonly Buffer[], emptyPackets = 0): BegunUnit {
  const track = new PesTrack();
  for (const packet of packets) track.push(packet, 0);
  const { unitsSinceDts, esBytes, significantBytes, hash, isHeaderDone, isWhole } = track;
  return {
    lastDts: track.lastDts ?? -1,
    unitsSinceDts,
    esBytes,
    significantBytes,
    hash,
    isHeaderDone,
    isWhole,
    coveredTicks: 0,
    emptyPackets,
  };
}

/** The answers to packets, `cut` with what is left of the payload. */
function answers(gate: Gate, packets: readonly Buffer[], isAnchored = true): string[] {
  return packets.map((packet) => {
    const answer = gate.take(packet, 0, isAnchored);
    return answer === 'cut' ? `cut ${PACKET_BYTES - gate.cutAt}` : answer;
  });
}

function emptyPacket(): Buffer {
  return splitPackets(new TsBuilder().pcr(VIDEO_PID, 5).build())[0]!;
}

test('where packets are the same, exactly the rest of the begun picture is kept', () => {
  const old = pictures(OFFSET);
  const fresh = pictures();
  for (let had = 1; had < 12; had++) {
    const gate = new Gate({ kind: 'complete', unit: begunAfter(old.slice(0, had)) }, OFFSET);
    const kept = answers(gate, fresh).indexOf('keep');
    assert.equal(kept, had);
    assert.equal(gate.isBreak, false);
  }
});

test('where packets are cut otherwise, the begun picture is completed at its very byte', () => {
  const old = pictures(OFFSET);
  const fresh = pictures(0, { pcr: 1 }); // eight bytes less in each first packet
  const unit = begunAfter(old.slice(0, 4));
  const gate = new Gate({ kind: 'complete', unit }, OFFSET);
  const said = answers(gate, fresh);
  assert.deepEqual(said.slice(0, 4), ['drop', 'drop', 'drop', 'drop']);
  const bytesBefore = begunAfter(fresh.slice(0, 4)).esBytes;
  assert.equal(said[4], `cut ${184 - (unit.esBytes - bytesBefore)}`);
  assert.ok(said.slice(5).every((answer) => answer === 'keep'));
  assert.equal(payloadAt(fresh[4]!, 0), 4);
});

test('packets without payload that the ring has already are left out, the next is not', () => {
  const old = pictures(OFFSET);
  const fresh = pictures();
  fresh.splice(4, 0, emptyPacket(), emptyPacket(), emptyPacket());
  const gate = new Gate({ kind: 'complete', unit: begunAfter(old.slice(0, 4), 2) }, OFFSET);
  assert.deepEqual(answers(gate, fresh).slice(3, 8), ['drop', 'drop', 'drop', 'keep', 'keep']);
});

test('another beginning of the same picture is not completed: the next one follows a break', () => {
  const old = pictures(OFFSET);
  const fresh = pictures();
  const unit = { ...begunAfter(old.slice(0, 5)), hash: 4711 };
  const gate = new Gate({ kind: 'complete', unit }, OFFSET);
  assert.deepEqual(answers(gate, fresh).slice(3, 8), ['drop', 'drop', 'drop', 'keep', 'keep']);
  assert.equal(gate.isBreak, true);
});

test('a picture that the new source has not: the next one follows a break, unless the ring has all of it', () => {
  const old = pictures(OFFSET);
  for (const isWhole of [false, true]) {
    const gate = new Gate({ kind: 'complete', unit: { ...begunAfter(old.slice(0, 5)), isWhole } }, OFFSET);
    const fresh = pictures().filter((_, index) => index < 3 || index >= 6);
    assert.deepEqual(answers(gate, fresh).slice(0, 4), ['drop', 'drop', 'drop', 'keep']);
    assert.equal(gate.isBreak, !isWhole);
    assert.ok(gate.hasReached && gate.hasMissed);
  }
});

test('sound in other PES packets goes on behind the time that the ring has', () => {
  const unit = { ...begunAfter(pictures(OFFSET).slice(0, 3)), isWhole: true, coveredTicks: 9_000 };
  const later = pictures(1_800); // none begins when the ring's did
  const said = answers(new Gate({ kind: 'complete', unit }, OFFSET), later);
  // 9000 ticks after 0: the third begins at 9000.
  assert.equal(said.indexOf('keep'), 6);
});

test('packets are counted from the anchor, and the last one must be the same', () => {
  const packets = Array.from({ length: 6 }, (_, index) => dataPacket(index));
  const start = { kind: 'count', packets: 2, lastHash: lightHash(packets[3]!, 0) } as const;
  const gate = new Gate(start, 0);
  assert.deepEqual(answers(gate, packets.slice(0, 2), false), ['drop', 'drop']);
  assert.deepEqual(answers(gate, packets.slice(2)), ['drop', 'drop', 'keep', 'keep']);
  const other = new Gate({ ...start, lastHash: 1 }, 0);
  answers(other, packets.slice(0, 2), false);
  const continuing = Buffer.from(packets[4]!);
  continuing[1] = continuing[1]! & ~0x40;
  assert.deepEqual(answers(other, [packets[2]!, packets[3]!, continuing, packets[5]!]), [
    'drop',
    'drop',
    'drop',
    'keep',
  ]);
});

function dataPacket(index: number): Buffer {
  const builder = new TsBuilder();
  builder.pes(0x55, Buffer.alloc(20, index));
  return builder.build();
}

test("after a break a PID begins with a unit, and not with one that is before the ring's end", () => {
  const gate = new Gate({ kind: 'unit', afterDts: OFFSET + 3_600, isBreak: true }, OFFSET);
  assert.equal(gate.isBreak, true);
  assert.deepEqual(answers(gate, pictures().slice(1)).indexOf('keep'), 5);
  const any = new Gate({ kind: 'unit', afterDts: undefined, isBreak: false }, 0);
  assert.deepEqual(answers(any, pictures().slice(1)).indexOf('keep'), 2);
  assert.deepEqual(
    answers(new Gate({ kind: 'unit', afterDts: undefined, isBreak: false }, 0), pictures(), false)[0],
    'drop',
  );
});

test('a PID that carries only a clock needs no unit', () => {
  const gate = new Gate({ kind: 'unit', afterDts: undefined, isBreak: true }, 0, true);
  assert.equal(gate.take(emptyPacket(), 0, true), 'keep');
});
