/** hls.js in Chromium, on a page of another origin, through an engine's death; live, and rewound. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import { createRequire } from 'node:module';
import { test } from 'node:test';
import { BrowserPage, findChromium } from '../support/chromium.ts';
import { ID, type Rig, startRig } from '../support/rig.ts';

const LONG = process.env['LONG_TESTS'] === '1';
const WATCHED_SECONDS = LONG ? 60 : 12;

const chromium = findChromium();
const hlsFile = createRequire(import.meta.url).resolve('hls.js/dist/hls.min.js');

/** What the page has seen so far. */
interface Seen {
  readonly currentTime: number;
  readonly playedSeconds: number;
  readonly latencySeconds: number;
  readonly fatal: readonly string[];
  readonly errors: readonly string[];
  readonly stalls: number;
  readonly pictures: number;
  readonly droppedPictures: number;
}

const PAGE = (
  source: string,
): string => `<!doctype html><video muted autoplay></video><script src="/hls.js"></script><script>
  const video = document.querySelector('video');
  const hls = new Hls();
  const fatal = [], errors = [];
  let stalls = 0, playedSeconds = 0, last = 0;
  hls.on(Hls.Events.ERROR, (_, { fatal: isFatal, details }) => (isFatal ? fatal : errors).push(details));
  video.addEventListener('waiting', () => { if (video.currentTime > 0) stalls++; });
  video.addEventListener('timeupdate', () => {
    const step = video.currentTime - last;
    if (last > 0 && step > 0 && step < 2) playedSeconds += step;
    last = video.currentTime;
  });
  hls.loadSource(${JSON.stringify(source)});
  hls.attachMedia(video);
  window.rewind = (seconds) => {
    const { start, end } = { start: video.seekable.start(0), end: video.seekable.end(0) };
    last = 0;
    playedSeconds = 0;
    video.currentTime = Math.max(start, end - seconds);
    return end - start;
  };
  window.seen = () => {
    const { totalVideoFrames, droppedVideoFrames } = video.getVideoPlaybackQuality();
    return { currentTime: video.currentTime, playedSeconds, latencySeconds: hls.latency, fatal, errors, stalls,
      pictures: totalVideoFrames, droppedPictures: droppedVideoFrames };
  };
</script>`;

/** The page, on an origin of its own. */
class PageServer implements AsyncDisposable {
  readonly url: string;
  readonly #server: Server;

