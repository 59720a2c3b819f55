/** The panel in Chromium, before the real server with simulated engines: each page, each act, and what goes wrong. */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import path from 'node:path';
import { after, before, test } from 'node:test';
import type { Page } from 'playwright-core';
import { PanelBrowser } from '../support/panel-browser.ts';
import { PanelStage, streamId } from '../support/panel-stage.ts';
import { until } from '../support/rig.ts';
import { undoAfter } from '../support/undo.ts';

const KEY = 'the-admin-key-of-this-test';
const REFUSED = /status of 40[139]/;
const ENGINES = [{ name: 'north' }, { name: 'south' }, { name: 'east' }];
const axe = createRequire(import.meta.url).resolve('axe-core/axe.min.js');

let browser: PanelBrowser;
let stage: PanelStage;

before(async () => {
  [browser, stage] = await Promise.all([
    PanelBrowser.start(),
    PanelStage.start({
      engines: ENGINES,
      config: (config) => ({ ...config, access: { ...config.access, apiKey: KEY } }),
    }),
  ]);
  await until(() => stage.app.fleet.snapshot().every(({ state }) => state === 'healthy'));
  await stage.watch(streamId(1), 3);
  await stage.watch(streamId(2), 1);
});

after(async () => {
  await browser?.stop();
  await stage?.stop();
});

/** What axe holds to be serious or critical, each with where. */
async function seriousFindings(page: Page): Promise<string[]> {
  await page.evaluate(await readFile(axe, 'utf8'));
  const { violations } = Object(await page.evaluate('axe.run(document, { resultTypes: ["violations"] })'));
  return violations
    .filter(({ impact }: { impact: string }) => impact === 'serious' || impact === 'critical')
    .flatMap(({ id, nodes }: { id: string; nodes: { target: unknown; failureSummary: string }[] }) =>
      nodes.slice(0, 4).map(({ target, failureSummary }) => `${id}: ${String(target)} ${failureSummary}`),
    );
}

function sessionOf(number: number): { readonly sessionId: string; readonly engine: string } {
  const session = stage.app.sessions.list().find(({ streamId: id }) => id === streamId(number));
  assert.ok(session?.engine);
  return { sessionId: session.sessionId, engine: session.engine.id };
}

/** Resolves when an expression is true in the page: the page's own rules let nobody wait there by a text. */
async function untilTrue(page: Page, expression: string): Promise<void> {
  const endMs = performance.now() + 60_000;
  while ((await page.evaluate(expression)) !== true) {
    assert.ok(performance.now() < endMs, `this never came to be true: ${expression}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

/** What is wider than the window, if anything. */
function tooWide(page: Page): Promise<unknown> {
  return page.evaluate(`document.documentElement.scrollWidth <= innerWidth ? [] :
    [...document.querySelectorAll('main *')].filter((each) => each.getBoundingClientRect().right > innerWidth + 1)
      .slice(0, 5).map((each) => each.tagName + '.' + each.getAttribute('class'))`);
}

async function logIn(page: Page): Promise<void> {
  const dialog = page.getByRole('dialog', { name: 'A key, please' });
  await dialog.getByLabel('Key', { exact: true }).fill(KEY);
  await dialog.getByRole('button', { name: 'Log in' }).click();
  await dialog.waitFor({ state: 'detached' });
}

test('the overview says in one sentence whether it is well, and follows what happens without being loaded again', async (t) => {
  const page = await browser.open(t, stage.url);
  await page
    .getByRole('heading', { level: 1, name: 'All well: 4 viewers on 2 streams, 1 engine free.' })
    .waitFor();
  await stage.watch(streamId(1), 2);
  await page.getByRole('heading', { level: 1, name: 'All well: 6 viewers on 2 streams' }).waitFor();
  assert.equal(await page.locator('.topology-viewer').count(), 6);
  assert.equal(await page.locator('table.streams tbody tr').count(), 2);
});

test('a stream’s page has its source, what is held of it, and who watches', async (t) => {
  const { sessionId } = sessionOf(1);
  const page = await browser.open(t, stage.url, { place: `#/streams/${sessionId}` });
  await page.locator('.timeline-span').first().waitFor();
  await page.locator('.ring-keyframe').first().waitFor({ state: 'attached' });
  await page.locator('table.viewers tbody tr').nth(2).waitFor();
  await page.getByText('127.0.0.1').first().waitFor();
});

test('streams are found and sorted, events narrowed, held still and saved', async (t) => {
  const names = [
    [streamId(1), 'Zebra'],
    [streamId(2), 'Antelope'],
  ] as const;
  const page = await browser.open(t, stage.url, { place: '#/streams', names });
  const first = page.locator('table.streams tbody tr').first();
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
  stage.app.events.emit('stream.lingering', {}, { session: streamId(8) });
  await page.getByText(/new event.* since you looked/).waitFor();
  const [download] = await Promise.all([
    page.waitForEvent('download'),
    page.getByRole('button', { name: 'Export' }).click(),
  ]);
  assert.equal(download.suggestedFilename(), 'acemux-events.json');
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
});

test('who is refused for now is told so, and plays by itself when there is room', async (t) => {
  const page = await browser.open(t, stage.url, { place: '#/streams', expectedErrors: /503/ });
  let requests = 0;
  await page.route('**/ace/getstream*', async (route) => {
    requests += 1;
    if (requests > 1) return route.continue();
    return route.fulfill({ status: 503, headers: { 'retry-after': '5' }, json: { error: 'busy' } });
  });
  await page.goto(`${stage.url}/panel/#/play/id/${streamId(1)}`);
  await page.getByText('it is tried again every 5 s').waitFor();
  await untilTrue(page, 'document.querySelector("video").currentTime > 0.3');
  assert.equal(await page.getByRole('alert').count(), 0);
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
    `streams/${sessionOf(2).sessionId}`,
    'engines',
    'events',
    'about',
  ]) {
    await page.goto(`${stage.url}/panel/#/${place}`);
    await page.locator('h1').first().waitFor();
    assert.deepEqual(await tooWide(page), [], place);
  }
});

