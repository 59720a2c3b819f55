/** Playing in the panel, in Chromium: by MPEG-TS and HLS, after a refusal, and what is pasted. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { PanelBrowser } from '../support/panel-browser.ts';
import { untilTrue } from '../support/panel-page.ts';
import { PanelStage, streamId } from '../support/panel-stage.ts';

let browser: PanelBrowser;
let stage: PanelStage;

before(async () => {
  [browser, stage] = await Promise.all([PanelBrowser.start(), PanelStage.startWatched()]);
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
});

test('who is refused for now is told so, and plays by itself when there is room', async (t) => {
  const page = await browser.open(t, stage.url, {
    place: '#/streams',
    expectedErrors: /503/,
    // Its five seconds pass at once.
    script:
      'const wait = setTimeout; setTimeout = (fire, ms, ...rest) => wait(fire, ms === 5000 ? 200 : ms, ...rest);',
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
