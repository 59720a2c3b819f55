/** An open page in front of 200 streams and 1,000 viewers holds as much after ten minutes as after two. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { CDPSession } from 'playwright-core';
import { PanelBrowser } from '../support/panel-browser.ts';
import { startCrowd } from '../support/panel-crowd.ts';
import { undoAfter } from '../support/undo.ts';

const LONG = process.env['LONG_TESTS'] === '1';
const EVENTS_PER_SECOND = 40;
const MINUTE_MS = 60_000;
const GROWTH_MAX = 1.15;

async function heapBytes(session: CDPSession): Promise<number> {
  await session.send('HeapProfiler.collectGarbage');
  const { usedSize } = await session.send('Runtime.getHeapUsage');
  return usedSize;
}

test('the heap of an open page is flat over ten minutes of updates', {
  skip: !LONG && 'takes ten minutes',
}, async (t) => {
  const crowd = await startCrowd(EVENTS_PER_SECOND);
  undoAfter(t, () => crowd.stop());
  const browser = await PanelBrowser.start();
  undoAfter(t, () => browser.stop());
  const page = await browser.open(t, crowd.url);
  await page.locator('h1').waitFor();
  const session = await page.context().newCDPSession(page);
  // By then all that is bounded is full: the newest 2,000 events, and half of the half hour of points.
  await page.waitForTimeout(2 * MINUTE_MS);
  const early = await heapBytes(session);
  for (const place of ['streams', 'engines', 'events', 'overview']) {
    await page.goto(`${crowd.url}/panel/#/${place}`);
    await page.waitForTimeout(2 * MINUTE_MS);
  }
  const late = await heapBytes(session);
  t.diagnostic(`${(early / 1e6).toFixed(1)} MB after two minutes, ${(late / 1e6).toFixed(1)} MB after ten`);
  assert.ok(late < early * GROWTH_MAX, `${early} then ${late} bytes`);
});
