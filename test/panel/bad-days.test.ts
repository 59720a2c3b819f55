/** What the panel bears, in Chromium, before the real server: strange names, wrong clocks, floods, a page nobody sees, a server that is gone. */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { after, before, test } from 'node:test';
import { PanelBrowser } from '../support/panel-browser.ts';
import { tooWide, untilTrue } from '../support/panel-page.ts';
import { PanelStage, streamId } from '../support/panel-stage.ts';
import { undoAfter } from '../support/undo.ts';

let browser: PanelBrowser;
let stage: PanelStage;

before(async () => {
  [browser, stage] = await Promise.all([PanelBrowser.start(), PanelStage.startWatched()]);
});

after(async () => {
  await browser?.stop();
  await stage?.stop();
});

test('HTML in a name stays text, and a name of 300 letters breaks nothing, on a phone either', async (t) => {
  const names = [
    [streamId(1), '<img src=x onerror="window.wasRun = true"><script>window.wasRun = true</script>'],
    [streamId(2), 'W'.repeat(300)],
  ] as const;
  const page = await browser.open(t, stage.url, { names, viewport: { width: 390, height: 844 } });
  await page.getByText('<img src=x').first().waitFor();
  assert.equal(await page.evaluate('window.wasRun'), undefined);
  for (const place of [
    'overview',
    'streams',
    `streams/${stage.sessionOf(streamId(2)).sessionId}`,
    'engines',
    'events',
    'about',
  ]) {
    await page.goto(`${stage.url}/panel/#/${place}`);
    await page.locator('h1').first().waitFor();
    assert.deepEqual(await tooWide(page), [], place);
  }
});

test('a browser whose clock is wrong by a day shows acemux’s times, and says so', async (t) => {
  const page = await browser.open(t, stage.url, {
    place: '#/streams',
    script: 'const now = Date.now.bind(Date); Date.now = () => now() - 86_400_000;',
  });
  await page.getByText(/This device’s clock is .* behind acemux’s/).waitFor();
  // Between two overviews, too, it goes by acemux's clock: by its own it would have begun tomorrow.
  const uptimes = await page.evaluate(`new Promise((resolve) => {
    const cell = document.querySelector('[data-stream="${streamId(1)}"] .column-uptime');
    const seen = [];
    new MutationObserver((_changes, observer) => {
      if (seen.push(cell.textContent) < 4) return;
      observer.disconnect();
      resolve(seen);
    }).observe(cell, { childList: true, characterData: true, subtree: true });
  })`);
  for (const uptime of Array.isArray(uptimes) ? uptimes : []) assert.match(uptime, /^[1-9]\d* (s|min)/);
});

test('ten thousand events at once leave it usable, and it holds no more than it says', async (t) => {
  const page = await browser.open(t, stage.url, { place: '#/events' });
  await page.locator('.event').first().waitFor();
  for (let index = 0; index < 10_000; index++) {
    stage.app.events.emit('stream.lingering', {}, { session: streamId(9) });
  }
  await page
    .locator(`.event:has-text("${streamId(9).slice(0, 6)}")`)
    .first()
    .waitFor();
  await untilTrue(page, 'document.querySelectorAll(".event").length <= 250');
  const [download] = await Promise.all([
    page.waitForEvent('download'),
    page.getByRole('button', { name: 'Export' }).click(),
  ]);
  const held: unknown = JSON.parse(await readFile(await download.path(), 'utf8'));
  assert.equal(Array.isArray(held) && held.length, 2_000);
  await page.getByLabel('Find in events').fill('spliced');
  await page.goto(`${stage.url}/panel/#/streams`);
  await page.getByRole('heading', { level: 1, name: 'Streams' }).waitFor();
});

/** A page that is hidden and shown by a test, and lets go of its connection at once; its engines are asked about often. */
const HIDEABLE = `
  const wait = setTimeout;
  const soon = { 60000: 100, 5000: 100 };
  setTimeout = (fire, ms, ...rest) => wait(fire, soon[ms] ?? ms, ...rest);
  let isHidden = false;
  Object.defineProperty(document, 'hidden', { get: () => isHidden });
  window.hide = (value) => { isHidden = value; document.dispatchEvent(new Event('visibilitychange')); };
  window.sources = [];
  EventSource = class extends EventSource { constructor(url) { super(url); sources.push(this); } };
  window.openCount = () => sources.filter(({ readyState }) => readyState !== EventSource.CLOSED).length;
`;

test('a page that nobody sees asks for nothing and is told nothing; who comes back sees all that is', async (t) => {
  const page = await browser.open(t, stage.url, { place: '#/engines', script: HIDEABLE });
  await page.getByText('Live', { exact: true }).waitFor();
  const viewers = stage.app.sessions.clientCount;
  await page.evaluate('hide(true)');
  await untilTrue(page, 'openCount() === 0');
  const asked: string[] = [];
  page.on('request', (request) => asked.push(request.url()));
  await stage.watch(streamId(1), 1);
  // Twice as long as engines are asked about again after, by the page's own timers.
  await page.evaluate('new Promise((resolve) => setTimeout(() => setTimeout(resolve, 5000), 5000))');
  for (let index = 0; index < 3_000; index++) {
    stage.app.events.emit('stream.lingering', {}, { session: streamId(14) });
  }
  assert.deepEqual(asked, []);
  // Shown, hidden and shown again before it could ask: it still has one connection, not two.
  await page.evaluate('hide(false), hide(true), hide(false)');
  await page.getByText('Live', { exact: true }).waitFor();
  await untilTrue(page, 'openCount() === 1');
  await page.goto(`${stage.url}/panel/#/overview`);
  await page.getByRole('heading', { level: 1, name: `${viewers + 1} viewers` }).waitFor();
  await page.goto(`${stage.url}/panel/#/events`);
  await page
    .locator(`.event:has-text("${streamId(14).slice(0, 6)}")`)
    .first()
    .waitFor();
  assert.equal(await page.evaluate('openCount()'), 1);
});

test('a page that is open while acemux is started again says so, and goes on by itself', async (t) => {
  const other = await PanelStage.start({ engines: [{ name: 'lone' }] });
  let running = other;
  undoAfter(t, () => running.stop());
  const page = await browser.open(t, other.url, { expectedErrors: /Failed to load resource|ERR_CONNECTION/ });
  await page.getByText('All well').waitFor();
  const { port } = other.app;
  await other.stopApp();
  await page.getByText('No connection to acemux since').waitFor();
  running = await PanelStage.start({ engines: [{ name: 'lone' }], port, before: other });
  await page.getByText('No connection to acemux since').waitFor({ state: 'detached' });
  await running.watch(streamId(1), 1);
  await page.getByRole('heading', { level: 1, name: /1 viewer on 1 stream/ }).waitFor();
});
