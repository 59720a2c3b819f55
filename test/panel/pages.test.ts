/** What the panel shows, in Chromium, before the real server: each page. */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { CALM_FLEET, FakeFleetControl } from '../../src/http/testing/fleet.ts';
import { ADMIN_KEY, buildRig } from '../../src/http/testing/rig.ts';
import { VERSION } from '../../src/version.ts';
import { PanelBrowser } from '../support/panel-browser.ts';
import { logIn, seriousFindings } from '../support/panel-page.ts';
import { PanelStage, streamId, WATCHED_ENGINES } from '../support/panel-stage.ts';
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

test('the overview says in one sentence whether it is well, and follows what happens without being loaded again', async (t) => {
  const page = await browser.open(t, stage.url);
  await page
    .getByRole('heading', { level: 1, name: 'All well: 4 viewers on 2 streams, 1 engine free.' })
    .waitFor();
  await stage.watch(streamId(1), 2);
  await page.getByRole('heading', { level: 1, name: 'All well: 6 viewers on 2 streams' }).waitFor();
  assert.equal(await page.locator('.topology-viewer').count(), 6);
  assert.equal(await page.locator('table.streams tbody tr').count(), 2);
  // Each of the four numbers has its curve, and what happened last is there.
  await page.locator('.numbers .sparkline-line[d*="L"]').nth(3).waitFor({ state: 'attached' });
  await page.locator('.event[data-type="stream.started"]').first().waitFor();
});

test('a stream’s page has its source, what is held of it, and who watches', async (t) => {
  const { sessionId } = stage.sessionOf(streamId(1));
  const page = await browser.open(t, stage.url, { place: `#/streams/${sessionId}` });
  await page.locator('.timeline-span').first().waitFor();
  await page.locator('.ring-keyframe').first().waitFor({ state: 'attached' });
  await page.locator('table.viewers tbody tr').nth(2).waitFor();
  const player = await fetch(`${stage.url}/ace/getstream?id=${streamId(1)}&client=kitchen`, {
    headers: { 'User-Agent': 'VLC/3.0.20 LibVLC/3.0.20' },
  });
  undoAfter(t, async () => player.body?.cancel());
  const row = page.locator('table.viewers tbody tr', { hasText: 'kitchen' });
  await row.getByText('127.0.0.1 · ts').waitFor();
  assert.equal(await row.locator('.viewer-name').getAttribute('title'), 'VLC/3.0.20 LibVLC/3.0.20');
  await row.locator('.column-state').getByText('playing').waitFor();
  const cell = (label: string, text: RegExp): Promise<void> =>
    row.locator(`[data-label="${label}"]`).getByText(text).waitFor();
  await cell('Behind live', /^[\d.]+ s$/);
  await cell('Rate', /bit\/s$/);
  await cell('Sent', /^[\d.]+ [kM]B$/);
  await cell('Skips', /^0$/);
  await page.locator('.ring-viewer').nth(2).waitFor({ state: 'attached' });
  await page.locator('.ring').getByText('live', { exact: true }).waitFor();
});

