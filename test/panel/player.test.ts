/** Playing in the panel, in Chromium: by MPEG-TS and HLS, after a refusal, and what is pasted. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { connect, createServer, type Socket } from 'node:net';
import { after, before, type TestContext, test } from 'node:test';
import { REASONS } from '../../src/base/reasons.ts';
import type { Config } from '../../src/config/config.ts';
import { PanelBrowser } from '../support/panel-browser.ts';
import { untilTrue } from '../support/panel-page.ts';
import { PanelStage, streamId } from '../support/panel-stage.ts';
import { undoAfter } from '../support/undo.ts';

/** The five seconds until the player tries again pass at once. */
const SOON_AGAIN =
  'const wait = setTimeout; setTimeout = (fire, ms, ...rest) => wait(fire, ms === 5000 ? 200 : ms, ...rest);';

/** A way to acemux on which all connections can be cut. */
async function startLine(t: TestContext, port: number): Promise<{ readonly url: string; cut(): void }> {
  const sockets = new Set<Socket>();
  const server = createServer((near) => {
    const far = connect(port, '127.0.0.1');
    for (const socket of [near, far]) {
      sockets.add(socket);
      socket.on('error', () => {}).once('close', () => sockets.delete(socket));
    }
    near.pipe(far).pipe(near);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const cut = (): void => {
    for (const socket of sockets) socket.resetAndDestroy();
  };
  undoAfter(t, async () => {
    server.close();
    cut();
  });
  const address = server.address();
  assert.ok(typeof address === 'object' && address);
  return { url: `http://127.0.0.1:${address.port}`, cut };
}

let browser: PanelBrowser;
let stage: PanelStage;

before(async () => {
  // What memory holds is less than what one goes back by.
  const config = (base: Config): Config => ({
    ...base,
    streams: { ...base.streams, bufferMs: 8_000 },
    timeshift: { ...base.timeshift, windowMs: 600_000 },
  });
  const starting = PanelStage.startWatched({ config, burstSeconds: 60 });
  [browser, stage] = await Promise.all([PanelBrowser.start(), starting]);
});

after(async () => {
  await browser?.stop();
  await stage?.stop();
});

test('the player plays in the page, by MPEG-TS and by HLS: its time moves', async (t) => {
  const page = await browser.open(t, stage.url, { place: `#/play/id/${streamId(1)}` });
  for (const format of ['MPEG-TS', 'HLS']) {
    await page.getByRole('button', { name: format, exact: true }).click();
    await untilTrue(page, 'document.querySelector("video").currentTime > 0.3');
    const first = Number(await page.evaluate('document.querySelector("video").currentTime'));
    await untilTrue(page, `document.querySelector("video").currentTime > ${first} + 0.4`);
    await page
      .getByText('640 × 360')
      .or(page.locator('.player-stats dd', { hasText: '×' }))
      .first()
      .waitFor();
  }
  // The media of this broadcast have 1 Mbit/s, however fast they come.
  const bitrate = page.locator('.player-stats div', { hasText: 'Bitrate' }).locator('dd');
  await bitrate.getByText(/^(?:9\d\d k|1\.\d+ M)bit\/s$/).waitFor();
});

test('with time-shift on one goes back in the page, on again, and to what is live', async (t) => {
  const page = await browser.open(t, stage.url, { place: `#/play/id/${streamId(1)}` });
  await page.getByRole('button', { name: 'MPEG-TS', pressed: true }).waitFor();
  assert.equal(await page.getByRole('group', { name: 'Rewind' }).count(), 0);
  await page.getByRole('button', { name: 'HLS', exact: true }).click();
  const rewind = page.getByRole('group', { name: 'Rewind' });
  await rewind.getByText(/are kept/).waitFor();
  const position = async (): Promise<number> =>
    Number(await page.evaluate('document.querySelector("video").currentTime'));
  const playsOnFrom = (seconds: number): Promise<void> =>
    untilTrue(
      page,
      `(({ currentTime, seeking }) => !seeking && currentTime > ${seconds} + 0.3)(document.querySelector("video"))`,
    );
  await rewind.getByRole('button', { name: 'Live', disabled: true }).waitFor();
  const live = await position();
  await rewind.getByRole('button', { name: '−30 s' }).click();
  const back = await position();
  assert.ok(back < live - 25, `${back} after ${live}`);
  await playsOnFrom(back);
  await rewind.getByRole('button', { name: '+30 s' }).click();
  await playsOnFrom(live - 2);
  await rewind.getByRole('button', { name: '−30 s' }).click();
  await rewind.getByRole('button', { name: 'Live', disabled: false }).click();
  await playsOnFrom(live);
});

test('a ready link is copied, in a house without TLS as well', async (t) => {
  const place = `#/streams/${stage.sessionOf(streamId(1)).sessionId}`;
  const permissions = ['clipboard-read', 'clipboard-write'];
  const houses = [
    { label: 'MPEG-TS', wanted: 'getstream', options: { permissions } },
    { label: 'HLS', wanted: 'manifest.m3u8', options: { script: 'delete Navigator.prototype.clipboard;' } },
  ];
  for (const { label, wanted, options } of houses) {
    const page = await browser.open(t, stage.url, { place, ...options });
    const line = page.locator('.link-line', { hasText: label });
    await line.getByRole('button', { name: 'Copy' }).click();
    await line.getByRole('button', { name: 'Copied' }).waitFor();
    const field = page.getByLabel('Play a stream');
    await field.press('Control+V');
    assert.equal(await field.inputValue(), `${stage.url}/ace/${wanted}?id=${streamId(1)}`);
  }
});

test('a playlist of one stream is saved, with the stream’s name and an address that plays', async (t) => {
  const { sessionId } = stage.sessionOf(streamId(2));
  const names = [[streamId(2), 'Antelope\nNight']] as const;
  const page = await browser.open(t, stage.url, { place: `#/streams/${sessionId}`, names });
  const [download] = await Promise.all([
    page.waitForEvent('download'),
    page.getByRole('button', { name: 'Open in a player' }).click(),
  ]);
  assert.equal(download.suggestedFilename(), `${streamId(2)}.m3u`);
  const [head, entry, address = '', end] = (await readFile(await download.path(), 'utf8')).split('\n');
  assert.deepEqual([head, entry, end], ['#EXTM3U', '#EXTINF:-1,Antelope Night', '']);
  assert.equal((await fetch(address, { method: 'HEAD' })).headers.get('content-type'), 'video/mp2t');
});

test('while an engine is asked it is said so; who is refused is told why in acemux’s own words, by either format', async (t) => {
  const page = await browser.open(t, stage.url, { place: '#/streams', expectedErrors: /status of 404/ });
  const asked = Promise.withResolvers<void>();
  await page.route('**/ace/getstream*', async (route) => {
    await asked.promise;
    await route.continue();
  });
  undoAfter(t, async () => {
    for (const { faults } of stage.engines) faults.clear();
  });
  for (const { faults } of stage.engines)
    faults.set({ fault: { kind: 'errorJson', error: 'failed to load content' } });
  await page.goto(`${stage.url}/panel/#/play/id/${streamId(21)}`);
  const waiting = page.locator('.player-wait');
  await waiting.getByText('Asking an engine…').waitFor();
  asked.resolve();
  const { what, todo } = REASONS.content_unknown;
  const alert = page.getByRole('alert');
  await alert.getByText(`It can’t be played: The engine says: failed to load content. ${todo}`).waitFor();
  assert.equal(await waiting.count(), 0);
  await page.getByRole('button', { name: 'HLS', exact: true }).click();
  await alert.waitFor({ state: 'detached' });
  await page.locator('.player-start').click();
  await alert.getByText(`It can’t be played: ${what}`).waitFor();
});

test('whose stream is stopped is told so, and whose connection is cut plays on by itself', async (t) => {
  const line = await startLine(t, Number(new URL(stage.url).port));
  const page = await browser.open(t, line.url, {
    place: `#/play/id/${streamId(22)}`,
    expectedErrors: /ERR_CONNECTION_RESET|ERR_EMPTY_RESPONSE|ERR_INCOMPLETE_CHUNKED_ENCODING/,
    script: SOON_AGAIN,
  });
  const plays = (): Promise<void> => untilTrue(page, 'document.querySelector("video").currentTime > 0.3');
  // The page has an alert of its own while its line is down.
  const alert = page.locator('.player').getByRole('alert');
  await plays();
  line.cut();
  await alert.getByText('it is tried again every 5 s').waitFor();
  await alert.waitFor({ state: 'detached' });
  await plays();
  stage.app.sessions.endSession(stage.sessionOf(streamId(22)).sessionId, 'stopped_by_operator');
  await alert.getByText('It can’t be played: The stream was stopped').waitFor();
});

test('who is refused for now is told so, and plays by itself when there is room', async (t) => {
  const page = await browser.open(t, stage.url, {
    place: '#/streams',
    expectedErrors: /503/,
    script: SOON_AGAIN,
  });
  let requests = 0;
  await page.route('**/ace/getstream*', async (route) => {
    requests += 1;
    if (requests > 1) return route.continue();
    return route.fulfill({ status: 503, headers: { 'retry-after': '5' }, json: { error: 'busy' } });
  });
  await page.goto(`${stage.url}/panel/#/play/id/${streamId(1)}`);
  await page.getByText('it is tried again every 5 s').waitFor();
  await untilTrue(page, 'document.querySelector("video").currentTime > 0.3');
  await page.getByRole('alert').waitFor({ state: 'detached' });
  assert.equal(requests, 2);
});

test('what is pasted into the field is played: a line of a list brings the stream’s name', async (t) => {
  const page = await browser.open(t, stage.url);
  const field = page.getByLabel('Play a stream');
  await field.fill('nothing of that kind');
  await field.press('Enter');
  await page.getByText('There is no stream id in this').waitFor();
  await field.fill(`#EXTINF:-1,<b>Bold & bad</b> acestream://${streamId(2)}`);
  await field.press('Enter');
  await page.getByRole('heading', { level: 1, name: '<b>Bold & bad</b>' }).waitFor();
  assert.equal(await page.locator('h1 b').count(), 0);
  await page.getByText(`/ace/manifest.m3u8?id=${streamId(2)}`).waitFor();
});
