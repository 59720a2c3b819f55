/** What was, and what engines are behind: a day of history in the database, VPNs with their control servers, in Chromium. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { SimulatedGluetun } from '../../src/simulator/gluetun/simulated-gluetun.ts';
import { PanelBrowser } from '../support/panel-browser.ts';
import { STUTTER_BEFORE_MS, writeDay } from '../support/panel-day.ts';
import { seriousFindings } from '../support/panel-page.ts';
import { listedVpn, PanelStage, streamId } from '../support/panel-stage.ts';

const dutch = new SimulatedGluetun({ ports: [41_872], publicIp: '203.0.113.7', country: 'Netherlands' });
const swedish = new SimulatedGluetun({ publicIp: '198.51.100.23', country: 'Sweden' });
const endMs = Date.now();

let browser: PanelBrowser;
let stage: PanelStage;

before(async () => {
  const list = [listedVpn('gluetun-nl', await dutch.start()), listedVpn('gluetun-se', await swedish.start())];
  [browser, stage] = await Promise.all([
    PanelBrowser.start(),
    PanelStage.start({
      engines: [
        { name: 'amsterdam', vpn: 'gluetun-nl' },
        { name: 'stockholm', vpn: 'gluetun-se' },
      ],
      prepare: (dataDir) => writeDay(dataDir, { streams: [1, 2].map(streamId), endMs }),
      config: (config) => ({ ...config, vpn: { ...config.vpn, list } }),
    }),
  ]);
});

after(async () => {
  await browser?.stop();
  await stage?.stop();
  await Promise.all([dutch.stop(), swedish.stop()]);
});

test('the last 24 hours are curves, which say what is now, what was at most, and what is pointed at', async (t) => {
  const page = await browser.open(t, stage.url);
  const chart = (label: string) => page.locator('.day .chart', { hasText: new RegExp(`^${label}`) });
  await chart('Viewers')
    .getByText(/now \d+, at most \d+ at \d\d:\d\d/)
    .waitFor();
  await chart('To viewers')
    .getByText(/now [\d.]+ Mbit\/s, at most \d+ Mbit\/s at/)
    .waitFor();
  await chart('Healthy engines')
    .getByText(/now 6, at least 4 at/)
    .waitFor();
  await chart('Viewers').locator('.u-over').hover();
  await chart('Viewers')
    .getByText(/^\d\d:\d\d: \d+$/)
    .waitFor();
});

test('why a stream stuttered at a time is answered, with what that is concluded from', async (t) => {
  const page = await browser.open(t, stage.url);
  const time = new Date(endMs - STUTTER_BEFORE_MS).toLocaleTimeString('en-GB');
  await page.locator('.ask input[type=time]').fill(time);
  await page.getByRole('button', { name: 'Look' }).click();
  const verdict = page.locator('.verdict');
  await verdict.getByText('The engine failed, and the stream went on at another one.').waitFor();
  await verdict.getByText(/Nothing came from engine-\d for 8/).waitFor();
  await page.locator('.ask input[name=who]').fill('nobody-of-that-name');
  await page.getByRole('button', { name: 'Look' }).click();
  await page.locator('.verdict[data-verdict=nothing_known]').waitFor();
});

test('a stream that was played long ago keeps its page: what it was played from, how it ended, who watched', async (t) => {
  const page = await browser.open(t, stage.url, {
    place: `#/streams/${streamId(1)}`,
    expectedErrors: /status of 404/,
  });
  const fact = (label: string) => page.locator('.fact', { has: page.getByText(label, { exact: true }) });
  await fact('Received').getByText(/GB$/).waitFor();
  await fact('Sent to viewers')
    .getByText(/[GT]B$/)
    .waitFor();
  await fact('Started').locator('time').waitFor();
  await page.locator('.timeline-mark.is-splice').first().waitFor({ state: 'attached' });
  const engines = await page
    .locator('.timeline-span')
    .evaluateAll((spans: { getAttribute(name: string): string | null }[]) =>
      spans.map((span) => span.getAttribute('data-engine')),
    );
  assert.ok(engines.includes('engine-1') && engines.includes('engine-2'), String(engines));
  await page
    .locator('.chart', { hasText: /^Viewers/ })
    .getByText(/at most \d+ at/)
    .waitFor();
  await page.goto(`${stage.url}/panel/#/streams/${streamId(99)}`);
  await page.getByText('This stream is not known any more').waitFor();
});

test('the page of VPNs has each with its address, port and engines, and follows as one goes down', async (t) => {
  const page = await browser.open(t, stage.url, { place: '#/vpn' });
  const vpn = (name: string) => page.locator(`[data-vpn="${name}"]`);
  await vpn('gluetun-nl').getByText('203.0.113.7', { exact: true }).waitFor();
  await vpn('gluetun-nl').getByText('41872', { exact: true }).waitFor();
  await vpn('gluetun-nl').getByText('amsterdam', { exact: true }).waitFor();
  await vpn('gluetun-se').locator('.state').first().getByText('up').waitFor();
  assert.deepEqual(await seriousFindings(page), []);
  swedish.switches.tunnel = 'stopped';
  await vpn('gluetun-se').getByText('Gluetun says that its tunnel is not running').waitFor();
  await vpn('gluetun-nl').locator('.state').first().getByText('up').waitFor();
  await vpn('gluetun-se').locator('summary').click();
  await vpn('gluetun-se').locator('.history li').first().getByText('suspect').waitFor();
});
