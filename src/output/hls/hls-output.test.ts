import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import { Channels } from '../../../test/support/channels.ts';
import { parseStrictly } from '../../../test/support/hls-checker.ts';
import { HlsStage, type StagedAttachment } from '../../../test/support/hls-stage.ts';
import { until } from '../../../test/support/recording-clock.ts';
import { ResponseServer } from '../../../test/support/response-server.ts';
import { ManualClock } from '../../base/manual-clock.ts';
import { AcemuxError, type ReasonCode } from '../../base/reasons.ts';
import type { ViewerInfo } from '../../session/attachment.ts';
import type { StreamSelector } from '../../session/types.ts';
import { silentLog } from '../../telemetry/log.ts';
import { HlsOutput } from './hls-output.ts';

const STREAM: StreamSelector = { kind: 'id', hash: 'a'.repeat(40), parameters: {} };
const INFO: ViewerInfo = { address: '10.0.0.9', userAgent: 'hls.js' };
const START_TIMEOUT_MS = 60_000;
const CLIENT_TIMEOUT_MS = 30_000;
const NOBODY_LEAVES = new AbortController().signal;
const channel = new Channels(1_200_000).channel('test-pattern');

/** An output over one session, which is a new one after each end. */
class House {
  readonly clock = new ManualClock();
  readonly output: HlsOutput;
  readonly joins: { readonly viewer: ViewerInfo; readonly attachment: StagedAttachment }[] = [];
  stage: HlsStage;
  /** Why nobody is let in. */
  refusal: ReasonCode | undefined;
  /** Of all who join. */
  readonly expulsion = new AbortController();
  /** What a join waits for. */
  gate: Promise<void> = Promise.resolve();
  #second = 0;

  constructor(t: TestContext, clock?: ManualClock, clientTimeoutMs = CLIENT_TIMEOUT_MS) {
    if (clock) this.clock = clock;
    this.stage = this.#newStage();
    this.output = new HlsOutput({
      sessions: { join: (...given) => this.#join(...given) },
      archive: { segmentsOf: async () => undefined, findSegment: () => undefined },
      secret: 'secret',
      segmentSeconds: 4,
      clientTimeoutMs,
      startTimeoutMs: START_TIMEOUT_MS,
      clock: this.clock,
      log: silentLog(),
    });
    t.after(() => {
      this.output.stop();
      assert.equal(this.clock.pendingTimers, 0);
      assert.equal(this.stage.listeners.size, 0);
      for (const { attachment } of this.joins) assert.equal(attachment.left.length, 1);
    });
  }

  #newStage(): HlsStage {
    return new HlsStage({}, undefined, this.clock);
  }

  /** The session ends, and the next one who asks finds a new one. */
  endSession(reason: ReasonCode): void {
    const { stage } = this;
    this.stage = this.#newStage();
    stage.end(reason);
  }

  async #join(_selector: StreamSelector, viewer: ViewerInfo, signal: AbortSignal): Promise<StagedAttachment> {
    if (this.refusal) throw new AcemuxError(this.refusal);
    const aborted = new Promise<never>((_, reject) =>
      signal.addEventListener('abort', () => reject(signal.reason)),
    );
    await Promise.race([this.gate, aborted]);
    const attachment = { ...this.stage.attach(viewer), expulsion: this.expulsion.signal };
    this.joins.push({ viewer, attachment });
    return attachment;
  }

  async play(seconds: number): Promise<void> {
    const [from, to] = [this.#second, this.#second + seconds];
    this.#second = to;
    for (let second = from; second < to; second++) {
      await this.stage.play(channel.take(channel.packetsIn(second), channel.packetsIn(second + 1)), 1);
    }
  }

  /** The name in a manifest that a player is given. */
  async manifest(): Promise<string> {
    const { text } = await this.output.multivariantPlaylist(STREAM, INFO, 'hls/viewers', NOBODY_LEAVES);
    return /^hls\/viewers\/(.+)\/index\.m3u8\?id=a{40}$/m.exec(text)?.[1] ?? '';
  }

  async playlist(name: string, signal = NOBODY_LEAVES) {
    const { text } = await this.output.mediaPlaylist(name, STREAM, INFO, '../../streams', signal);
    return parseStrictly(text);
  }

  get viewers(): number {
    return this.joins.filter(({ viewer, attachment }) => !viewer.isVisitor && attachment.left.length === 0)
      .length;
  }
}

async function codeOf(promise: Promise<unknown>): Promise<ReasonCode> {
  try {
    await promise;
  } catch (error) {
    if (error instanceof AcemuxError) return error.code;
    throw error;
  }
  throw new assert.AssertionError({ message: 'it was not refused' });
}

