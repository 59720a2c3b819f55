// Pictures of the panel, made of a running acemux with simulated engines, VPNs and a day of history:
// node scripts/panel-screenshots.ts FOLDER [readme]. With `readme`, only the two of the README, into docs/images.
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { chromium } from 'playwright-core';
import { SimulatedGluetun } from '../src/simulator/gluetun/simulated-gluetun.ts';
import { findChromiumPath } from '../test/support/panel-browser.ts';
import { STUTTER_BEFORE_MS, writeDay } from '../test/support/panel-day.ts';
import { logIn } from '../test/support/panel-page.ts';
import { listedVpn, PanelStage, streamId } from '../test/support/panel-stage.ts';

const [folder = 'screenshots', what = 'all'] = process.argv.slice(2);
const SIZES = { wide: { width: 1440, height: 900 }, phone: { width: 390, height: 844 } } as const;
const VIEWERS = [9, 5, 4, 2, 2, 1];
const NAMES = ['Arena Sport 1', 'News 24', 'Eleven HD', 'Cinema Classics', 'Regional South', 'Test card'];
const KEY = 'the-admin-key-of-these-pictures';

const beganMs = Date.now();
const dutch = new SimulatedGluetun({ ports: [41_872], publicIp: '203.0.113.7', country: 'Netherlands' });
const swedish = new SimulatedGluetun({ ports: [52_110], publicIp: '198.51.100.23', country: 'Sweden' });
const vpns = [listedVpn('gluetun-nl', await dutch.start()), listedVpn('gluetun-se', await swedish.start())];
const stage = await PanelStage.start({
  engines: [
    { name: 'amsterdam-1', vpn: 'gluetun-nl', forwarded: true },
    { name: 'amsterdam-2', vpn: 'gluetun-nl' },
    { name: 'stockholm-1', vpn: 'gluetun-se', forwarded: true },
    { name: 'stockholm-2', vpn: 'gluetun-se' },
  ],
  ...(what !== 'readme' && { made: { count: 1, max: 4 } }),
  prepare: (dataDir) => writeDay(dataDir, { streams: [0, 1, 2].map(streamId), endMs: beganMs }),
  config: (config) => ({
    ...config,
    access: { ...config.access, apiKey: KEY },
    vpn: { ...config.vpn, list: vpns },
  }),
});
const empty = await PanelStage.start({ engines: [] });
const browser = await chromium.launch({ executablePath: findChromiumPath(), args: ['--no-sandbox'] });
try {
  await mkdir(folder, { recursive: true });
  for (const [index, count] of VIEWERS.entries()) await stage.watch(streamId(index), count);
  const page = await browser.newPage({ viewport: SIZES.wide, deviceScaleFactor: 1 });
  const names = JSON.stringify(VIEWERS.map((_, index) => [streamId(index), NAMES[index]]));
  await page.addInitScript(`localStorage.setItem('acemux.names', ${JSON.stringify(names)})`);
  const go = async (place: string, ms = 1_000): Promise<void> => {
    await page.goto(`${stage.url}/panel/#/${place}`);
    await page.waitForTimeout(ms);
  };
  await go('overview');
  await page.getByText('All well').waitFor();
  await page.waitForTimeout(what === 'readme' ? 18_000 : 9_000);
  if (what !== 'readme') await shoot('overview-well');
  const { sessionId, engine } = stage.sessionOf(streamId(0));
  await go(`streams/${sessionId}`);
  stage.kill(Number(engine.at(-1)) - 1);
  await page.locator('.timeline-mark.is-splice').first().waitFor();
  await stage.watch(streamId(0), 2);
  await page.waitForTimeout(what === 'readme' ? 10_000 : 6_000);
  await page.locator('.timeline-mark.is-splice .timeline-touch').first().hover({ force: true });
  if (what === 'readme') {
    await page.emulateMedia({ colorScheme: 'dark' });
    await page.screenshot({ path: join(folder, 'panel-stream.png'), animations: 'disabled' });
    await page.emulateMedia({ colorScheme: 'light' });
    await go('overview', 1_500);
    await page.screenshot({ path: join(folder, 'panel-overview.png'), animations: 'disabled' });
  } else {
    await shoot('stream');
    await page.locator('.player-start').click();
    await page.waitForTimeout(4_000);
    await shoot('stream-playing', ['wide']);
    await go('keys');
    await page.locator('#main').getByRole('button', { name: 'Log in' }).click();
    await shoot('login');
    await logIn(page, KEY);
    for (const place of ['engines', 'engines/engine-1', 'vpn', 'events', 'settings', 'keys', 'about']) {
      await go(place);
      await shoot(place.replace('/', '-'));
    }
    await go('streams');
    await shoot('streams');
    await go(`play/id/${streamId(1)}`, 4_000);
    await shoot('play');
    await go('engines');
    await page.getByLabel('Engines made, at least').fill('4');
    await page.getByRole('button', { name: 'Change' }).click();
    await shoot('confirm');
    await page.getByRole('dialog').getByRole('button', { name: 'Change' }).click();
    swedish.switches.tunnel = 'stopped';
    await page.waitForTimeout(3_000);
    await go('overview');
    await page.locator('.ask input[type=time]').fill(clockText(beganMs - STUTTER_BEFORE_MS));
    await page.getByRole('button', { name: 'Look' }).click();
    await page.locator('.verdict').waitFor();
    await shoot('overview');
    await go('vpn', 2_000);
    await shoot('vpn-ill');
    await page.goto(`${empty.url}/panel/`);
    await page.waitForTimeout(1_000);
    await shoot('first-run');
  }
  async function shoot(
    name: string,
    sizes: readonly (keyof typeof SIZES)[] = ['wide', 'phone'],
  ): Promise<void> {
    for (const size of sizes) {
      await page.setViewportSize(SIZES[size]);
      for (const scheme of ['light', 'dark'] as const) {
        await page.emulateMedia({ colorScheme: scheme });
        await page.evaluate('scrollTo(0, 0)');
        await page.waitForTimeout(250);
        await page.screenshot({
          path: join(folder, `${name}-${size}-${scheme}.png`),
          animations: 'disabled',
          fullPage: true,
        });
      }
    }
    await page.setViewportSize(SIZES.wide);
  }
} finally {
  await browser.close();
  await Promise.all([stage.stop(), empty.stop(), dutch.stop(), swedish.stop()]);
}

/** As a field for times wants it. */
function clockText(ms: number): string {
  return new Date(ms).toLocaleTimeString('en-GB');
}
