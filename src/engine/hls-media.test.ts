import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import { RecordingClock, until } from '../../test/support/recording-clock.ts';
import { reply, startWireServer, type WireRequest } from '../../test/support/wire-server.ts';
import { silentLog } from '../telemetry/log.ts';
import { openHls } from './hls-media.ts';
import { DEFAULT_ENGINE_LIMITS } from './limits.ts';
import type { MediaStream } from './media.ts';
import { engineRoot } from './rewrite.ts';
import { EngineTransport } from './transport.ts';

const PLAYLIST = '/ace/m/a/b.m3u8';
const TARGET_MS = 6_000;
const RATE_TEST_BYTES = 1_000;

/** An engine whose playlist a test changes by hand; segment N has the body `<N>`. */
class Listed {
  first = 0;
  end = 3;
  isEnded = false;
  durationsMs: readonly number[] = [];
  /** What is answered instead, by path; asked anew each time. */
  readonly answers = new Map<string, (request: WireRequest) => void>();

  answer(request: WireRequest): void {
    const answer = this.answers.get(request.path);
    if (answer) answer(request);
    else if (request.path === PLAYLIST) reply(request, 200, this.text);
    else {
      const number = Number(/(\d+)\.ts$/.exec(request.path)?.[1]);
      // In the rate test a segment has enough bytes to be given out bit by bit.
      reply(request, 200, `<${number}>`.padEnd(this.durationsMs.length > 0 ? RATE_TEST_BYTES : 0));
    }
  }

  get text(): string {
    const rows = ['#EXTM3U', `#EXT-X-TARGETDURATION:6`, `#EXT-X-MEDIA-SEQUENCE:${this.first}`];
    for (let number = this.first; number < this.end; number++) {
      rows.push(
        `#EXTINF:${((this.durationsMs[number] ?? 5_000) / 1000).toFixed(6)},`,
        `http://172.17.0.2:6878/ace/c/a/${number}.ts`,
      );
    }
    return [...rows, ...(this.isEnded ? ['#EXT-X-ENDLIST'] : []), ''].join('\n');
  }

  fail(path: string, status: number, text = ''): void {
    this.answers.set(path, (request) => reply(request, status, text));
  }
}

