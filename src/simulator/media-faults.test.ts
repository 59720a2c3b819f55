import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { ManualClock } from '../base/manual-clock.ts';
import { PCR_WRAP, readPcr, wrappedPcrDifference } from '../mpegts/clocks.ts';
import { ContinuityChecker } from '../mpegts/continuity.ts';
import { PACKET_BYTES, pidOf } from '../mpegts/packet.ts';
import { Broadcast } from './broadcast.ts';
import { loadClip, VIDEO_PID } from './clip.ts';
import { type Fault, Faults } from './faults.ts';
import { buildLayout } from './layout.ts';
import { readMarker } from './marker.ts';
import { MediaFaults } from './media-faults.ts';
import { ID_A, ID_B, type Rig, startRig } from './testing/rig.ts';

const RATE = 500_000;

/** PCRs of a body in the order of its packets. */
function clocksOf(body: Buffer): number[] {
  const clocks: number[] = [];
  for (let at = 0; at + PACKET_BYTES <= body.length; at += PACKET_BYTES) {
    const pcr = body[at] === 0x47 ? readPcr(body, at) : undefined;
    if (pcr !== undefined) clocks.push(pcr);
  }
  return clocks;
}

/** The largest step from one PCR to the next, in seconds, with its sign. */
function largestStepSeconds(body: Buffer): number {
  let largest = 0;
  const clocks = clocksOf(body);
  for (const [index, clock] of clocks.entries()) {
    const step = index === 0 ? 0 : wrappedPcrDifference(clock, clocks[index - 1]!) / 27_000_000;
    if (Math.abs(step) > Math.abs(largest)) largest = step;
  }
  return largest;
}

function counterErrors(body: Buffer): number {
  const checker = new ContinuityChecker();
  for (let at = 0; at + PACKET_BYTES <= body.length; at += PACKET_BYTES) checker.push(body, at);
  return checker.errors;
}

function markersOf(body: Buffer): number[] {
  const numbers: number[] = [];
  for (let at = 0; at + PACKET_BYTES <= body.length; at += PACKET_BYTES) {
    const marker = readMarker(body, at);
    if (marker !== undefined) numbers.push(marker.packetNumber);
  }
  return numbers;
}

/** A body of which one fault came into force after one second, and how long it got in four. */
async function struckBody(rig: Rig, fault: Fault): Promise<Buffer> {
  const reader = await rig.read(await rig.start());
  await reader.body(188);
  rig.engine.faults.set({ fault, afterMs: 1_000 });
  for (let second = 0; second < 4; second++) {
    await rig.clock.advance(1_000);
    await reader.body(rig.engine.counters.mediaBytesSent);
  }
  return reader.body(rig.engine.counters.mediaBytesSent);
}

describe('items 39 to 41 on a body, from one second on', () => {
  for (const [fault, isRight] of [
    [
      { kind: 'tsLoss', probability: 0.05 },
      (body: Buffer) => counterErrors(body) > 50 && body.length < 4.1 * RATE,
    ],
    [{ kind: 'tsCcErr', probability: 0.05 }, (body: Buffer) => counterErrors(body) > 50],
    [{ kind: 'pcrJump', seconds: 30 }, (body: Buffer) => Math.round(largestStepSeconds(body)) === 30],
    [{ kind: 'pcrJump', seconds: -30 }, (body: Buffer) => Math.round(largestStepSeconds(body)) === -30],
    [
      { kind: 'bitrateChange', factor: 2 },
      (body: Buffer) => body.length > 6 * RATE && counterErrors(body) === 0,
    ],
    [
      { kind: 'pmtChange', pidOffset: 0x30 },
      (body: Buffer) =>
        pidsOf(body.subarray(0, RATE)).has(VIDEO_PID) &&
        pidsOf(body.subarray(2 * RATE)).has(VIDEO_PID + 0x30) &&
        !pidsOf(body.subarray(2 * RATE)).has(VIDEO_PID),
    ],
  ] as const) {
    test(JSON.stringify(fault), async (t) => {
      const body = await struckBody(await startRig(t), fault);
      assert(isRight(body));
      const before = body.subarray(0, PACKET_BYTES * Math.floor((0.9 * RATE) / PACKET_BYTES));
      assert.equal(counterErrors(before), 0, 'nothing is wrong before');
      assert(Math.abs(largestStepSeconds(before)) < 0.05);
    });
  }

  test('tsCorrupt and tsBadSync', async (t) => {
    const corrupt = await struckBody(await startRig(t), { kind: 'tsCorrupt', probability: 0.05 });
    const clean = await struckBody(await startRig(t), { kind: 'tsCorrupt', probability: 0 });
    assert.equal(corrupt.length, clean.length);
    assert(!corrupt.equals(clean));
    const shifted = await struckBody(await startRig(t), { kind: 'tsBadSync', probability: 0.01 });
    const tail = shifted.subarray(2 * RATE - ((2 * RATE) % PACKET_BYTES));
    let synced = 0;
    for (let at = 0; at < tail.length; at += PACKET_BYTES) if (tail[at] === 0x47) synced++;
    assert(synced < tail.length / PACKET_BYTES / 2);
  });

  test('ptsWrap: the clocks wrap so long after, and go on', async (t) => {
    const body = await struckBody(await startRig(t), { kind: 'ptsWrap', inSeconds: 2 });
    const clocks = clocksOf(body);
    const wrapAt = clocks.findIndex((clock, index) => index > 0 && clock < clocks[index - 1]! - PCR_WRAP / 2);
    assert(wrapAt > 0);
    assert(Math.abs(wrapAt / clocks.length - 3 / 4) < 0.1, 'three of four seconds have gone');
    assert(clocks.slice(wrapAt).every((clock) => clock < 2 * 27_000_000));
  });

  test('a fault strikes one session or infohash only, and ends when it is cleared', async (t) => {
    const rig = await startRig(t);
    const struck = await rig.start(`id=${ID_A}&pid=1`);
    const spared = await rig.start(`id=${ID_B}&pid=2`);
    const readers = [await rig.read(struck), await rig.read(spared)];
    for (const reader of readers) await reader.body(188);
    rig.engine.faults.set({
      fault: { kind: 'tsLoss', probability: 1 },
      target: { infohash: struck.infohash },
      durationMs: 1_000,
    });
    await rig.clock.advance(2_000);
    assert.equal(counterErrors(await (readers[1] ?? assert.fail()).body(RATE)), 0);
    const [bytesStruck = 0, bytesSpared = 0] = rig.engine.sessions().map((session) => session.bytesSent);
    assert(Math.abs(bytesSpared - bytesStruck - RATE) < 30_000, `${bytesSpared - bytesStruck}`);
  });

  test('a fault that waits for bytes strikes at that byte', async (t) => {
    const rig = await startRig(t, { burst: { seconds: 1 } });
    const reader = await rig.read(await rig.start());
    rig.engine.faults.set({ fault: { kind: 'pcrJump', seconds: 60 }, afterBytes: 200_000 });
    const body = await reader.body(400_000);
    const jumpAt = body.subarray(0, 190_000);
    assert(Math.abs(largestStepSeconds(jumpAt)) < 0.05);
    assert.equal(Math.round(largestStepSeconds(body)), 60);
  });
});