test('an act asks once, says what it does to whom, and for a key if there is none yet', async (t) => {
  const { engine } = sessionOf(1);
  const page = await browser.open(t, stage.url, { place: `#/engines/${engine}`, expectedErrors: REFUSED });
  await page.getByRole('button', { name: 'Drain' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByText(/viewers should notice nothing/).waitFor();
  await dialog.getByRole('button', { name: 'Keep as it is' }).click();
  assert.equal(
    stage.app.fleet.snapshot().some(({ isDraining }) => isDraining),
    false,
  );
  await page.getByRole('button', { name: 'Drain' }).click();
  await dialog.getByRole('button', { name: 'Drain' }).click();
  await page.getByText('Acts need the admin key').waitFor();
  await page.getByLabel('Key', { exact: true }).fill('not the key');
  await page.getByRole('button', { name: 'Log in' }).click();
  await page.getByText('This is not a key of this acemux').waitFor();
  await logIn(page);
  await page.getByRole('button', { name: 'Drain' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Drain' }).click();
  await page.getByRole('button', { name: 'Use again' }).click();
  await page.getByRole('button', { name: 'Drain' }).waitFor();
  assert.equal(stage.app.sessions.clientCount >= 6, true);
});

test('a stream is moved to an engine that one chooses, a viewer disconnected, limits changed', async (t) => {
  const { sessionId, engine } = sessionOf(2);
  const page = await browser.open(t, stage.url, { place: `#/streams/${sessionId}`, expectedErrors: REFUSED });
  const act = async (name: string): Promise<void> => {
    await page.getByRole('button', { name, exact: true }).first().click();
    const dialog = page.getByRole('dialog', { name: /\?$/ });
    await dialog.getByRole('button', { name, exact: true }).click();
    await dialog.waitFor({ state: 'detached' });
  };
  await act('Move to another engine');
  await logIn(page);
  await act('Move to another engine');
  await page.locator('.timeline-mark.is-splice').first().waitFor({ state: 'attached' });
  await until(() => sessionOf(2).engine !== engine);
  await page.getByLabel('A joiner’s reserve, seconds').fill('2.5');
  await page.getByRole('button', { name: 'Save' }).click();
  await page.getByText('Saved').waitFor();
  await page.locator('table.viewers tbody tr').first().waitFor();
  await act('Disconnect');
  await page.getByText('Nobody watches it now.').waitFor();
  await act('Stop');
  await page.locator('.facts').getByText('ended', { exact: true }).waitFor();
  await page.getByText('ended by', { exact: false }).or(page.locator('.timeline-band')).first().waitFor();
});

test('an engine that is killed shows as a splice on the timeline, and as what needs a look', async (t) => {
  await stage.watch(streamId(3), 2);
  const { sessionId, engine } = sessionOf(3);
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
    .getByText(ENGINES[index]?.name ?? '')
    .first()
    .waitFor();
  await page.goto(`${stage.url}/panel/#/streams`);
  const row = page.locator(`[data-stream="${streamId(3)}"]`);
  await row.locator('.column-splices').getByText('1', { exact: true }).waitFor();
  await row.locator('.column-media').getByText('H.264, AAC').waitFor();
  await page.getByRole('button', { name: 'Splices' }).click();
  await page.locator('th[aria-sort="descending"]').getByText('Splices').waitFor();
  const counts = (await page.locator('td.column-splices').allTextContents()).map(Number);
  assert.deepEqual(
    counts,
    counts.toSorted((one, other) => other - one),
  );
  stage.engines[index]?.faults.clear();
});

test('settings are shown with where they come from, and changed, validated as one types them', async (t) => {
  const page = await browser.open(t, stage.url, { place: '#/settings', expectedErrors: /status of 40/ });
  await page.locator('#main').getByRole('button', { name: 'Log in' }).click();
  await logIn(page);
  const line = page.locator('[data-setting="log.level"]');
  await line.getByRole('textbox').fill('loudest');
  await line.getByRole('button', { name: 'Save' }).click();
  await page.locator('.notice.is-failure').waitFor();
  await line.getByRole('textbox').fill('warn');
  await line.getByRole('button', { name: 'Save' }).click();
  await line.getByRole('button', { name: 'Back to default' }).click();
  await line.getByRole('button', { name: 'Back to default' }).waitFor({ state: 'detached' });
  await page.getByRole('heading', { name: 'Who changed what' }).waitFor();
});

test('a new key is shown once, and revoked', async (t) => {
  const page = await browser.open(t, stage.url, { place: '#/keys', expectedErrors: REFUSED });
  await page.locator('#main').getByRole('button', { name: 'Log in' }).click();
  await logIn(page);
  await page.getByLabel('Name').fill('Living room');
  await page.getByRole('button', { name: 'New key' }).click();
  const key = (await page.locator('.key-once').textContent()) ?? '';
  assert.ok(key.length > 10);
  await page.getByRole('button', { name: 'OK', exact: true }).click();
  assert.ok(!(await page.content()).includes(key));
  await page.locator('[data-key="Living room"]').getByRole('button', { name: 'Revoke' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Revoke' }).click();
  await page.locator('[data-key="Living room"]').waitFor({ state: 'detached' });
});

test('in a closed house a viewer’s key plays, and sees neither others, nor engines, nor levers', async (t) => {
  const closed = await PanelStage.start({
    engines: [{ name: 'hidden-engine' }],
    config: (config) => ({ ...config, access: { ...config.access, apiKey: KEY, view: 'key', play: 'key' } }),
  });
  undoAfter(t, () => closed.stop());
  const reply = await fetch(`${closed.url}/keys`, {
    method: 'POST',
    headers: { Authorization: `Bearer ${KEY}`, 'Content-Type': 'application/json' },
    body: JSON.stringify({ name: 'Living room', role: 'viewer' }),
  });
  const { key } = Object(await reply.json());
  const page = await browser.open(t, closed.url, { expectedErrors: REFUSED });
  const dialog = page.getByRole('dialog', { name: 'A key, please' });
  await dialog.getByLabel('Key', { exact: true }).fill(String(key));
  await dialog.getByRole('button', { name: 'Log in' }).click();
  await page.getByRole('heading', { name: 'Play something' }).waitFor();
  assert.doesNotMatch(await page.content(), /hidden-engine|Drain|Settings|Events/);
  await page.getByLabel('Play a stream').fill(streamId(1));
  await page.getByLabel('Play a stream').press('Enter');
  await untilTrue(page, 'document.querySelector("video")?.currentTime > 0.2');
  assert.doesNotMatch(await page.content(), /hidden-engine|Drain|Settings|Events/);
});

test('at home, where nobody needs a key, a browser that is logged in with a viewer’s key sees no more than that key may', async (t) => {
  const made = await fetch(`${stage.url}/keys`, {
    method: 'POST',
    headers: { Authorization: `Bearer ${KEY}`, 'Content-Type': 'application/json' },
    body: JSON.stringify({ name: 'Kitchen', role: 'viewer' }),
  });
  const { key } = Object(await made.json());
  const page = await browser.open(t, stage.url, { place: '#/engines', expectedErrors: REFUSED });
  await page.locator('.engine-card').first().waitFor();
  await page.context().request.post(`${stage.url}/login`, { data: { key } });
  await page.reload();
  await page.getByRole('heading', { name: 'Play something' }).waitFor();
  assert.equal(await page.locator('.engine-card, .topology, table').count(), 0);
  const refused = await page.context().request.get(`${stage.url}/streams`);
  assert.equal(refused.status(), 403);
});

test('a login that has expired in the middle of an act is asked for again, and nothing was done', async (t) => {
  const page = await browser.open(t, stage.url, { place: '#/keys', expectedErrors: REFUSED });
  await page.locator('#main').getByRole('button', { name: 'Log in' }).click();
  await logIn(page);
  await page.goto(`${stage.url}/panel/#/engines`);
  await page.getByRole('button', { name: 'Drain' }).first().click();
  await page.context().clearCookies();
  await page.getByRole('dialog').getByRole('button', { name: 'Drain' }).click();
  await page.getByText('You are not logged in any more. Nothing was done.').waitFor();
  assert.equal(
    stage.app.fleet.snapshot().some(({ isDraining }) => isDraining),
    false,
  );
  await logIn(page);
});

test('no page has a serious finding by axe, light and dark, wide and on a phone', async (t) => {
  const page = await browser.open(t, stage.url);
  const stream = `streams/${sessionOf(1).sessionId}`;
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

test('a browser whose clock is wrong by a day shows acemux’s times, and says so', async (t) => {
  const page = await browser.open(t, stage.url, {
    place: '#/streams',
    script: 'const now = Date.now.bind(Date); Date.now = () => now() - 86_400_000;',
  });
  await page.getByText(/This device’s clock is .* behind acemux’s/).waitFor();
  const uptime = await page.locator(`[data-stream="${streamId(1)}"] .column-uptime`).textContent();
  assert.match(uptime ?? '', /^\d+ (s|min)/);
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
  await page.getByLabel('Find in events').fill('spliced');
  await page.goto(`${stage.url}/panel/#/streams`);
  await page.getByRole('heading', { level: 1, name: 'Streams' }).waitFor();
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
