/** HLS over the time-shift window: every reload by the strict checker, on a real disk, under a clock of the test's own. */
import assert from 'node:assert/strict';
import { hash } from 'node:crypto';
import { describe, test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { AcemuxError, type ReasonCode } from '../../src/base/reasons.ts';
import { type Channel, Channels } from '../support/channels.ts';
import {
  assertNothingLost,
  HlsChecker,
  type InspectedSegment,
  inspectSegment,
  parseStrictly,
} from '../support/hls-checker.ts';
import { parseElsewhere } from '../support/hls-parser.ts';
import { RewindHouse } from '../support/rewind-house.ts';
import { diskFull } from '../support/slow-disk.ts';

const LONG = process.env['LONG_TESTS'] === '1';
const channels = new Channels(600_000);
const channel = channels.channel('test-pattern', { filler: 'nulls' });
/** What leaves the list is there for an eighth of the window, less what the dates are inexact by. */
const WINDOW = { windowMs: 120_000 };
const LISTED_SECONDS = 105;
const GRACE_SECONDS = 13;

/** Reloads each second, fetches what is new as soon as it is listed, and what is oldest while it is listed. */
class Rewinder {
  readonly checker = new HlsChecker(GRACE_SECONDS);
  readonly inspected = new Map<number, InspectedSegment>();
  readonly #hashes = new Map<number, string>();
  readonly #house: RewindHouse;
  readonly #name: string;
  text = '';

  constructor(house: RewindHouse, name: string) {
    this.#house = house;
    this.#name = name;
  }

  async reload(): Promise<void> {
    const playlist = await this.#house.playlist(this.#name);
    const { text } = playlist;
    assert.equal(gunzipSync(playlist.gzipped).toString(), text);
    this.text = text;
    parseElsewhere(text);
    const nowMs = this.#house.clock.nowMs();
    const { segments } = this.checker.reload(text, nowMs);
    const due = this.checker.dueAt(nowMs);
    const byNumber = new Map(this.checker.segments.map((segment) => [segment.number, segment]));
    const middle = segments[Math.floor(segments.length / 2)]!;
    for (const number of new Set([
      ...due.slice(0, 1),
      segments[0]!.number,
      middle.number,
      segments.at(-1)!.number,
    ])) {
      const bytes = await this.#house.fetch(byNumber.get(number)!.uri);
      const digest = hash('sha256', bytes);
      assert.equal(this.#hashes.get(number) ?? digest, digest, `segment ${number} is not what it was`);
      this.#hashes.set(number, digest);
      if (!this.inspected.has(number)) this.inspected.set(number, inspectSegment(bytes));
    }
  }

  get seconds(): number {
    return parseStrictly(this.text).segments.reduce((sum, { seconds }) => sum + seconds, 0);
  }
}

async function play(
  house: RewindHouse,
  [from, to]: readonly [number, number],
  rewinder?: Rewinder,
  choice: { shift90?: number; remux?: string } = {},
  of: Channel = channel,
): Promise<void> {
  for (let second = from; second < to; second++) {
    await house.play(of.take(of.packetsIn(second), of.packetsIn(second + 1), choice), 1);
    await rewinder?.reload();
  }
}

async function codeOf(promise: Promise<unknown>): Promise<ReasonCode> {
  return promise.then(
    () => assert.fail('it was not refused'),
    (error) => {
      assert.ok(error instanceof AcemuxError, String(error));
      return error.code;
    },
  );
}

describe('a playlist with time-shift', () => {
  test('grows to the window, keeps every rule at every reload, and loses at its tail only', async (t) => {
    const house = await RewindHouse.start(t, WINDOW);
    await play(house, [0, 8]);
    const rewinder = new Rewinder(house, (await house.manifest()).name);
    await play(house, [8, 95], rewinder);
    assert.ok(rewinder.seconds > 80, `${rewinder.seconds} s`);
    await play(house, [95, LONG ? 900 : 200], rewinder);
    assert.ok(Math.abs(rewinder.seconds - LISTED_SECONDS) < 10, `${rewinder.seconds} s`);
    const { segments } = rewinder.checker;
    assert.ok(segments.every(({ isDiscontinuity }) => !isDiscontinuity));
    assert.ok([...rewinder.inspected.values()].every(({ access }) => access !== undefined));
    assertNothingLost([...rewinder.inspected.values()], house.stage.content);
  });

  test('has what was played before anybody asked for HLS', async (t) => {
    const house = await RewindHouse.start(t, WINDOW);
    await play(house, [0, 100]);
    const rewinder = new Rewinder(house, (await house.manifest()).name);
    await rewinder.reload();
    assert.ok(rewinder.seconds > 90, `${rewinder.seconds} s`);
  });

  test('goes on over other engines, a restart and a crash, with the next number and the break announced', async (t) => {
    const house = await RewindHouse.start(t, WINDOW);
    await play(house, [0, 8]);
    const { name } = await house.manifest();
    const rewinder = new Rewinder(house, name);
    await play(house, [8, 40], rewinder);
    // The same pictures from another engine: no trace.
    house.stage.beginSource();
    house.stage.bring(channel.take(channel.packetsIn(35), channel.packetsIn(42), { remux: 'other' }));
    await play(house, [42, 60], rewinder, { remux: 'other' });
    assert.ok(rewinder.checker.segments.every(({ isDiscontinuity }) => !isDiscontinuity));
    // Another clock.
    const other = channels.channel('test-pattern', { filler: 'nulls', infohash: '1'.repeat(40) });
    house.stage.beginSource();
    await play(house, [1_000, 1_030], rewinder, { shift90: 12_345_678 }, other);
    for (const again of [() => house.restart(), () => house.die()]) {
      await again();
      await house.clock.advance(7_000);
      await play(house, [2_000, 2_010], undefined, {}, other);
      await play(house, [2_010, 2_030], rewinder, {}, other);
    }
    // A session that ends, and another one, in one life of acemux.
    house.endSession();
    await house.beginSession();
    await play(house, [2_040, 2_050], undefined, {}, other);
    await play(house, [2_050, 2_060], rewinder, {}, other);
    const breaks = rewinder.checker.segments.filter(({ isDiscontinuity }) => isDiscontinuity);
    assert.equal(breaks.length, 4);
    assert.ok([...rewinder.inspected.values()].every(({ access }) => access !== undefined));
    // Until all of that has left the list.
    await play(house, [2_060, 2_190], rewinder, {}, other);
    const { discontinuitySequence, segments } = parseStrictly(rewinder.text);
    assert.ok(segments.every(({ isDiscontinuity }) => !isDiscontinuity) && discontinuitySequence > 0);
  });

  test('is back at the normal window when the disk is full, and live goes on', async (t) => {
    const house = await RewindHouse.start(t, WINDOW);
    await play(house, [0, 60]);
    const rewinder = new Rewinder(house, (await house.manifest()).name);
    await rewinder.reload();
    assert.ok(rewinder.seconds > 50);
    house.disk.error = diskFull();
    await play(house, [60, 70]);
    const before = parseStrictly(rewinder.text);
    const live = new HlsChecker();
    for (let second = 70; second < 120; second++) {
      await play(house, [second, second + 1]);
      live.reload((await house.playlist((await house.manifest()).name)).text, house.clock.nowMs());
    }
    assert.deepEqual(house.warnings, ['timeshift_disk_full']);
    const after = parseStrictly((await house.playlist((await house.manifest()).name)).text);
    assert.ok(after.mediaSequence > before.mediaSequence + before.segments.length);
    assert.ok(after.segments.length <= 12);
  });

  test('does not wait for a disk that hangs, and begins anew once it works', async (t) => {
    const house = await RewindHouse.start(t, { ...WINDOW, ringMs: 40_000 });
    await play(house, [0, 60]);
    const { name } = await house.manifest();
    const numbers = async () => parseStrictly((await house.playlist(name)).text);
    const before = await numbers();
    house.hold(true);
    await play(house, [60, 90]);
    const meanwhile = await numbers();
    const newest = meanwhile.mediaSequence + meanwhile.segments.length;
    assert.ok(newest - (before.mediaSequence + before.segments.length) >= 5, 'live has waited');
    assert.ok(meanwhile.mediaSequence > before.mediaSequence);
    house.hold(false);
    await house.quiet();
    await play(house, [90, 180]);
    const after = await numbers();
    assert.ok(after.mediaSequence >= meanwhile.mediaSequence);
    assert.ok(after.segments.length > 20, `${after.segments.length}`);
    await house.fetch(after.segments[0]!.uri);
  });

  test('is shorter where there is no room for the window', async (t) => {
    const house = await RewindHouse.start(t, { ...WINDOW, bytesMax: 6_000_000 });
    await play(house, [0, 8]);
    const rewinder = new Rewinder(house, (await house.manifest()).name);
    for (let second = 8; second < 150; second++) {
      await play(house, [second, second + 1]);
      const { segments } = parseStrictly((await house.playlist((await house.manifest()).name)).text);
      await house.fetch(segments[0]!.uri);
    }
    await rewinder.reload();
    assert.ok(rewinder.seconds > 30 && rewinder.seconds < 90, `${rewinder.seconds} s`);
    assert.ok(house.timeshift.sizeBytes <= 6_000_000);
  });
});

describe('start', () => {
  test('has players begin there, at the same place at each reload, and is clamped to what there is', async (t) => {
    const house = await RewindHouse.start(t, WINDOW);
    await play(house, [0, 100]);
    const { playlist, name, query } = await house.manifest({ start: { kind: 'behind', seconds: 60 } });
    const { beginning } = playlist;
    assert.ok(beginning && !beginning.isClamped);
    const behindMs = house.clock.wallMs() - beginning.wallMs;
    assert.ok(behindMs >= 60_000 && behindMs < 75_000, `${behindMs} ms`);
    assert.equal(new URLSearchParams(query).get('start'), new Date(beginning.wallMs).toISOString());
    const wish = { start: { kind: 'at', wallMs: beginning.wallMs } } as const;
    const placeOf = (text: string) => {
      const { segments, startOffset } = parseStrictly(text);
      parseElsewhere(text);
      const total = segments.reduce((sum, { seconds }) => sum + seconds, 0);
      return segments[0]!.wallMs + (total + (startOffset ?? 0)) * 1000;
    };
    for (let second = 100; second < 110; second++) {
      const reply = await house.playlist(name, wish);
      assert.equal(gunzipSync(reply.gzipped).toString(), reply.text);
      assert.ok(Math.abs(placeOf(reply.text) - beginning.wallMs) <= 2, reply.text.slice(0, 300));
      await play(house, [second, second + 1]);
    }
    assert.equal(parseStrictly((await house.playlist(name)).text).startOffset, undefined);
    const early = await house.manifest({ start: { kind: 'behind', seconds: 6_000 } });
    assert.equal(early.playlist.beginning?.isClamped, true);
    const { segments } = parseStrictly((await house.playlist(name)).text);
    assert.equal(Math.floor(early.playlist.beginning.wallMs), segments[0]!.wallMs);
    const late = await house.manifest({ start: { kind: 'at', wallMs: house.clock.wallMs() + 99_000 } });
    assert.equal(late.playlist.beginning?.isClamped, true);
    const atLive = { start: { kind: 'at', wallMs: late.playlist.beginning.wallMs } } as const;
    const live = parseStrictly((await house.playlist(late.name, atLive)).text);
    assert.ok(live.startOffset === undefined || live.startOffset > -13, `${live.startOffset}`);
  });
});

describe('an excerpt', () => {
  test('has an end, needs no session, and is there after a restart, by any name of the stream', async (t) => {
    const house = await RewindHouse.start(t, WINDOW);
    await play(house, [0, 100]);
    await house.restart();
    const wish = { start: { kind: 'behind', seconds: 60 }, end: { kind: 'behind', seconds: 30 } } as const;
    const fromWallMs = house.clock.wallMs() - 60_000;
    for (const selector of [
      { kind: 'id', hash: 'a'.repeat(40), parameters: {} },
      { kind: 'infohash', hash: 'b'.repeat(40), parameters: {} },
    ] as const) {
      const { name, playlist, query } = await house.manifest(wish, selector);
      assert.match(playlist.text, /CODECS="avc1\.4d401e,mp4a\.40\.2",RESOLUTION=640x360,FRAME-RATE=25\.000/);
      assert.equal(playlist.beginning?.isClamped, false);
      const given = new URLSearchParams(query);
      const at = (key: string) => ({ kind: 'at', wallMs: Date.parse(given.get(key) ?? '') }) as const;
      const { text } = await house.playlist(name, { start: at('start'), end: at('end') }, selector);
      parseElsewhere(text);
      const { isFinished, segments } = parseStrictly(text);
      assert.ok(isFinished);
      assert.ok(segments[0]!.wallMs <= fromWallMs && segments[1]!.wallMs > fromWallMs);
      const last = segments.at(-1)!;
      assert.ok(
        last.wallMs < fromWallMs + 30_000 && last.wallMs + last.seconds * 1000 >= fromWallMs + 30_000,
      );
      for (const { uri } of segments) inspectSegment(await house.fetch(uri));
    }
    assert.equal(house.sessions, 0);
  });

  test('that ends before it begins, or of which nothing is kept, is refused', async (t) => {
    const house = await RewindHouse.start(t, WINDOW);
    await play(house, [0, 40]);
    const at = (seconds: number) => ({ kind: 'behind', seconds }) as const;
    assert.equal(await codeOf(house.manifest({ start: at(10), end: at(20) })), 'bad_request');
    assert.equal(await codeOf(house.manifest({ start: at(10), end: at(10) })), 'bad_request');
    assert.equal(await codeOf(house.manifest({ start: at(9_000), end: at(8_000) })), 'past_unknown');
    const unknown = { kind: 'id', hash: 'c'.repeat(40), parameters: {} } as const;
    assert.equal(await codeOf(house.manifest({ start: at(20), end: at(10) }, unknown)), 'past_unknown');
    const other = { kind: 'id', hash: 'a'.repeat(40), parameters: { quality: 'hd' } } as const;
    assert.equal(await codeOf(house.manifest({ start: at(20), end: at(10) }, other)), 'past_unknown');
    const clamped = await house.manifest({ start: at(9_000), end: at(20) });
    assert.equal(clamped.playlist.beginning?.isClamped, true);
  });
});

test('a segment that has left the window is not found', async (t) => {
  const house = await RewindHouse.start(t, { windowMs: 40_000 });
  await play(house, [0, 30]);
  const { name } = await house.manifest();
  const [first] = parseStrictly((await house.playlist(name)).text).segments;
  await play(house, [30, 100]);
  await assert.rejects(house.fetch(first!.uri), { code: 'segment_unknown' });
  for (const uri of ['s/name/1.ts', first!.uri.replace(/\d+\.ts/, '1.ts'), 's/0/1.ts']) {
    await assert.rejects(house.fetch(uri), { code: 'segment_unknown' });
  }
});