test('streams are found and sorted, events narrowed, held still and saved', async (t) => {
  const names = [
    [streamId(1), 'Zebra'],
    [streamId(2), 'Antelope'],
    [streamId(4), 'Yak'],
  ] as const;
  const page = await browser.open(t, stage.url, { place: '#/streams', names });
  const first = page.locator('table.streams tbody tr').first();
  await first.waitFor();
  // A source begins with twenty seconds at once: the bitrate is that of the media, from the first number on.
  await page.evaluate(`window.rates = new Set();
    new MutationObserver(() => {
      const text = document.querySelector('[data-stream="${streamId(4)}"] .column-rate')?.textContent;
      if (text) window.rates.add(text);
    }).observe(document.body, { subtree: true, childList: true, characterData: true });`);
  await stage.watch(streamId(4), 1);
  await page.locator(`[data-stream="${streamId(4)}"] .sparkline-line[d*="L"]`).waitFor({ state: 'attached' });
  for (const text of Object.values(Object(await page.evaluate('[...window.rates]'))))
    assert.match(String(text), /^(?:–|9\d\d kbit\/s|1(?:\.\d+)? Mbit\/s)$/);
  await first.getByText('Zebra').waitFor();
  await page.getByRole('button', { name: 'Stream', exact: true }).click();
  await first.getByText('Antelope').waitFor();
  await page.getByLabel('Find a stream').fill('zeb');
  await first.getByText('Zebra').waitFor();
  await page.getByLabel('Find a stream').fill('nothing so');
  await page.getByText('No stream has this').waitFor();
  await page.goto(`${stage.url}/panel/#/events`);
  await page.getByLabel('About').selectOption('stream');
  await page.locator('.event').first().waitFor();
  assert.equal(await page.locator('.event[data-type^="client."]').count(), 0);
  await page.getByRole('button', { name: 'Follow' }).click();
  const eighth = page.locator(`.event:has-text("${streamId(8).slice(0, 6)}")`);
  stage.app.events.emit('stream.lingering', {}, { session: streamId(8) });
  await page.getByText(/new event.* since you looked/).waitFor();
  assert.equal(await eighth.count(), 0);
  const [download] = await Promise.all([
    page.waitForEvent('download'),
    page.getByRole('button', { name: 'Export' }).click(),
  ]);
  assert.equal(download.suggestedFilename(), 'acemux-events.json');
  const saved = Object.values(Object(JSON.parse(await readFile(await download.path(), 'utf8'))));
  assert.ok(saved.length > 0);
  for (const event of saved) assert.equal(Object(event).event_type, 'stream', 'what is shown is saved');
  await page.getByRole('button', { name: 'Follow' }).click();
  await eighth.waitFor();
});

test('an engine that is killed shows as a splice on the timeline, and as what needs a look', async (t) => {
  await stage.watch(streamId(3), 2);
  const { sessionId, engine } = stage.sessionOf(streamId(3));
  const page = await browser.open(t, stage.url, { place: `#/streams/${sessionId}` });
  await page.locator('.timeline-span').first().waitFor();
  const index = Number(engine.at(-1)) - 1;
  stage.kill(index);
  await page.locator('.timeline-mark.is-splice').first().waitFor({ state: 'attached' });
  const bands = page.locator('.timeline-span');
  await bands.nth(1).waitFor();
  assert.deepEqual(
    [await bands.first().getAttribute('data-engine'), await bands.nth(1).getAttribute('data-engine')].map(
      (each) => each === engine,
    ),
    [true, false],
  );
  await page.getByText('nothing missing').first().waitFor();
  await page.evaluate('scrollTo(0, 300)');
  await page.goto(`${stage.url}/panel/#/overview`);
  await page.getByRole('heading', { level: 1, name: /need.* a look/ }).waitFor();
  assert.equal(await page.evaluate('scrollY'), 0, 'another page begins at its top');
  await page
    .locator('.problems')
    .getByText(WATCHED_ENGINES[index]?.name ?? '')
    .first()
    .waitFor();
  await page.goto(`${stage.url}/panel/#/streams`);
  const row = page.locator(`[data-stream="${streamId(3)}"]`);
  await row.locator('.column-splices').getByText('1', { exact: true }).waitFor();
  await row.locator('.column-media').getByText('H.264, AAC').waitFor();
  for (const [column, text] of [
    ['state', /^playing$/],
    ['viewers', /^2$/],
    ['engine', /^(?:north|south|east)$/],
    ['rate', /^[\d.]+ [kM]?bit\/s$/],
    ['media', /^360p$/],
    ['peers', /^\d+$/],
    ['speed', /^[\d.]+ [kM]?bit\/s$/],
    ['buffer', /^\d+$/],
    ['uptime', /^\d+ s$/],
    ['idle', /^–$/],
  ] as const) {
    await row.locator(`.column-${column}`).getByText(text).waitFor();
  }
  await page.getByRole('button', { name: 'Splices' }).click();
  await page.locator('th[aria-sort="descending"]').getByText('Splices').waitFor();
  const counts = (await page.locator('td.column-splices').allTextContents()).map(Number);
  assert.deepEqual(
    counts,
    counts.toSorted((one, other) => other - one),
  );
  stage.engines[index]?.faults.clear();
});