async function rig(t: TestContext) {
  const engine = new Listed();
  const server = await startWireServer(t, (request) => engine.answer(request));
  const clock = new RecordingClock();
  const transport = new EngineTransport({ address: server.address, clock, limits: DEFAULT_ENGINE_LIMITS });
  t.after(() => transport.close());
  const abort = new AbortController();
  const closing = new AbortController();
  const root = engineRoot(server.address);
  const deps = {
    transport,
    root,
    clock,
    log: silentLog(),
    limits: DEFAULT_ENGINE_LIMITS,
    closing: closing.signal,
  };
  const open = (): Promise<MediaStream> => openHls(deps, new URL(PLAYLIST, root), abort.signal);
  const asked = (): string[] => server.requests.map(({ path }) => path.replace(/.*\//, ''));
  /** Lets time pass, a little at a time, with the network's answers in between, until it holds. */
  const pass = async (holds: () => boolean, limitMs = 60_000): Promise<number> => {
    const beganMs = clock.nowMs();
    while (!holds()) {
      assert.ok(clock.nowMs() - beganMs < limitMs, `it never came to hold: ${holds}`);
      // What the network is to bring comes before time goes on.
      for (let turns = 0; turns < 20; turns++) await new Promise((resolve) => setImmediate(resolve));
      await until(() => transport.connectionCount === 0 || holds());
      if (!holds()) await clock.advance(50);
    }
    return clock.nowMs() - beganMs;
  };
  return { engine, server, clock, transport, abort, closing, open, asked, pass };
}

/** Reads on in the background, and tells what has come and how it ended. */
function read(media: MediaStream) {
  const state = { text: '', ended: undefined as string | undefined };
  const run = async (): Promise<void> => {
    for await (const chunk of media) state.text += chunk.toString('latin1');
  };
  run().then(
    () => {
      state.ended = 'end';
    },
    (error: unknown) => {
      state.ended = error instanceof Error && 'code' in error ? String(error.code) : String(error);
    },
  );
  return state;
}

describe('opening', () => {
  test('waits while the engine prepares, and reads the best variant where there are several', async (t) => {
    const { engine, server, clock, open, asked } = await rig(t);
    const master =
      '#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\nlow.m3u8\n#EXT-X-STREAM-INF:BANDWIDTH=2\nhigh.m3u8\n';
    engine.fail(PLAYLIST, 500, 'preloading');
    const opening = open();
    await until(() => asked().length === 1);
    engine.fail(PLAYLIST, 404);
    await clock.passWait(250);
    await until(() => asked().length === 2);
    engine.fail(PLAYLIST, 200, master);
    engine.answers.set('/ace/m/a/high.m3u8', (request) => reply(request, 200, engine.text));
    await clock.passWait(500);
    (await opening).destroy();
    assert.deepEqual(asked(), ['b.m3u8', 'b.m3u8', 'b.m3u8', 'high.m3u8']);
    assert.equal(clock.pendingTimers, 0);
    await server.allClosed();
  });

  test('is refused with the reason where waiting does not help', async (t) => {
    const { engine, open, clock } = await rig(t);
    const cases = [
      [403, '', 'playback_unknown'],
      [500, 'unknown playback session id', 'playback_unknown'],
      [400, '', 'engine_protocol'],
      [200, '<html>', 'engine_protocol'],
      [200, `#EXTM3U\n#${'x'.repeat(600_000)}`, 'engine_protocol'],
      [200, '#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\nb.m3u8\n', 'engine_protocol'],
      [200, '#EXTM3U\n#EXT-X-KEY:METHOD=AES-128,URI="http://evil.example/key"\n', 'hls_unsupported'],
    ] as const;
    for (const [status, text, code] of cases) {
      engine.fail(PLAYLIST, status, text);
      await assert.rejects(open(), { code }, text.slice(0, 40));
    }
    assert.equal(clock.pendingTimers, 0);
  });

  test('an abort ends at once, also while the engine holds the playlist back', async (t) => {
    const { engine, server, abort, open, clock } = await rig(t);
    engine.answers.set(PLAYLIST, () => {});
    const opening = open();
    await until(() => server.requests.length === 1);
    abort.abort(new Error('enough'));
    await assert.rejects(opening, /enough/);
    await server.allClosed();
    assert.equal(clock.pendingTimers, 0);
  });
});

describe('reading', () => {
  test('gives each segment once and in order, and ends with the playlist', async (t) => {
    const { engine, open, pass, asked, clock } = await rig(t);
    const state = read(await open());
    await pass(() => state.text === '<0><1><2>');
    [engine.first, engine.end] = [1, 5];
    await pass(() => state.text === '<0><1><2><3><4>');
    [engine.end, engine.isEnded] = [6, true];
    await pass(() => state.ended !== undefined);
    assert.deepEqual([state.text, state.ended], ['<0><1><2><3><4><5>', 'end']);
    assert.deepEqual(
      asked().filter((name) => name.endsWith('.ts')),
      ['0.ts', '1.ts', '2.ts', '3.ts', '4.ts', '5.ts'],
    );
    assert.equal(clock.pendingTimers, 0);
  });

  test('fetches nothing before it is taken, but for three segments behind the one that is being taken', async (t) => {
    const { engine, open, asked, clock } = await rig(t);
    engine.end = 10;
    const media = await open();
    assert.deepEqual(asked(), ['b.m3u8']);
    const chunks = media[Symbol.asyncIterator]();
    await chunks.next();
    await until(() => asked().includes('7.ts'));
    await clock.advance(60_000);
    assert.deepEqual(asked(), ['b.m3u8', '4.ts', '5.ts', '6.ts', '7.ts']);
    media.destroy();
    assert.equal((await chunks.next()).done, true);
  });

  test('left by its reader in the midst, it leaves nothing', async (t) => {
    const { engine, server, open, asked, clock } = await rig(t);
    engine.answers.set('/ace/c/a/1.ts', () => {});
    for await (const chunk of await open()) {
      assert.equal(chunk.toString(), '<');
      await until(() => asked().includes('1.ts'));
      break;
    }
    await server.allClosed();
    assert.equal(clock.pendingTimers, 0);
  });

  test('reads a playlist again after a target duration, or after half of one where nothing was new (RFC 8216 6.3.4)', async (t) => {
    const { engine, open, pass, clock } = await rig(t);
    engine.end = 1;
    const askedMs: number[] = [];
    engine.answers.set(PLAYLIST, (request) => {
      askedMs.push(clock.nowMs());
      if (askedMs.length === 4) engine.end++;
      reply(request, 200, engine.text);
    });
    const media = await open();
    const state = read(media);
    await pass(() => askedMs.length === 5);
    const gaps = askedMs.slice(1).map((ms, index) => ms - (askedMs[index] ?? 0));
    assert.deepEqual(gaps, [TARGET_MS, TARGET_MS / 2, TARGET_MS / 2, TARGET_MS]);
    media.destroy();
    await until(() => state.ended === 'end');
    assert.equal(clock.pendingTimers, 0);
  });

  test('skips a segment that is gone or can’t be had, and goes on with the next', async (t) => {
    const { engine, open, pass, asked } = await rig(t);
    engine.fail('/ace/c/a/0.ts', 404, 'download not found');
    engine.fail('/ace/c/a/1.ts', 503);
    engine.end = 5;
    const state = read(await open());
    await pass(() => state.text === '<2><3><4>');
    assert.deepEqual(asked().slice(1, 5), ['0.ts', '1.ts', '1.ts', '2.ts']);
    assert.equal(state.ended, undefined);
  });

  test('is over when three segments in a row are gone, when the engine has stopped it, and when nobody listens', async (t) => {
    const { engine, server, open, pass, clock } = await rig(t);
    for (const number of [0, 1, 2]) engine.fail(`/ace/c/a/${number}.ts`, 404, 'download not found');
    const gone = read(await open());
    await pass(() => gone.ended !== undefined);
    assert.equal(gone.ended, 'playback_unknown');
    engine.answers.clear();
    for (const status of [403, 500]) {
      const stopped = read(await open());
      await pass(() => stopped.text.length > 0);
      engine.fail(PLAYLIST, status);
      await pass(() => stopped.ended !== undefined);
      assert.equal(stopped.ended, 'playback_unknown', `${status}`);
      engine.answers.clear();
    }
    const killed = read(await open());
    await pass(() => killed.text.length > 0);
    await server.stop();
    assert.ok((await pass(() => killed.ended !== undefined)) < 15_000);
    assert.equal(killed.ended, 'source_failed');
    assert.equal(clock.pendingTimers, 0);
  });

  for (const phaseMs of [0, 700, 1_500, 2_200, 3_000, 3_700, 4_500, 5_500]) {
    test(`media come without a pause that would be suspicious, begun ${phaseMs} ms behind a segment’s end`, async (t) => {
      const { engine, server, clock, open, transport } = await rig(t);
      // In the lengths of the simulator’s segments, which are those of engines (reference 6.2).
      const durationsMs = Array.from({ length: 80 }, (_, number) => [6_000, 5_000, 4_000][number % 3] ?? 0);
      engine.durationsMs = durationsMs;
      engine.end = 3;
      let publishedMs = -phaseMs;
      let heardMs = clock.nowMs();
      let pauseMsMax = 0;
      let givenBytes = 0;
      const media = await open();
      const reading = (async () => {
        for await (const { length } of media) {
          givenBytes += length;
          pauseMsMax = Math.max(pauseMsMax, clock.nowMs() - heardMs);
          heardMs = clock.nowMs();
        }
      })();
      while (clock.nowMs() < 240_000) {
        const nextMs = durationsMs[engine.end] ?? 0;
        if (clock.nowMs() - publishedMs >= nextMs) {
          publishedMs += nextMs;
          engine.end++;
          engine.first = Math.max(0, engine.end - 17);
        }
        for (let turns = 0; turns < 3; turns++) await new Promise((resolve) => setImmediate(resolve));
        await until(() => transport.connectionCount === 0);
        await clock.advance(100);
      }
      // The fleet suspects a source after 2 s at the earliest.
      assert.ok(pauseMsMax < 2_000, `${pauseMsMax} ms`);
      const given = Math.floor(givenBytes / RATE_TEST_BYTES);
      const behindMs = durationsMs.slice(given, engine.end).reduce((sum, ms) => sum + ms, 0);
      assert.ok(behindMs < 20_000, `${behindMs} ms behind`);
      media.destroy();
      await reading;
      await server.allClosed();
    });
  }

  test('when it is over, what has been fetched is given out at once before it ends', async (t) => {
    for (const dies of ['at its playlist', 'at its segments']) {
      const { engine, open, pass, asked, clock, transport } = await rig(t);
      engine.end = 5;
      const state = read(await open());
      await pass(() => state.text.startsWith('<0><1>') && asked().includes('4.ts'));
      await until(() => transport.connectionCount === 0);
      if (dies === 'at its playlist') engine.fail(PLAYLIST, 403);
      for (let number = 4; number < 10; number++) {
        engine.answers.set(`/ace/c/a/${number}.ts`, ({ socket }) => socket.resetAndDestroy());
      }
      engine.end = 9;
      await pass(() => state.ended !== undefined);
      assert.equal(state.ended, dies === 'at its playlist' ? 'playback_unknown' : 'source_failed');
      assert.equal(state.text, '<0><1><2><3><4>');
      assert.equal(clock.pendingTimers, 0);
    }
  });

  test('rides out a playlist that fails for a moment, and no longer than that', async (t) => {
    const { engine, open, pass } = await rig(t);
    const state = read(await open());
    await pass(() => state.text === '<0><1><2>');
    let failures = 0;
    engine.end = 5;
    engine.answers.set(PLAYLIST, (request) => {
      if (++failures > 2) reply(request, 200, engine.text);
      else reply(request, 503, '');
    });
    await pass(() => state.text === '<0><1><2><3><4>');
    engine.fail(PLAYLIST, 503);
    await pass(() => state.ended !== undefined);
    assert.equal(state.ended, 'source_failed');
  });

  test('destroyed, it ends at once, whatever it was waiting for, and leaves nothing', async (t) => {
    const { engine, server, open, pass, clock, asked, closing } = await rig(t);
    const paced = await open();
    const first = read(paced);
    await pass(() => first.text.length > 0);
    paced.destroy();
    paced.destroy();
    await until(() => first.ended === 'end');
    assert.equal(clock.pendingTimers, 0);
    for (const hanging of ['/ace/c/a/0.ts', '/ace/c/a/1.ts']) {
      engine.answers.set(hanging, () => {});
      server.forget();
      const media = await open();
      const state = read(media);
      if (hanging.endsWith('0.ts')) await until(() => asked().includes('0.ts'));
      else await pass(() => state.text.length > 0);
      if (hanging.endsWith('0.ts')) media.destroy();
      else closing.abort(new Error('closing'));
      await until(() => state.ended !== undefined);
      await server.allClosed();
      assert.equal(clock.pendingTimers, 0);
      engine.answers.clear();
    }
  });

  test('a segment that hangs is given up after 15 s and asked for once more', async (t) => {
    const { engine, open, clock, asked, pass } = await rig(t);
    let tries = 0;
    engine.answers.set('/ace/c/a/0.ts', (request) => {
      if (++tries === 2) reply(request, 200, '<0>');
    });
    const state = read(await open());
    await until(() => asked().includes('0.ts'));
    await clock.advance(15_000);
    await pass(() => state.text.startsWith('<0>'));
    assert.equal(tries, 2);
  });

  test('a segment without an end is hls_unsupported', async (t) => {
    const { engine, open } = await rig(t);
    engine.answers.set('/ace/c/a/0.ts', ({ socket }) => {
      socket.write('HTTP/1.1 200 OK\r\n\r\n');
      const lump = Buffer.alloc(1024 * 1024);
      const pour = (): void => {
        while (!socket.destroyed && socket.write(lump));
      };
      socket.on('drain', pour);
      pour();
    });
    const state = read(await open());
    await until(() => state.ended !== undefined);
    assert.equal(state.ended, 'hls_unsupported');
  });
});
