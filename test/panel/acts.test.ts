/** What is done by the panel, in Chromium, before the real server: each act, and who may. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Config } from '../../src/config/config.ts';
import { PanelBrowser } from '../support/panel-browser.ts';
import { logIn, untilTrue } from '../support/panel-page.ts';
import { PanelStage, streamId } from '../support/panel-stage.ts';
import { until } from '../support/rig.ts';
import { undoAfter } from '../support/undo.ts';

const KEY = 'the-admin-key-of-this-test';
const REFUSED = /status of 40[139]/;

const withKey = (config: Config): Config => ({ ...config, access: { ...config.access, apiKey: KEY } });

/** What the environment has set counts more than the panel. */
const LOCKED = new Map([['history.days', { layer: 'environment', text: 'HISTORY_DAYS' }]] as const);

let browser: PanelBrowser;
let stage: PanelStage;

before(async () => {
  [browser, stage] = await Promise.all([
    PanelBrowser.start(),
    PanelStage.startWatched({ config: withKey, origins: LOCKED }),
  ]);
});

after(async () => {
  await browser?.stop();
  await stage?.stop();
});

test('an act asks once, says what it does to whom, and for a key if there is none yet', async (t) => {
  const { engine } = stage.sessionOf(streamId(1));
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
  await logIn(page, KEY);
  await page.getByRole('button', { name: 'Drain' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Drain' }).click();
  await page.getByRole('button', { name: 'Use again' }).click();
  await page.getByRole('button', { name: 'Drain' }).waitFor();
  assert.equal(stage.app.sessions.clientCount, 4);
});

test('a stream is moved to an engine that one chooses, a viewer disconnected, limits changed', async (t) => {
  const { sessionId, engine } = stage.sessionOf(streamId(2));
  // The page may ask about the stream once more when it has just been stopped.
  const page = await browser.open(t, stage.url, {
    place: `#/streams/${sessionId}`,
    expectedErrors: /status of 40[1349]/,
  });
  const act = async (name: string): Promise<void> => {
    await page.getByRole('button', { name, exact: true }).first().click();
    const dialog = page.getByRole('dialog', { name: /\?$/ });
    await dialog.getByRole('button', { name, exact: true }).click();
    await dialog.waitFor({ state: 'detached' });
  };
  await act('Move to another engine');
  await logIn(page, KEY);
  await act('Move to another engine');
  await page.locator('.timeline-mark.is-splice').first().waitFor({ state: 'attached' });
  await until(() => stage.sessionOf(streamId(2)).engine !== engine);
  const amounts = {
    'In memory, seconds': '30',
    'At most, MiB': '32',
    'A joiner’s reserve, seconds': '2.5',
    'Kept on disk, minutes': '5',
  };
  for (const [label, amount] of Object.entries(amounts)) await page.getByLabel(label).fill(amount);
  await page.getByLabel('A second engine').selectOption('warm');
  // The page asks again meanwhile: what is typed stays.
  await page.waitForResponse(/\/proxy\/sessions\//);
  await page.waitForResponse(/\/streams\/.*\/stats/);
  await page.getByRole('button', { name: 'Save' }).click();
  await page.getByText('Saved').waitFor();
  const saved = Object(await (await fetch(`${stage.url}/proxy/sessions/${streamId(2)}`)).json());
  assert.deepEqual(saved.settings, {
    buffer_seconds: 30,
    buffer_size_bytes: 32 * 1024 * 1024,
    prebuffer_seconds: 2.5,
    standby: 'warm',
  });
  assert.equal(saved.timeshift.window_seconds, 300);
  await page.locator('table.viewers tbody tr').first().waitFor();
  await act('Disconnect');
  await page.getByText('Nobody watches it now.').waitFor();
  await act('Stop');
  await page.locator('.facts').getByText('ended', { exact: true }).waitFor();
  await page.getByText('ended by', { exact: false }).or(page.locator('.timeline-band')).first().waitFor();
});

test('who may take no more than a byte cap is shown with it', async (t) => {
  const setting = `${stage.url}/settings/limits.bytes_per_second_per_viewer`;
  const headers = { Authorization: `Bearer ${KEY}` };
  const setTo = (value: string): Promise<Response> =>
    fetch(setting, {
      method: 'PUT',
      headers: { ...headers, 'Content-Type': 'application/json' },
      body: JSON.stringify({ value }),
    });
  assert.equal((await setTo('160kB')).status, 200);
  undoAfter(t, async () => assert.equal((await fetch(setting, { method: 'DELETE', headers })).status, 200));
  const leaving = new AbortController();
  const player = await fetch(`${stage.url}/ace/getstream?id=${streamId(1)}&client=attic`, leaving);
  undoAfter(t, async () => leaving.abort());
  void player.body?.pipeTo(new WritableStream()).catch(() => {}); // It is cut at the end.
  const { sessionId } = stage.sessionOf(streamId(1));
  const page = await browser.open(t, stage.url, { place: `#/streams/${sessionId}`, expectedErrors: REFUSED });
  const row = page.locator('table.viewers tbody tr', { hasText: 'attic' });
  await row.locator('[data-label="Rate"]').getByText('at most 1.28 Mbit/s').waitFor();

  // Whoever takes the stream in pieces may ask for more than the cap lets through: then a piece waits.
  assert.equal((await setTo('10kB')).status, 200);
  const manifestUrl = `${stage.url}/ace/manifest.m3u8?id=${streamId(1)}&client=cellar`;
  const manifest = await (await fetch(manifestUrl)).text();
  const playlist = new URL(/^hls\S+$/m.exec(manifest)?.[0] ?? '', manifestUrl);
  const segment = /^\S+\.ts$/m.exec(await (await fetch(playlist)).text())?.[0] ?? '';
  const waiting = Promise.allSettled(
    [1, 2, 3, 4, 5, 6].map(() => fetch(new URL(segment, playlist), leaving)),
  );
  undoAfter(t, async () => void (await waiting));
  const byPieces = page.locator('table.viewers tbody tr', { hasText: 'cellar' });
  await byPieces.locator('[data-label="Rate"]').getByText('held to 80.0 kbit/s').waitFor();
  leaving.abort();
  await byPieces.locator('[data-label="Rate"]').getByText('at most 80.0 kbit/s').waitFor();
});

test('a fleet is told how many engines there are to be at least: it is said what comes of it, and it is so', async (t) => {
  const growing = await PanelStage.start({
    engines: [],
    made: { count: 1, max: 4 },
    config: (config) =>
      withKey({ ...config, fleet: { ...config.fleet, max: 4, minFree: 1, createIntervalMs: 50 } }),
  });
  undoAfter(t, () => growing.stop());
  await until(() => growing.app.fleet.readiness().healthy === 1);
  await growing.watch(streamId(1), 2);
  await until(() => growing.app.fleet.readiness().healthy === 2);
  const page = await browser.open(t, growing.url, { place: '#/engines', expectedErrors: REFUSED });
  const field = page.getByLabel('Engines made, at least');
  const scale = async (count: string, consequence: RegExp): Promise<void> => {
    await field.fill(count);
    await page.getByRole('button', { name: 'Change', exact: true }).click();
    const dialog = page.getByRole('dialog', { name: /^Make at least/ });
    await dialog.getByText(consequence).waitFor();
    await dialog.getByRole('button', { name: 'Change' }).click();
    await dialog.waitFor({ state: 'detached' });
  };
  await scale('3', /1 engine is made now.*2 viewers stay where they are/);
  await logIn(page, KEY);
  assert.equal(growing.app.fleet.snapshot().length, 2, 'who may not has changed nothing');
  await scale('3', /1 engine is made now/);
  await page.getByText('At least 3 engines from now on.', { exact: true }).waitFor();
  await page.locator('.engine-card').nth(2).waitFor();
  await until(() => growing.app.fleet.readiness().healthy === 3);
  await field.fill('5');
  assert.equal(
    await field.evaluate((input: { validity: { valid: boolean } }) => input.validity.valid),
    false,
  );
  await scale('0', /follows from demand alone/);
  await page.getByText('At least 0 engines from now on.').waitFor();
  assert.equal(await field.inputValue(), '0');
});

test('an engine is made, replaced and removed, each after saying what comes of it', async (t) => {
  const made = await PanelStage.start({
    engines: [],
    made: { count: 1, max: 4 },
    config: (config) =>
      withKey({ ...config, fleet: { ...config.fleet, max: 4, minFree: 1, createIntervalMs: 50 } }),
  });
  undoAfter(t, () => made.stop());
  await until(() => made.app.fleet.readiness().healthy === 1);
  const page = await browser.open(t, made.url, { place: '#/engines', expectedErrors: REFUSED });
  await page.getByText('This is the demo').waitFor();
  await page.context().request.post(`${made.url}/login`, { data: { key: KEY } });
  await page.reload();
  const card = (number: number) => page.locator(`[data-engine="simulated-${number}"]`);
  const act = async (number: number, name: string, consequence: RegExp): Promise<void> => {
    await card(number).getByRole('button', { name }).click();
    const dialog = page.getByRole('dialog', { name: new RegExp(`^${name}`) });
    await dialog.getByText(consequence).waitFor();
    await dialog.getByRole('button', { name }).click();
  };
  await page.getByRole('button', { name: 'Add an engine' }).click();
  await card(2).waitFor();
  await act(1, 'Restart', /A new engine takes its place/);
  await card(1).waitFor({ state: 'detached' });
  await act(2, 'Remove', /carries nothing, and is removed/);
  await card(2).waitFor({ state: 'detached' });
});

test('settings are shown with where they come from, and changed, validated as one types them', async (t) => {
  const page = await browser.open(t, stage.url, { place: '#/settings', expectedErrors: /status of 40/ });
  await page.locator('#main').getByRole('button', { name: 'Log in' }).click();
  await logIn(page, KEY);
  const line = page.locator('[data-setting="log.level"]');
  await line.getByRole('textbox').fill('loudest');
  await line.getByRole('alert').getByText('It may be fatal, error, warn').waitFor();
  await line.getByRole('button', { name: 'Save' }).click();
  assert.equal(await page.locator('.notice').count(), 0, 'it is not even sent');
  const least = page.locator('[data-setting="fleet.min_replicas"]');
  // Right by itself, and wrong beside another one: that acemux knows.
  await least.getByRole('textbox').fill('900');
  await least.getByRole('button', { name: 'Save' }).click();
  await page.locator('.notice.is-failure').getByText('MAX_REPLICAS').waitFor();
  await line.getByText('from default').waitFor();
  await line.getByRole('textbox').fill('warn');
  await line.getByRole('button', { name: 'Save' }).click();
  await line.getByText('from changed by admin from 127.0.0.1').waitFor();
  await line.getByRole('button', { name: 'Back to default' }).click();
  await line.getByRole('button', { name: 'Back to default' }).waitFor({ state: 'detached' });
  await line.getByText('from default').waitFor();
  const audit = page.locator('section', { has: page.getByRole('heading', { name: 'Who changed what' }) });
  for (const change of ['default → warn', 'warn → default']) {
    await audit
      .locator('li', { hasText: `log.level ${change} admin from 127.0.0.1` })
      .first()
      .waitFor();
  }
  const locked = page.locator('[data-setting="history.days"]');
  await locked.getByText('from HISTORY_DAYS · set by the environment').waitFor();
  assert.equal(await locked.getByRole('textbox').count(), 0);
});

test('a new key is shown once, and revoked', async (t) => {
  const page = await browser.open(t, stage.url, { place: '#/keys', expectedErrors: REFUSED });
  await page.locator('#main').getByRole('button', { name: 'Log in' }).click();
  await logIn(page, KEY);
  await page.getByLabel('Name').fill('Living room');
  await page.getByRole('button', { name: 'New key' }).click();
  const key = (await page.locator('.key-once').textContent()) ?? '';
  assert.ok(key.length > 10);
  await page.getByRole('button', { name: 'OK', exact: true }).click();
  assert.ok(!(await page.content()).includes(key));
  const playing = await fetch(`${stage.url}/ace/getstream?id=${streamId(1)}&token=${key}`);
  assert.equal(playing.status, 200);
  const row = page.locator('[data-key="Living room"]');
  await row.locator('[data-label=Viewers]').getByText('1', { exact: true }).waitFor();
  await row.getByRole('button', { name: 'Revoke' }).click();
  await page
    .getByRole('dialog')
    .getByText(/^1 viewer is disconnected at once/)
    .waitFor();
  await page.getByRole('dialog').getByRole('button', { name: 'Revoke' }).click();
  // It is said, and so it is: the stream ends.
  await playing.arrayBuffer();
  await page.locator('[data-key="Living room"]').waitFor({ state: 'detached' });
});

test('a login that has expired in the middle of an act is asked for again, and nothing was done', async (t) => {
  const page = await browser.open(t, stage.url, { place: '#/keys', expectedErrors: REFUSED });
  await page.locator('#main').getByRole('button', { name: 'Log in' }).click();
  await logIn(page, KEY);
  await page.goto(`${stage.url}/panel/#/engines`);
  await page.getByRole('button', { name: 'Drain' }).first().click();
  await page.context().clearCookies();
  await page.getByRole('dialog').getByRole('button', { name: 'Drain' }).click();
  await page.getByText('You are not logged in any more. Nothing was done.').waitFor();
  assert.equal(
    stage.app.fleet.snapshot().some(({ isDraining }) => isDraining),
    false,
  );
  await logIn(page, KEY);
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
  // Somebody else watches something else.
  const neighbour = await fetch(`${closed.url}/ace/getstream?id=${streamId(7)}&client=the-neighbour`, {
    headers: { 'X-API-Key': KEY },
  });
  undoAfter(t, async () => neighbour.body?.cancel());
  const page = await browser.open(t, closed.url, { expectedErrors: REFUSED });
  const told: string[] = [];
  page.on('response', (response) => {
    if (!/json/.test(response.headers()['content-type'] ?? '')) return;
    response.text().then(
      (text) => told.push(`${response.url()}: ${text}`),
      () => {},
    );
  });
  const dialog = page.getByRole('dialog', { name: 'A key, please' });
  await dialog.getByLabel('Key', { exact: true }).fill(String(key));
  await dialog.getByRole('button', { name: 'Log in' }).click();
  await page.getByRole('heading', { name: 'Play something' }).waitFor();
  assert.doesNotMatch(await page.content(), /hidden-engine|Drain|Settings|Events/);
  await page.getByLabel('Play a stream').fill(streamId(1));
  await page.getByLabel('Play a stream').press('Enter');
  await untilTrue(page, 'document.querySelector("video")?.currentTime > 0.2');
  const OTHERS = new RegExp(`the-neighbour|${streamId(7)}|${streamId(7).slice(0, 6)}`);
  assert.doesNotMatch(await page.content(), /hidden-engine|Drain|Settings|Events/);
  assert.doesNotMatch(await page.content(), OTHERS);
  assert.ok(told.length > 0);
  for (const text of told) assert.doesNotMatch(text, OTHERS);
  // An operator has the levers, and neither settings nor keys.
  const operator = await fetch(`${closed.url}/keys`, {
    method: 'POST',
    headers: { Authorization: `Bearer ${KEY}`, 'Content-Type': 'application/json' },
    body: JSON.stringify({ name: 'Porter', role: 'operator' }),
  });
  await page.context().request.post(`${closed.url}/login`, {
    data: { key: Object(await operator.json()).key },
  });
  await page.goto(`${closed.url}/panel/#/engines`);
  await page.reload();
  await page.getByRole('button', { name: 'Drain' }).waitFor();
  assert.deepEqual(await page.locator('.rail a').allTextContents(), [
    'Overview',
    'Streams',
    'Engines',
    'VPN',
    'Events',
    'About',
  ]);
  await page.goto(`${closed.url}/panel/#/play/id/${streamId(1)}`);
  // Whoever may sign makes a link that plays without a key.
  await page.context().request.post(`${closed.url}/login`, { data: { key: KEY } });
  await page.reload();
  await page.getByRole('button', { name: 'Make it' }).click();
  await page
    .locator('.signed-link')
    .getByText(/good until/)
    .locator('time')
    .waitFor();
  const link = /http\S+/.exec((await page.locator('.signed-link code').textContent()) ?? '')?.[0] ?? '';
  assert.equal((await fetch(`${closed.url}/ace/getstream?id=${streamId(1)}`)).status, 401);
  const played = await fetch(link);
  assert.equal(played.status, 200);
  await played.body?.cancel();
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