test('no page has a serious finding by axe, light and dark, wide and on a phone', async (t) => {
  const page = await browser.open(t, stage.url);
  const stream = `streams/${stage.sessionOf(streamId(1)).sessionId}`;
  const looks = [
    [
      'light',
      1_280,
      ['overview', 'streams', stream, 'engines', 'engines/engine-1', 'vpn', 'events', 'about'],
    ],
    ['dark', 390, ['overview', stream, 'engines', 'events']],
  ] as const;
  for (const [scheme, width, places] of looks) {
    await page.emulateMedia({ colorScheme: scheme, reducedMotion: 'reduce' });
    await page.setViewportSize({ width, height: 800 });
    for (const place of places) {
      await page.goto(`${stage.url}/panel/#/${place}`);
      await page.locator('h1').first().waitFor();
      assert.deepEqual(await seriousFindings(page), [], `${place}, ${scheme}, ${width}`);
    }
  }
});

test('one goes back to older events, whole and each once, and past those of other kinds', async (t) => {
  const { events } = stage.app;
  events.emit('stream.lingering', {}, { session: streamId(11) });
  for (let index = 0; index < 900; index++) events.emit('stream.lingering', {}, { session: streamId(12) });
  const page = await browser.open(t, stage.url, { place: '#/events' });
  const oldest = page.locator(`.event:has-text("${streamId(11).slice(0, 6)}")`);
  const older = page.getByRole('button', { name: 'Older ones' });
  await page.getByText('250 events shown').waitFor();
  await older.click();
  await page.getByText('400 events shown').waitFor();
  assert.equal(await oldest.count(), 0);
  await older.click();
  await page.getByText('900 events shown').waitFor();
  // What happens meanwhile moves nothing of what is read.
  for (let index = 0; index < 20; index++) events.emit('stream.lingering', {}, { session: streamId(13) });
  await older.click();
  await oldest.waitFor();
  const ids = Object(
    await page.evaluate('[...document.querySelectorAll(".event")].map(({ dataset }) => Number(dataset.id))'),
  );
  assert.ok(ids.length > 900);
  for (let index = 1; index < ids.length; index++) assert.equal(ids[index], ids[index - 1] - 1);
  await page.getByText(/new event.* since you looked/).waitFor();
  // Of engines nothing is among the newest: acemux is asked for these alone.
  await page.getByRole('button', { name: 'Follow' }).click();
  await page.getByLabel('About').selectOption('engine');
  await page.getByText('No event is held that fits.').waitFor();
  await older.click();
  await page.locator('.event[data-type^="engine."]').first().waitFor();
});

test('times are those of the device, and the same in UTC when pointed at', async (t) => {
  const { sessionId } = stage.sessionOf(streamId(1));
  const page = await browser.open(t, stage.url, { timezoneId: 'Asia/Kathmandu' });
  for (const place of ['events', `streams/${sessionId}`, 'overview', 'engines/engine-1']) {
    await page.goto(`${stage.url}/panel/#/${place}`);
    await page.locator('main time').first().waitFor();
    const times = Object(
      await page.evaluate(`[...document.querySelectorAll('main time')].map((time) => ({
        text: time.textContent, title: time.title, at: Date.parse(time.dateTime) }))`),
    );
    for (const { text, title, at } of times) {
      assert.equal(title, `${new Date(at).toISOString().slice(0, 19).replace('T', ' ')} UTC`, place);
      const there = new Date(at).toLocaleTimeString('en-GB', { timeZone: 'Asia/Kathmandu' });
      assert.ok(text.endsWith(there), `${text} is ${there}`);
    }
  }
  // Of an engine that a test has killed the last one may be missed yet; the next is answered.
  const answered = page.locator('.probe[title*="answered in"]').last();
  await answered.waitFor({ state: 'attached' });
  assert.match(String(await answered.getAttribute('title')), / UTC\): answered in/);
});

