import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { readPcr, readPesTimestamps } from '../mpegts/clocks.ts';
import { isScrambled, PACKET_BYTES, pidOf, randomAccessIndicator } from '../mpegts/packet.ts';
import { StreamScanner } from '../mpegts/scanner.ts';
import { Broadcast } from './broadcast.ts';
import { listedCatalogue } from './catalogue.ts';
import { AUDIO_PID, loadClip, VIDEO_PID } from './clip.ts';
import { isMediaName, MEDIA_NAMES, MediaLibrary, type MediaName } from './media-library.ts';
import { Segmenter } from './segmenter.ts';
import { ID_A, ID_B, startRig } from './testing/rig.ts';

const library = new MediaLibrary({ bitsPerSecond: 1_500_000, testPattern: loadClip() });

function broadcastOf(name: MediaName): Broadcast {
  return new Broadcast({ infohash: '6'.repeat(40), layout: library.layout(name) });
}

/** What is on air between two moments of a broadcast. */
function stretch(broadcast: Broadcast, fromSeconds: number, endSeconds: number): Buffer {
  const from = broadcast.packetsOnAir(fromSeconds * 1_000);
  const count = broadcast.packetsOnAir(endSeconds * 1_000) - from;
  const packets = Buffer.alloc(count * PACKET_BYTES);
  broadcast.fill(packets, from, count);
  return packets;
}

function scanned(packets: Buffer): { scanner: StreamScanner; kinds: string[] } {
  const scanner = new StreamScanner();
  scanner.scan(packets, 0);
  return { scanner, kinds: scanner.takeAccessPoints().map(({ kind }) => kind) };
}

for (const name of MEDIA_NAMES) {
  describe(`media ${name}`, () => {
    test('has counters without a break and frames at even distances, over its seam too', () => {
      const broadcast = broadcastOf(name);
      const { clip } = broadcast.layout;
      const loopSeconds = clip.loopTicks / 90_000;
      const packets = stretch(broadcast, loopSeconds - 5, loopSeconds + 5);
      assert.equal(scanned(packets).scanner.continuityErrors, 0);
      if (clip.scrambled) return;
      for (const { pid } of clip.programs.flatMap(({ streams }) => streams)) {
        const shown: number[] = [];
        for (let at = 0; at < packets.length; at += PACKET_BYTES) {
          if (pidOf(packets, at) !== pid) continue;
          const pts = readPesTimestamps(packets, at)?.pts;
          if (pts !== undefined) shown.push(pts);
        }
        shown.sort((a, b) => a - b);
        // Pictures come out of order: the first and last of a stretch may miss a neighbour.
        const steps = new Set(shown.slice(5, -5).map((pts, index, all) => pts - (all[index - 1] ?? pts - 1)));
        steps.delete(1);
        assert.equal(steps.size, 1, `PID ${pid}: ${[...steps].join(', ')}`);
      }
    });

    test('each program has its clock at least every 100 ms, and frames leave in time', () => {
      const broadcast = broadcastOf(name);
      const packets = stretch(broadcast, 10, 20);
      for (const { pcrPid, streams } of broadcast.layout.clip.programs) {
        let last: number | undefined;
        for (let at = 0; at < packets.length; at += PACKET_BYTES) {
          const pid = pidOf(packets, at);
          const pcr = pid === pcrPid ? readPcr(packets, at) : undefined;
          if (pcr !== undefined && last !== undefined) assert(pcr - last <= 2_700_000, `${pcr - last}`);
          last = pcr ?? last;
          const stamps = readPesTimestamps(packets, at);
          if (last === undefined || stamps === undefined || !streams.some((stream) => stream.pid === pid))
            continue;
          const ahead = ((stamps.dts ?? stamps.pts ?? 0) - last / 300) / 90_000;
          assert(ahead > 0 && ahead < 1.2, `PID ${pid}: ${ahead} s`);
        }
        assert(last !== undefined);
      }
    });

    test('can be cut into segments', () => {
      const segmenter = new Segmenter(broadcastOf(name));
      assert(segmenter.targetSeconds <= 12);
      assert.equal(
        segmenter.segment(0).fromPacket + segmenter.segment(0).packetCount,
        segmenter.segment(1).fromPacket,
      );
    });
  });
}

