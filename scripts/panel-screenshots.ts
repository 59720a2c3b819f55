// Pictures of the panel, made of a running acemux with simulated engines: node scripts/panel-screenshots.ts FOLDER [readme]
// With `readme`, only the two of the README, into docs/images.
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { chromium } from 'playwright-core';
import { findChromiumPath } from '../test/support/panel-browser.ts';
import { PanelStage, streamId } from '../test/support/panel-stage.ts';

const [folder = 'screenshots', what = 'all'] = process.argv.slice(2);
const SIZES = { wide: { width: 1440, height: 900 }, phone: { width: 390, height: 844 } } as const;
const VIEWERS = [9, 5, 4, 2, 2, 1];
const NAMES = ['Arena Sport 1', 'News 24', 'Eleven HD', 'Cinema Classics', 'Regional South', 'Test card'];

const stage = await PanelStage.start({
  engines: [
    { name: 'amsterdam-1', vpn: 'gluetun-nl', forwarded: true },
    { name: 'amsterdam-2', vpn: 'gluetun-nl' },
    { name: 'stockholm-1', vpn: 'gluetun-se', forwarded: true },
    { name: 'stockholm-2', vpn: 'gluetun-se' },
  ],
});
const browser = await chromium.launch({ executablePath: findChromiumPath(), args: ['--no-sandbox'] });
try {
  await mkdir(folder, { recursive: true });
  for (const [index, count] of VIEWERS.entries()) await stage.watch(streamId(index), count);
  const page = await browser.newPage({ viewport: SIZES.wide, deviceScaleFactor: 1 });
  const names = JSON.stringify(VIEWERS.map((_, index) => [streamId(index), NAMES[index]]));
  await page.addInitScript(`localStorage.setItem('acemux.names', ${JSON.stringify(names)})`);
  await page.goto(`${stage.url}/panel/`);
  await page.getByText('All well').waitFor();
  await page.waitForTimeout(what === 'readme' ? 18_000 : 9_000);
  const first = stage.app.sessions.list().find(({ streamId: id }) => id === streamId(0));
  const engine = Number(first?.engine?.id.at(-1) ?? 1) - 1;
  if (what !== 'readme') await shoot('overview-well');
  await page.goto(`${stage.url}/panel/#/streams/${first?.sessionId}`);
  stage.kill(engine);
  await page.locator('.timeline-mark.is-splice').first().waitFor();
  await stage.watch(streamId(0), 2);
  await page.waitForTimeout(what === 'readme' ? 10_000 : 6_000);
  await page.locator('.timeline-mark.is-splice .timeline-touch').first().hover({ force: true });
  if (what === 'readme') {
    await page.emulateMedia({ colorScheme: 'dark' });
    await page.screenshot({ path: join(folder, 'panel-stream.png'), animations: 'disabled' });
    await page.emulateMedia({ colorScheme: 'light' });
    await page.goto(`${stage.url}/panel/#/overview`);
    await page.waitForTimeout(1_500);
    await page.screenshot({ path: join(folder, 'panel-overview.png'), animations: 'disabled' });
  } else {
    await shoot('stream');
    await page.locator('.player-start').click();
    await page.waitForTimeout(4_000);
    await shoot('stream-playing', ['wide']);
    for (const name of [
      'overview',
      'streams',
      'engines',
      'engines/engine-1',
      'vpn',
      'events',
      'settings',
      'keys',
      'about',
    ]) {
      await page.goto(`${stage.url}/panel/#/${name}`);
      await page.waitForTimeout(1_200);
      await shoot(name.replace('/', '-'));
    }
    await page.goto(`${stage.url}/panel/#/engines`);
    await page.getByRole('button', { name: 'Drain' }).first().click();
    await page.waitForTimeout(300);
    await shoot('confirm', ['wide']);
  }
  async function shoot(
    name: string,
    sizes: readonly (keyof typeof SIZES)[] = ['wide', 'phone'],
  ): Promise<void> {
    for (const size of sizes) {
      await page.setViewportSize(SIZES[size]);
      for (const scheme of ['light', 'dark'] as const) {
        await page.emulateMedia({ colorScheme: scheme });
        await page.waitForTimeout(250);
        await page.screenshot({
          path: join(folder, `${name}-${size}-${scheme}.png`),
          animations: 'disabled',
        });
      }
    }
    await page.setViewportSize(SIZES.wide);
  }
} finally {
  await browser.close();
  await stage.stop();
}
