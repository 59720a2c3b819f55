/** Two engines play along, each loses packets, never the same ones: in which order do viewers get them? */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Channels } from '../../test/support/channels.ts';
import { checkStream } from '../../test/support/ts-checker.ts';
import { readPcr, readPesTimestamps, wrappedDifference } from '../mpegts/clocks.ts';
import { hasPayload, PACKET_BYTES, pidOf, startsUnit } from '../mpegts/packet.ts';
import { BufferMemory } from './buffer-memory.ts';
import { Intake } from './intake.ts';

const STEP_MS = 100;
const END_MS = 36_000;
/** From here on one of the two loses a packet every 1.5 s, in turns: an engine fills only what it has been whole around for a second. */
const LOSSES_FROM_MS = 4_000;
const LOSS_EVERY_MS = 1_500;
const LOSSES = 20;
const TABLE_PIDS = [0, 0x1000];
const MEDIA_PIDS = [0x100, 0x101];
const DATA_PID = 0x102;
const PIDS = [...TABLE_PIDS, ...MEDIA_PIDS, DATA_PID];

const channel = new Channels(1_000_000).channel('test-pattern');
const packetsBy = (nowMs: number): number => channel.packetsIn(nowMs / 1_000);
const broadcast = channel.take(0, packetsBy(END_MS));

/** The numbers of the packets that an engine loses, 0 or 1. */
const lost = [0, 1].map((engine) => {
  const numbers = new Set<number>();
  for (let loss = 0; loss < LOSSES; loss++) {
    let number = packetsBy(LOSSES_FROM_MS + loss * LOSS_EVERY_MS);
    const pid = PIDS[Math.floor(loss / 2) % PIDS.length];
    // Nobody can see that one without payload is missing: it has no counter of its own.
    const isMeant = (at: number): boolean => pidOf(broadcast, at) === pid && hasPayload(broadcast, at);
    while (!isMeant(number * PACKET_BYTES)) number++;
    if (loss % 2 === engine) numbers.add(number);
  }
  return numbers;
});

/** What an engine delivers between two moments: all but its losses. */
function delivered(engine: number, fromMs: number, toMs: number): Buffer {
  const kept: Buffer[] = [];
  for (let number = packetsBy(fromMs); number < packetsBy(toMs); number++) {
    const at = number * PACKET_BYTES;
    if (!lost[engine]?.has(number)) kept.push(broadcast.subarray(at, at + PACKET_BYTES));
  }
  return Buffer.concat(kept);
}

function playBoth(): { readonly capture: Buffer; readonly switches: number } {
  const intake = new Intake({
    session: { lingeringSinceMs: undefined, giveWay: () => assert.fail('somebody watches') },
    memory: new BufferMemory(1024 * 1024 * 1024),
    limits: { bufferBytes: 64 * 1024 * 1024, bufferMs: 600_000, spliceWaitMs: 10_000 },
    standbyWindowMs: 500,
    nowMs: 0,
  });
  const [one, other] = [{}, {}];
  let switches = 0;
  intake.begin(one, 0);
  for (let nowMs = STEP_MS; nowMs <= END_MS; nowMs += STEP_MS) {
    if (nowMs === 2_000) intake.begin(other, nowMs, true);
    const news = [intake.push(one, delivered(0, nowMs - STEP_MS, nowMs), nowMs)];
    if (nowMs >= 2_000) news.push(intake.push(other, delivered(1, nowMs - STEP_MS, nowMs), nowMs));
    for (const source of [one, other]) news.push(intake.tick(source, nowMs, false));
    for (const { kind } of news) if (kind === 'switched') switches++;
  }
  using reader = intake.ring.openReader();
  const parts: Buffer[] = [];
  for (let at = intake.ring.tail; at < intake.ring.head; at += parts.at(-1)?.length ?? 1)
    parts.push(Buffer.from(reader.view(at, intake.ring.head - at)));
  return { capture: Buffer.concat(parts), switches };
}

/** The packets of one PID, in their order. */
function packetsOf(bytes: Buffer, pid: number): Buffer {
  const packets: Buffer[] = [];
  for (let at = 0; at < bytes.length; at += PACKET_BYTES)
    if (pidOf(bytes, at) === pid) packets.push(bytes.subarray(at, at + PACKET_BYTES));
  return Buffer.concat(packets);
}

/** By PID, how much earlier than it is decoded the latest packet of pictures and sound comes, by the clock before it, milliseconds. */
function leastLeadMs(capture: Buffer): Map<number, number> {
  const least = new Map<number, number>();
  const decoded = new Map<number, number>();
  let clock90: number | undefined;
  for (let at = 0; at < capture.length; at += PACKET_BYTES) {
    const pid = pidOf(capture, at);
    const pcr = readPcr(capture, at);
    if (pcr !== undefined) clock90 = Math.floor(pcr / 300);
    if (!MEDIA_PIDS.includes(pid) || !hasPayload(capture, at)) continue;
    const times = startsUnit(capture, at) ? readPesTimestamps(capture, at) : undefined;
    const dts = times?.dts ?? times?.pts ?? decoded.get(pid);
    if (dts === undefined || clock90 === undefined) continue;
    decoded.set(pid, dts);
    const leadMs = wrappedDifference(dts, clock90) / 90;
    least.set(pid, Math.min(leadMs, least.get(pid) ?? leadMs));
  }
  return least;
}

/** The longest media time without a packet of a PID, milliseconds. */
function longestPauseMs(capture: Buffer, sought: number): number {
  const perMs = channel.packetsIn(1) / 1_000;
  let [last, longest] = [0, 0];
  for (let at = 0; at < capture.length; at += PACKET_BYTES) {
    if (pidOf(capture, at) !== sought) continue;
    longest = Math.max(longest, (at - last) / PACKET_BYTES / perMs);
    last = at;
  }
  return longest;
}

// What is missing shows only when the next packet of its PID comes: until then those of others have gone on.
test('what one engine lost comes from the other: each PID is whole and in its order, and nothing too late to be decoded', () => {
  const { capture, switches } = playBoth();
  assert.equal(switches, LOSSES);
  assert.deepEqual(checkStream(capture).problems, []);
  for (const pid of [...MEDIA_PIDS, DATA_PID]) {
    const found = packetsOf(capture, pid);
    assert.ok(found.equals(packetsOf(broadcast, pid).subarray(0, found.length)), `PID ${pid}`);
  }
  // A table that is lost comes again: twice a second is enough (ETSI TR 101 290 1.3 and 1.5).
  for (const pid of TABLE_PIDS) assert.ok(longestPauseMs(capture, pid) < 500, `PID ${pid}`);
  const lead = leastLeadMs(capture);
  for (const pid of MEDIA_PIDS) assert.ok((lead.get(pid) ?? 0) > 0, `PID ${pid}`);
});