describe('what each is for', () => {
  for (const [name, kinds, pointsIn24s] of [
    ['test-pattern', ['idr'], 24],
    ['hevc', ['irap'], 12],
    ['mpeg-2', ['mpeg2_i'], 48],
    ['audio-only', ['audio'], 48],
    ['open-gop', ['idr', 'recovery_point'], 30],
    ['intra-refresh', ['idr', 'recovery_point'], 24],
    ['long-gop', ['idr'], 2],
    ['no-random-access-flags', ['idr'], 24],
    ['two-programs', ['idr'], 24],
  ] as const) {
    test(`${name}: about ${pointsIn24s} access points in 24 s, of kind ${kinds.join(' or ')}`, () => {
      const found = scanned(stretch(broadcastOf(name), 48, 72)).kinds;
      assert.deepEqual([...new Set(found)].sort(), [...kinds]);
      assert(Math.abs(found.length - pointsIn24s) <= 3, `${found.length}`);
    });
  }

  test('open-gop and intra-refresh have few IDR pictures', () => {
    for (const name of ['open-gop', 'intra-refresh'] as const) {
      const { kinds } = scanned(stretch(broadcastOf(name), 48, 72));
      assert(kinds.filter((kind) => kind === 'idr').length <= 4);
    }
  });

  test('no-random-access-flags has none, the test pattern has', () => {
    const flagsOf = (name: MediaName): number => {
      const packets = stretch(broadcastOf(name), 0, 5);
      let flags = 0;
      for (let at = 0; at < packets.length; at += PACKET_BYTES)
        if (randomAccessIndicator(packets, at)) flags++;
      return flags;
    };
    assert.equal(flagsOf('no-random-access-flags'), 0);
    assert(flagsOf('test-pattern') >= 5);
  });

  test('two-programs has both, each with its own PMT and streams', () => {
    const broadcast = broadcastOf('two-programs');
    const pids = new Map<number, number>();
    const packets = stretch(broadcast, 0, 5);
    for (let at = 0; at < packets.length; at += PACKET_BYTES) {
      pids.set(pidOf(packets, at), (pids.get(pidOf(packets, at)) ?? 0) + 1);
    }
    assert.deepEqual([pids.get(0x1000), pids.get(0x1001)], [25, 25]);
    assert.equal(pids.get(AUDIO_PID), pids.get(AUDIO_PID + 0x10));
    assert((pids.get(VIDEO_PID + 0x10) ?? 0) > 300);
  });

  test('scrambled says so in every packet of pictures and sound, and can be decoded nowhere', () => {
    const packets = stretch(broadcastOf('scrambled'), 0, 5);
    for (let at = 0; at < packets.length; at += PACKET_BYTES) {
      const isMedia = [VIDEO_PID, AUDIO_PID].includes(pidOf(packets, at));
      const hasPayloadToHide = (packets[at + 3]! & 0x10) !== 0;
      assert.equal(isScrambled(packets, at), isMedia && hasPayloadToHide);
    }
    const { scanner, kinds } = scanned(packets);
    assert(scanner.scrambledPackets > 100);
    assert.deepEqual(kinds, []);
  });

  test('names are checked', () => {
    assert(isMediaName('hevc'));
    assert(!isMediaName('toString'));
  });
});

describe('an engine', () => {
  test('shows what the catalogue says, and its own choice elsewhere', async (t) => {
    const catalogue = listedCatalogue([
      { infohash: 'd'.repeat(40), contentIds: [ID_A], media: 'mpeg-2' },
      { infohash: 'e'.repeat(40), contentIds: [ID_B] },
    ]);
    const rig = await startRig(t, { catalogue, media: 'hevc', burst: { seconds: 6 } });
    for (const [query, streamType] of [
      [`id=${ID_A}&pid=1`, 0x02],
      [`id=${ID_B}&pid=2`, 0x24],
    ] as const) {
      const body = await (await rig.read(await rig.start(query))).body(1_000_000);
      const { scanner } = scanned(body.subarray(0, body.length - (body.length % PACKET_BYTES)));
      assert.equal(scanner.program?.streams.find(({ pid }) => pid === VIDEO_PID)?.streamType, streamType);
      assert.equal(scanner.continuityErrors, 0);
    }
  });

  test('item 41: pmtChange to another codec: new PIDs, a new table, and the clock goes on', async (t) => {
    const rig = await startRig(t);
    const reader = await rig.read(await rig.start());
    await reader.body(188);
    rig.engine.faults.set({ fault: { kind: 'pmtChange', media: 'hevc' } });
    const before = rig.engine.counters.mediaBytesSent;
    await rig.clock.advance(4_000);
    const body = await reader.body(before + 1_900_000);
    let last: number | undefined;
    for (let at = 0; at + PACKET_BYTES <= body.length; at += PACKET_BYTES) {
      const pcr = readPcr(body, at);
      if (pcr !== undefined && last !== undefined) assert(pcr > last && pcr - last < 2_700_000);
      last = pcr ?? last;
    }
    const { scanner, kinds } = scanned(body.subarray(0, body.length - (body.length % PACKET_BYTES)));
    assert.equal(scanner.program?.streams.find(({ pid }) => pid === VIDEO_PID + 0x20)?.streamType, 0x24);
    assert(kinds.includes('irap'));
    assert(scanner.continuityErrors <= 3, 'only tables and markers, whose PIDs stay, begin anew');
  });

  test('a bitrate that is too low for what is asked is refused', async (t) => {
    const { clip } = library.layout('test-pattern');
    await assert.rejects(startRig(t, { media: 'two-programs', bitsPerSecond: 800_000, clip }), RangeError);
  });
});
