import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import { ResponseServer } from '../../../test/support/response-server.ts';
import { TABLES, WatchedStream } from '../../../test/support/watched-stream.ts';
import { ManualClock } from '../../base/manual-clock.ts';
import type { ReasonCode } from '../../base/reasons.ts';
import type { Pace } from '../../session/attachment.ts';
import { BLOCK_BYTES, type RingLimits } from '../../session/ring.ts';
import { silentLog } from '../../telemetry/log.ts';
import { ClientProgress } from './client-progress.ts';
import { FILLING } from './filling.ts';
import { TsOutput } from './ts-output.ts';
import { TsViewer } from './ts-viewer.ts';
import { WriteLoop } from './write-loop.ts';

/** A viewer of a stream with a pace, not opened yet. */
async function rig(t: TestContext, pace: Pace, limits: Partial<RingLimits> = {}) {
  const { response, socket, client } = await (await ResponseServer.start(t)).open();
  const clock = new ManualClock();
  const loop = new WriteLoop(clock);
  const stream = new WatchedStream('stream', limits);
  const attachment = { ...stream.attach(), pace };
  const gone: ReasonCode[] = [];
  const cursor = attachment.openCursor();
  const viewer = new TsViewer({
    response,
    socket,
    attachment,
    cursor,
    progress: new ClientProgress(30_000),
    loop,
    clock,
    onSkip: () => stream.countSkip(),
    onGone: (_viewer, reason) => void gone.push(reason),
  });
  t.after(() => loop.stop());
  const grow = (bytes: number): void => {
    stream.grow(bytes);
    loop.schedule(viewer);
  };
  const everything = (): Buffer => Buffer.concat([TABLES, stream.content]);
  return { client, clock, loop, stream, cursor, gone, viewer, grow, everything };
}

/** Lets what is under way on sockets and in the loop go on for some turns. */
async function turns(count = 20): Promise<void> {
  for (let turn = 0; turn < count; turn++) await new Promise((resolve) => setImmediate(resolve));
}

/** So many bytes a second, and so many at once. */
class FakePace implements Pace {
  spentBytes = 0;
  readonly #bytesPerSecond: number;
  readonly #atOnceBytes: number;

  constructor(bytesPerSecond: number, atOnceBytes: number) {
    this.#bytesPerSecond = bytesPerSecond;
    this.#atOnceBytes = atOnceBytes;
  }

  allowedBytes(nowMs: number): number {
    const allowed = this.#atOnceBytes + (nowMs * this.#bytesPerSecond) / 1000 - this.spentBytes;
    return allowed < 1_000 ? 0 : allowed;
  }

  spend(bytes: number): void {
    this.spentBytes += bytes;
  }

  waitMs(): number {
    return 100;
  }
}

describe('a viewer with a pace', () => {
  test('is given no more than that, and all of it in the end', async (t) => {
    const pace = new FakePace(100_000, 300_000);
    const { client, clock, cursor, stream, viewer, everything } = await rig(t, pace);
    stream.grow(500_000);
    viewer.open();
    await turns();
    assert.ok(cursor.position <= 300_000 && cursor.position > 290_000, `${cursor.position}`);
    for (let step = 0; step < 30; step++) {
      await clock.advance(100);
      await turns(3);
      assert.ok(pace.spentBytes <= 300_000 + clock.nowMs() * 100, `${pace.spentBytes} at ${clock.nowMs()}`);
    }
    assert.ok((await client.received(everything().length)).equals(everything()));
    assert.equal(clock.pendingTimers, 0);
  });

  for (const waitMs of [100, 3_600_000]) {
    test(`invariant 7: that lets nothing through for long is sent null packets meanwhile; a turn each ${waitMs} ms`, async (t) => {
      const { response, socket, client } = await (await ResponseServer.start(t)).open();
      const clock = new ManualClock();
      const output = new TsOutput({
        chunkBytes: 65_536,
        clientTimeoutMs: 3_600_000,
        earlyHeadersAfterMs: 7_000,
        readTcpTable: async () => undefined,
        clock,
        log: silentLog(),
      });
      const stream = new WatchedStream();
      stream.grow(500_000);
      const pace: Pace = { allowedBytes: () => 0, spend: () => {}, waitMs: () => waitMs };
      output.play(response, { ...stream.attach(), pace });
      const times = 5;
      for (let time = 0; time < times; time++) {
        const written = socket.bytesWritten;
        let silentMs = 0;
        for (; socket.bytesWritten === written && silentMs < 5_000; silentMs += 50) {
          if (silentMs % 500 === 0) stream.grow(188);
          await clock.advance(50);
        }
        assert.ok(silentMs >= 950 && silentMs <= 1_500, `silent for ${silentMs} ms`);
      }
      const filled = Buffer.concat(Array.from({ length: times }, () => FILLING));
      assert.ok((await client.received(filled.length)).equals(filled), 'and no media');
      assert.equal(stream.bytesOut, 0);
      await output.stop();
      assert.equal(clock.pendingTimers, 0);
    });
  }

  test('that the stream runs away from is disconnected, as one on a slow line', async (t) => {
    const pace: Pace = { allowedBytes: () => 0, spend: () => {}, waitMs: () => 1e6 };
    const limits = { bytesMax: 8 * BLOCK_BYTES };
    const { gone, stream, viewer, grow } = await rig(t, pace, limits);
    stream.grow(500_000);
    viewer.open();
    for (let block = 0; block < 12; block++) {
      grow(BLOCK_BYTES);
      await turns(2);
    }
    assert.deepEqual(gone, ['client_too_slow']);
  });
});