  static async start(source: string): Promise<PageServer> {
    const script = await readFile(hlsFile);
    const server = createServer((request, response) => {
      const isScript = request.url === '/hls.js';
      response.writeHead(200, { 'Content-Type': isScript ? 'text/javascript' : 'text/html' });
      response.end(isScript ? script : PAGE(source));
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    assert.ok(typeof address === 'object' && address !== null);
    return new PageServer(server, `http://127.0.0.1:${address.port}/`);
  }

  constructor(server: Server, url: string) {
    this.#server = server;
    this.url = url;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = once(this.#server, 'close');
    this.#server.close();
    this.#server.closeAllConnections();
    await closed;
  }
}

async function seenBy(page: BrowserPage): Promise<Seen> {
  const seen = await page.evaluate('window.seen?.()');
  return Object(seen);
}

async function watchUntil(page: BrowserPage, isDone: (seen: Seen) => boolean): Promise<Seen> {
  const endMs = performance.now() + 120_000;
  for (;;) {
    const seen = await seenBy(page);
    if (isDone(seen)) return seen;
    assert.ok(performance.now() < endMs && !seen.fatal?.length, JSON.stringify(seen));
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}

function killPlaying(rig: Rig): void {
  const playing = rig.engines.find((engine) => engine.sessions().some(({ readers }) => readers > 0));
  playing?.faults.set({ fault: { kind: 'refuse' } });
  playing?.faults.set({ fault: { kind: 'cut', how: 'rst' } });
}

async function splices(rig: Rig): Promise<string> {
  const page = await (await fetch(`${rig.url}/metrics`)).text();
  return [...page.matchAll(/^acemux_splices_total.*$/gm)].join();
}

for (const { name, engines, kind } of [
  { name: 'an engine’s death', engines: [{}, {}], kind: 'same-broadcast' },
  {
    name: 'an engine’s death that breaks the timeline',
    engines: [{}, { epochMs: Date.now() - 7_654_321 }],
    kind: 'new-timeline',
  },
] as const) {
  test(`hls.js plays live in Chromium through ${name}, without a fatal error`, async (t) => {
    const rig = await startRig(t, { engines, config: { streams: { spliceWaitMs: 1_000 } } });
    assert.ok(chromium, 'Chromium is not installed: npm test says how to');
    await using server = await PageServer.start(`${rig.url}/ace/manifest.m3u8?id=${ID}`);
    await using page = await BrowserPage.open(chromium, server.url);
    await watchUntil(page, ({ playedSeconds }) => playedSeconds > 2);
    killPlaying(rig);
    const seen = await watchUntil(page, ({ playedSeconds }) => playedSeconds >= WATCHED_SECONDS);
    assert.deepEqual(seen.fatal, []);
    assert.match(await splices(rig), new RegExp(kind));
    assert.equal(rig.app.sessions.clientCount, 1);
    const { errors, latencySeconds, stalls, pictures, droppedPictures } = seen;
    t.diagnostic(
      `latency ${latencySeconds?.toFixed(1)} s, ${stalls} stalls, ${droppedPictures} of ${pictures} pictures dropped, ` +
        `errors that were not fatal: ${errors.join(', ') || 'none'}`,
    );
  });
}

test('hls.js rewinds in Chromium, plays the past through an engine’s death, and comes back to live, without a fatal error', async (t) => {
  // The first engine brings a minute at once; the ring has two seconds of it.
  const burst = { seconds: 60, bytes: 60_000_000 };
  const rig = await startRig(t, {
    engines: [{ burst }, {}],
    config: { streams: { bufferMs: 2_000 }, clients: { prebufferMs: 500 }, timeshift: { windowMs: 600_000 } },
  });
  assert.ok(chromium, 'Chromium is not installed: npm test says how to');
  await using server = await PageServer.start(`${rig.url}/ace/manifest.m3u8?id=${ID}`);
  await using page = await BrowserPage.open(chromium, server.url);
  await watchUntil(page, ({ latencySeconds, playedSeconds }) => playedSeconds > 2 && latencySeconds > 0);
  // Until the page has a playlist with all of the burst.
  const reach = async (): Promise<number> =>
    Number(await page.evaluate('document.querySelector("video").seekable.end(0)'));
  const endMs = performance.now() + 60_000;
  while ((await reach()) < 50) {
    assert.ok(performance.now() < endMs, `it reaches ${await reach()} s`);
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  const live = await seenBy(page);
  assert.ok(Number(await page.evaluate('rewind(50)')) > 40);
  const rewound = await watchUntil(page, ({ playedSeconds }) => playedSeconds > 3);
  assert.ok(
    rewound.currentTime < live.currentTime - 10 || rewound.latencySeconds > 30,
    JSON.stringify([live, rewound]),
  );
  killPlaying(rig);
  const past = await watchUntil(page, ({ playedSeconds }) => playedSeconds > 10);
  assert.equal(rig.app.sessions.clientCount, 1, 'who watches the past is a viewer');
  await page.evaluate('rewind(12)');
  const back = await watchUntil(page, ({ playedSeconds }) => playedSeconds > 5);
  assert.ok(back.currentTime > past.currentTime);
  assert.deepEqual(back.fatal, []);
  assert.match(await splices(rig), /same-broadcast/);
  t.diagnostic(
    `${rewound.latencySeconds.toFixed(1)} s behind live, then ${back.latencySeconds.toFixed(1)} s; ${back.stalls} stalls`,
  );
});
