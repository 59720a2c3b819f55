import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ManualClock } from '../base/manual-clock.ts';
import { PACKET_BYTES } from '../mpegts/packet.ts';
import { readMarker, verifyMarker } from './marker.ts';
import { startRig } from './testing/rig.ts';

/** The default: about 4 Mb/s, whole packets in 64 s. */
const PACKETS_PER_MS = 170_213 / 64_000;
const RATE = 500_000;

/**
 * Proves by the markers that a body has every packet once and in order, each marker with the right payload.
 * Returns the number of its first packet.
 */
function proveContinuous(body: Buffer, infohash: string): number {
  let firstNumber: number | undefined;
  for (let at = 0; at + PACKET_BYTES <= body.length; at += PACKET_BYTES) {
    assert.equal(body[at], 0x47);
    const marker = readMarker(body, at);
    if (marker === undefined) continue;
    firstNumber ??= marker.packetNumber - at / PACKET_BYTES;
    assert.equal(marker.packetNumber, firstNumber + at / PACKET_BYTES);
    assert(verifyMarker(body, at, infohash));
  }
  assert(firstNumber !== undefined, 'the body has no marker');
  return firstNumber;
}

test('item 24: the body starts with a whole packet in the middle of a GOP, and nothing is missing in it', async (t) => {
  const rig = await startRig(t);
  const session = await rig.start();
  const reader = await rig.read(session);
  await reader.body(188);
  await rig.clock.advance(1_000);
  const body = await reader.body(400_000);
  const first = proveContinuous(body, session.infohash);
  assert.equal(first, Math.floor(3_600_000 * PACKETS_PER_MS) - Math.floor((0.1 * RATE) / PACKET_BYTES));
  assert.notEqual(body[1]! & 0x40, 0x40, 'no unit starts here');
});

test('item 25: first a burst, then the pace of the broadcast', async (t) => {
  const rig = await startRig(t, { burst: { seconds: 2 } });
  const reader = await rig.read(await rig.start());
  const burstBytes = 2 * 500_000;
  await reader.body(burstBytes - 1_000);
  const sent = (): number => rig.engine.counters.mediaBytesSent;
  assert(sent() <= burstBytes);
  const before = sent();
  await rig.clock.advance(10_000);
  await reader.body(before + 5_000_000 - 50_000);
  assert(Math.abs(sent() - before - 5_000_000) < 50_000, `${sent() - before} bytes in 10 s`);
});

test('item 25: the burst is 22 MB where 20 s would be more', async (t) => {
  const rig = await startRig(t, { burst: {}, bitsPerSecond: 40_000_000 });
  const reader = await rig.read(await rig.start());
  const body = await reader.body(21_900_000);
  assert(body.length <= 22_000_000);
});

test('item 25: writes end anywhere in a packet', async (t) => {
  const rig = await startRig(t);
  await (await rig.read(await rig.start())).body(188);
  let unaligned = 0;
  for (let round = 0; round < 20; round++) {
    await rig.clock.advance(40);
    if (rig.engine.counters.mediaBytesSent % PACKET_BYTES !== 0) unaligned++;
  }
  assert(unaligned >= 15);
});

test('item 25: the pace jitters: writes do not come at one distance', async (t) => {
  const rig = await startRig(t);
  await (await rig.read(await rig.start())).body(188);
  const gapsMs = new Set<number>();
  let lastMs: number | undefined;
  for (let nowMs = 0; nowMs < 1_000; nowMs++) {
    const before = rig.engine.counters.mediaBytesSent;
    await rig.clock.advance(1);
    if (rig.engine.counters.mediaBytesSent === before) continue;
    if (lastMs !== undefined) gapsMs.add(nowMs - lastMs);
    lastMs = nowMs;
  }
  assert.ok(gapsMs.size >= 3, `gaps of ${[...gapsMs]} ms`);
});

test('item 26: video/mp2t without a length, whatever Range or Icy-MetaData asked', async (t) => {
  const rig = await startRig(t);
  const reader = await rig.read(await rig.start(), ['Range: bytes=1000-', 'Icy-MetaData: 1']);
  const head = await reader.head();
  assert.match(head, /^HTTP\/1\.1 200 OK\r\n/);
  assert.match(head, /Content-Type: video\/mp2t/);
  assert.doesNotMatch(head, /content-length|content-range|accept-ranges|icy|transfer-encoding/i);
  assert.equal((await reader.body(188))[0], 0x47);
});

test('headers wait until prebuffering is over, or only the body does', async (t) => {
  for (const headersWaitForMedia of [true, false]) {
    const rig = await startRig(t, { profile: { headersWaitForMedia }, delays: { prebufMs: 3_000 } });
    const reader = await rig.read(await rig.start());
    await rig.engine.journal.waitFor((entry) => entry.route === 'content');
    await rig.clock.advance(2_999);
    if (headersWaitForMedia) {
      await rig.get('/webui/api/service?method=get_version');
      assert.equal(reader.received.length, 0);
    } else {
      assert.match(await reader.head(), /200 OK/);
    }
    assert.equal(rig.engine.counters.mediaBytesSent, 0);
    await rig.clock.advance(1);
    await reader.body(188);
  }
});

test('a reader that takes nothing makes the engine hold a bounded amount, and loses nothing by it', async (t) => {
  const rig = await startRig(t, { bitsPerSecond: 20_000_000 });
  const session = await rig.start();
  const reader = await rig.read(session);
  await reader.body(188);
  reader.pause();
  await rig.clock.advance(20_000);
  const { mediaBytesSent } = rig.engine.counters;
  assert(
    mediaBytesSent < 25_000_000,
    'of 50 MB that were on air: the kernel’s buffers filled and the engine waited',
  );
  reader.resume();
  proveContinuous(await reader.body(mediaBytesSent + 5_000_000), session.infohash);
});

test('two engines deliver the same packets, each with its own lag', async (t) => {
  const bodies: { first: number; body: Buffer }[] = [];
  for (const lagMs of [0, 3_000]) {
    const rig = await startRig(t, { lagMs });
    const session = await rig.start();
    const reader = await rig.read(session);
    await reader.body(188);
    await rig.clock.advance(5_000);
    const body = await reader.body(2_400_000);
    bodies.push({ body, first: proveContinuous(body, session.infohash) });
  }
  const [early, late] = bodies;
  const lagPackets = early!.first - late!.first;
  assert(Math.abs(lagPackets - 3_000 * PACKETS_PER_MS) < 2, `${lagPackets} packets`);
  const common = late!.body.subarray(lagPackets * PACKET_BYTES);
  assert(common.length > 500_000);
  assert(early!.body.subarray(0, common.length).equals(common));
});

test('the broadcasts’ epoch can be chosen', async (t) => {
  const rig = await startRig(t, { epochMs: new ManualClock().wallMs() - 1_000 });
  const session = await rig.start();
  const first = proveContinuous(await (await rig.read(session)).body(20_000), session.infohash);
  assert(first < 1_000 * PACKETS_PER_MS);
});