describe('item 40: starve', () => {
  test('the body comes at that share of its rate, and what was missed follows', async (t) => {
    const rig = await startRig(t, { burst: { seconds: 0 } });
    const session = await rig.start();
    const reader = await rig.read(session);
    await reader.head();
    rig.engine.faults.set({ fault: { kind: 'starve', factor: 0.25 }, durationMs: 8_000 });
    await rig.clock.advance(7_900);
    const starved = rig.engine.counters.mediaBytesSent;
    assert(Math.abs(starved - 0.25 * 7.9 * RATE) < 0.1 * RATE, `${starved}`);
    assert.match((await rig.get(session.stat_url)).text, /"speed_down": 122,/);
    await rig.clock.advance(1_100);
    await reader.body(8.9 * RATE);
  });
});

test('item 41: tsPause: nothing for so long, then everything that was missed', async (t) => {
  const rig = await startRig(t);
  const reader = await rig.read(await rig.start());
  await reader.body(188);
  rig.engine.faults.set({ fault: { kind: 'tsPause', seconds: 5 } });
  const before = rig.engine.counters.mediaBytesSent;
  await rig.clock.advance(4_999);
  assert.equal(rig.engine.counters.mediaBytesSent, before);
  await rig.clock.advance(100);
  const body = await reader.body(before + 4.9 * RATE);
  assert.equal(counterErrors(body), 0);
});

describe('item 42: loop', () => {
  test('the last seconds come again and again at the usual pace, until it is cleared', async (t) => {
    const rig = await startRig(t);
    const reader = await rig.read(await rig.start());
    await reader.body(188);
    const id = rig.engine.faults.set({ fault: { kind: 'loop', seconds: 2 }, afterMs: 1_000 });
    for (let second = 0; second < 7; second++) {
      await rig.clock.advance(1_000);
      await reader.body(rig.engine.counters.mediaBytesSent);
    }
    const looped = markersOf(await reader.body(0));
    const highest = Math.max(...looped);
    const again = looped.filter((number) => number === highest).length;
    assert(again >= 3 && again <= 4, `${again} times`);
    assert(Math.abs(rig.engine.counters.mediaBytesSent - 7.1 * RATE) < 0.1 * RATE);
    rig.engine.faults.clear(id);
    await rig.clock.advance(1_000);
    const body = await reader.body(rig.engine.counters.mediaBytesSent);
    assert(Math.max(...markersOf(body)) > highest + 1_000, 'it goes on at the live edge');
  });

  test('stat’s positions stand still, fall behind or go back', async (t) => {
    for (const [livepos, movedSeconds] of [
      ['frozen', 0],
      ['lagging', 50],
      ['back', -10],
    ] as const) {
      const rig = await startRig(t);
      const session = await rig.start();
      const position = async (): Promise<number> => {
        const { response } = JSON.parse((await rig.get(session.stat_url)).text);
        return Number(response.livepos.last_ts);
      };
      const before = await position();
      rig.engine.faults.set({ fault: { kind: 'loop', seconds: 10, livepos } });
      await rig.clock.advance(50_000);
      await position();
      await rig.clock.advance(50_000);
      assert.equal((await position()) - before, movedSeconds);
    }
  });
});

test('without faults the packets are left as they are', () => {
  const broadcast = new Broadcast({ infohash: ID_A, layout: buildLayout(loadClip(), 1_000_000) });
  const faults = new Faults(new ManualClock());
  const { programs } = broadcast.layout.clip;
  const damage = new MediaFaults({ faults, whom: {}, programs: () => programs, clockTicksAt: () => 0 });
  const packets = broadcast.packetAt(7);
  assert.equal(damage.apply(packets), packets);
});

/** The PIDs of the whole packets in a piece of a body, wherever it was cut. */
function pidsOf(piece: Buffer): Set<number> {
  const pids = new Set<number>();
  let at = 0;
  while (piece[at] !== 0x47 || piece[at + PACKET_BYTES] !== 0x47 || piece[at + 2 * PACKET_BYTES] !== 0x47)
    at++;
  for (; at + PACKET_BYTES <= piece.length; at += PACKET_BYTES) pids.add(pidOf(piece, at));
  return pids;
}