test('the manifest is answered with the first segment, and makes nobody a viewer', async (t) => {
  const house = new House(t);
  const asked = house.manifest();
  await house.play(4);
  let isAnswered = false;
  void asked.then(() => {
    isAnswered = true;
  });
  await house.clock.advance(0);
  assert.equal(isAnswered, false);
  await house.play(2);
  assert.notEqual(await asked, await house.manifest(), 'each has a name of its own');
  assert.equal(house.output.viewerCount, 0);
  assert.ok(house.joins.every(({ viewer }) => viewer.isVisitor));
});

test('without a segment within START_TIMEOUT there is the error of getstream', async (t) => {
  const house = new House(t);
  const asked = codeOf(house.manifest());
  await house.clock.advance(START_TIMEOUT_MS);
  assert.equal(await asked, 'no_media');
  house.refusal = 'no_capacity';
  assert.equal(await codeOf(house.manifest()), 'no_capacity');
});

test('a session that ends while somebody waits tells them why', async (t) => {
  const house = new House(t);
  const asked = codeOf(house.manifest());
  await house.clock.advance(10);
  house.endSession('zero_peers');
  assert.equal(await asked, 'zero_peers');
});

describe('a viewer', () => {
  test('counts once from its first playlist on, however many requests it makes at a time', async (t) => {
    const house = new House(t);
    await house.play(10);
    const name = await house.manifest();
    await Promise.all([house.playlist(name), house.playlist(name), house.playlist(name)]);
    assert.equal(house.viewers, 1);
    await house.playlist(name);
    assert.equal(house.viewers, 1);
    const { segments, ...viewer } = house.joins.at(-1)?.viewer ?? {};
    assert.deepEqual(viewer, INFO);
    assert.equal(segments?.isAway, false);
  });

  test('is gone when it has asked for nothing for CLIENT_TIMEOUT, and is let in again when it asks again', async (t) => {
    const house = new House(t);
    await house.play(10);
    const name = await house.manifest();
    await house.playlist(name);
    await house.clock.advance(20_000);
    await house.playlist(name);
    await house.clock.advance(CLIENT_TIMEOUT_MS - 1);
    assert.equal(house.viewers, 1);
    await house.clock.advance(1);
    assert.equal(house.viewers, 0);
    assert.deepEqual(house.joins.at(-1)?.attachment.left, ['client_silent']);
    await house.playlist(name);
    assert.equal(house.viewers, 1);
  });

  test('is kept for three target durations where CLIENT_TIMEOUT is shorter', async (t) => {
    const house = new House(t, undefined, 1_000);
    const asked = house.manifest();
    await house.play(10);
    const name = await asked;
    const { targetSeconds } = await house.playlist(name);
    assert.equal(targetSeconds, 4);
    await house.clock.advance(11_999);
    assert.equal(house.viewers, 1);
    await house.clock.advance(1);
    assert.equal(house.viewers, 0);
    assert.deepEqual(house.joins.at(-1)?.attachment.left, ['client_silent']);
  });

  test('is not let in where its stream may not have one more, and is no viewer then', async (t) => {
    const house = new House(t);
    await house.play(10);
    const name = await house.manifest();
    house.refusal = 'memory';
    assert.equal(await codeOf(house.playlist(name)), 'memory');
    assert.equal(house.output.viewerCount, 0);
  });

  test('that leaves before it has been let in is forgotten', async (t) => {
    const house = new House(t);
    await house.play(10);
    const name = await house.manifest();
    const { promise, resolve } = Promise.withResolvers<void>();
    house.gate = promise;
    const leaving = new AbortController();
    const asked = codeOf(house.playlist(name, leaving.signal));
    await house.clock.advance(10);
    assert.equal(house.output.viewerCount, 1);
    leaving.abort(new AcemuxError('client_left'));
    assert.equal(await asked, 'client_left');
    assert.equal(house.output.viewerCount, 0);
    resolve();
  });

  test('whose session ends is told so by its next request, or finds the next session', async (t) => {
    const house = new House(t);
    await house.play(10);
    const name = await house.manifest();
    const before = await house.playlist(name);
    house.endSession('retry_budget_spent');
    assert.deepEqual(house.joins.at(-1)?.attachment.left, ['retry_budget_spent']);
    house.refusal = 'no_engine_available';
    assert.equal(await codeOf(house.playlist(name)), 'no_engine_available');
    house.refusal = undefined;
    const asked = house.playlist(name);
    await house.play(10);
    const after = await asked;
    assert.ok(after.mediaSequence > (before.segments.at(-1)?.number ?? Number.POSITIVE_INFINITY));
    assert.notEqual(after.discontinuitySequence, before.discontinuitySequence);
  });

  test('of a made-up name, or of another stream, does not exist', async (t) => {
    const house = new House(t);
    assert.equal(await codeOf(house.playlist(`${'A'.repeat(16)}.${'A'.repeat(22)}`)), 'playlist_unknown');
    await house.play(10);
    const name = await house.manifest();
    const other = { ...STREAM, kind: 'infohash' } as const;
    assert.throws(() => house.output.checkName(name, other), { code: 'playlist_unknown' });
    house.output.checkName(name, STREAM);
  });
});