test('an engine’s card has what its container takes; making engines is tried again on demand after failures', async (t) => {
  const fleetControl = new FakeFleetControl();
  const open = { kind: 'open', cause: 'engine_broken', failures: 5, untilMs: Date.now() + 240_000 } as const;
  fleetControl.fleet = {
    ...CALM_FLEET,
    breakers: new Map([['docker', { ...open, detail: 'it did not start' }]]),
  };
  fleetControl.resetBreakers = () => {
    fleetControl.fleet = CALM_FLEET;
  };
  const taken = {
    cpuPercent: 37.4,
    memoryBytes: 312e6,
    memoryLimitBytes: 536_870_912,
    networkReceivedBytes: undefined,
    networkSentBytes: undefined,
    blockReadBytes: 0,
    blockWrittenBytes: 0,
  };
  fleetControl.taken = new Map([['engine-1', taken]]);
  const panelFolder = path.join(import.meta.dirname, '../../panel/dist');
  const house = buildRig({ fleetControl, panelFolder });
  const { url } = await house.server.listen();
  undoAfter(t, async () => {
    house.server.endEventStreams();
    await house.server.close();
  });
  // These parts have no history: the overview would ask for it.
  const page = await browser.open(t, url, { place: '#/engines', expectedErrors: /status of 401/ });
  for (const place of ['engines', 'engines/engine-1']) {
    await page.goto(`${url}/panel/#/${place}`);
    const facts = page.locator('.fact');
    await facts.filter({ hasText: 'Memory' }).getByText('312 MB of 537 MB').waitFor();
    await facts.filter({ hasText: 'CPU' }).getByText('37 %').waitFor();
  }
  await page.goto(`${url}/panel/#/engines`);
  const again = page.getByRole('button', { name: 'Try to make engines again now' });
  await again.click();
  await logIn(page, ADMIN_KEY);
  await again.click();
  await page.getByText('engines are made again').waitFor();
  await again.waitFor({ state: 'detached' });
});

test('by keyboard: fields, pages and a dialog’s way out', async (t) => {
  const page = await browser.open(t, stage.url);
  await page.locator('h1').waitFor();
  await page.keyboard.press('/');
  assert.equal(await page.evaluate('document.activeElement.id'), 'play-field');
  await page.keyboard.press('Escape');
  await page.keyboard.press('g');
  await page.keyboard.press('e');
  await page.getByRole('heading', { level: 1, name: 'Engines' }).waitFor();
  await page.getByRole('button', { name: 'Drain' }).first().press('Enter');
  await page.getByRole('dialog').waitFor();
  await page.keyboard.press('Escape');
  await page.getByRole('dialog').waitFor({ state: 'detached' });
});

test('about has the version and the ways to the documents; the appearance is chosen, and kept', async (t) => {
  const page = await browser.open(t, stage.url, { place: '#/about' });
  const theme = 'document.documentElement.dataset.theme';
  await page.locator('.fact', { hasText: 'Version' }).getByText(VERSION, { exact: true }).waitFor();
  for (const path of ['/docs/', '/openapi.json', '/metrics']) {
    const link = page.locator(`main a[href="${stage.url}${path}"]`);
    assert.equal((await fetch(String(await link.getAttribute('href')))).status, 200, path);
  }
  await page.getByRole('button', { name: 'Dark' }).click();
  await page.reload();
  await page.getByRole('button', { name: 'Dark', pressed: true }).waitFor();
  assert.equal(await page.evaluate(theme), 'dark');
  await page.getByRole('button', { name: 'As the system' }).click();
  assert.equal(await page.evaluate(theme), undefined);
});

test('what the first view loads is less than 150 kB, the players apart', async (t) => {
  let bytes = 0;
  const opened = await browser.open(t, stage.url, { place: '#/overview' });
  const sizes = await opened.evaluate(
    `performance.getEntriesByType('resource').concat(performance.getEntriesByType('navigation'))
      .filter(({ name }) => name.includes('/panel/')).map(({ encodedBodySize }) => encodedBodySize)`,
  );
  assert.ok(Array.isArray(sizes) && sizes.length >= 4, String(sizes));
  for (const size of sizes) bytes += Number(size);
  t.diagnostic(`${(bytes / 1000).toFixed(1)} kB`);
  assert.ok(bytes < 150_000, `${bytes} bytes`);
});

test('an installation without an engine says what to do next', async (t) => {
  const empty = await PanelStage.start({ engines: [] });
  undoAfter(t, () => empty.stop());
  const page = await browser.open(t, empty.url);
  await page.getByRole('heading', { level: 1, name: 'Add an engine, then play' }).waitFor();
  await page.getByText('ENGINES=').waitFor();
  assert.deepEqual(await seriousFindings(page), []);
});

test('the types that the panel reads replies by are those of the OpenAPI document', async () => {
  const { panelTypes } = await import('../../scripts/panel-types.ts');
  const document: unknown = await (await fetch(`${stage.url}/openapi.json`)).json();
  const file = path.join(import.meta.dirname, '../../panel/src/api/replies.ts');
  assert.equal(await readFile(file, 'utf8'), panelTypes(document), 'npm run docs writes it');
});