test('numbers never go back: not where a stream is cut anew, nor over a restart, nor when the clock was set back', async (t) => {
  const house = new House(t);
  await house.play(10);
  const name = await house.manifest();
  const first = await house.playlist(name);
  assert.equal(
    first.mediaSequence,
    10 * 5,
    'five a second, since 2026: a restart within seconds meets none of a burst',
  );
  await house.play(60);
  const second = await house.playlist(name);
  assert.ok(second.mediaSequence > (first.segments.at(-1)?.number ?? 0));
  // Longer than the viewer, and then its stream, is kept.
  await house.play(70);
  assert.equal(house.stage.listeners.size, 0, 'a stream that nobody watches is not cut');
  const begun = await house.playlist(name);
  await house.play(10);
  const third = await house.playlist(name);
  assert.ok(begun.mediaSequence > (second.segments.at(-1)?.number ?? 0));
  const restarted = new House(t, house.clock);
  const asked = restarted.playlist(name);
  await restarted.play(10);
  assert.ok(
    (await asked).mediaSequence > (third.segments.at(-1)?.number ?? 0),
    'the name is valid there, too',
  );
  restarted.output.stop();
  house.clock.wallMs = () => 0;
  house.endSession('idle');
  const again = house.playlist(name);
  await house.play(10);
  assert.ok((await again).mediaSequence > (third.segments.at(-1)?.number ?? 0));
});

test('segments have the stream’s address, the same for all, and for all its life', async (t) => {
  const house = new House(t);
  await house.play(10);
  const streamOf = async (): Promise<string> => {
    const { segments } = await house.playlist(await house.manifest());
    return /^\.\.\/\.\.\/streams\/([0-9a-f]{32})\/\d+\.ts$/.exec(segments[0]?.uri ?? '')?.[1] ?? '';
  };
  const name = await streamOf();
  assert.equal(await streamOf(), name);
  await house.play(70);
  assert.equal(await streamOf(), name);
  house.endSession('idle');
  const other = streamOf();
  await house.play(10);
  assert.notEqual(await other, name);
});

test('a segment is sent while it is there; then, and if it never was, it is unknown', async (t) => {
  const house = new House(t);
  await house.play(10);
  const { segments } = await house.playlist(await house.manifest());
  const [, stream = '', digits] = /streams\/(\w+)\/(\d+)\.ts$/.exec(segments[0]?.uri ?? '') ?? [];
  const number = Number(digits);
  const sizeBytes = house.output.segmentSize(stream, number);
  const server = await ResponseServer.start(t);
  const opened = await server.open();
  house.output.sendSegment(opened.response, stream, number);
  assert.equal((await opened.client.received(sizeBytes)).length, sizeBytes);
  await until(() => house.stage.bytesOut === sizeBytes);
  const { response } = await server.open();
  for (const [name, each] of [
    [stream, number + 99],
    [stream, 0],
    ['0'.repeat(32), number],
    ['', number],
  ] as const) {
    assert.throws(() => house.output.segmentSize(name, each), { code: 'segment_unknown' });
    assert.throws(() => house.output.sendSegment(response, name, each), { code: 'segment_unknown' });
  }
  house.endSession('idle');
  assert.throws(() => house.output.segmentSize(stream, number), { code: 'segment_unknown' });
});

test('stopping ends viewers and replies, and lets nobody in', async (t) => {
  const house = new House(t);
  await house.play(10);
  const name = await house.manifest();
  await house.playlist(name);
  house.output.stop();
  assert.deepEqual(house.joins.at(-1)?.attachment.left, ['shutdown']);
  assert.equal(await codeOf(house.playlist(name)), 'draining');
});

test('a viewer whose place somebody else got is gone, and is none again by asking', async (t) => {
  const house = new House(t);
  const asked = house.manifest();
  await house.play(8);
  const name = await asked;
  await house.playlist(name);
  assert.equal(house.viewers, 1);
  house.expulsion.abort(new AcemuxError('stream_replaced'));
  assert.equal(house.viewers, 0);
  assert.equal(await codeOf(house.playlist(name)), 'stream_replaced');
});

test('a viewer that has not asked for two target durations is away, until it asks again', async (t) => {
  const house = new House(t);
  const asked = house.manifest();
  await house.play(8);
  const name = await asked;
  await house.playlist(name);
  const isAway = (): boolean | undefined => house.joins.at(-1)?.viewer.segments?.isAway;
  assert.equal(isAway(), false);
  await house.play(12);
  assert.equal(isAway(), true);
  await house.playlist(name);
  assert.equal(isAway(), false);
});
