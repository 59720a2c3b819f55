/** An open page in front of 200 streams and 1,000 viewers: what it holds does not grow; for ten minutes in the long run. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { CDPSession } from 'playwright-core';
import { PanelBrowser } from '../support/panel-browser.ts';
import { startCrowd } from '../support/panel-crowd.ts';
import { undoAfter } from '../support/undo.ts';

const LONG = process.env['LONG_TESTS'] === '1';
/** How long each page stays open, and how fast the 2,000 events are there that the panel keeps at most. */
const { stayMs, eventsPerSecond } = LONG
  ? { stayMs: 38_000, eventsPerSecond: 100 }
  : { stayMs: 300, eventsPerSecond: 1_000 };
const PAGES = ['streams', 'engines', 'events', 'overview'];
/** In seconds the least of few rounds is no exact figure yet; all events kept would be some megabytes of six. */
const GROWTH_MAX = LONG ? 1.15 : 1.5;

async function heapBytes(session: CDPSession): Promise<number> {
  await session.send('HeapProfiler.collectGarbage');
  const { usedSize } = await session.send('Runtime.getHeapUsage');
  return usedSize;
}

test('the heap of an open page is flat, whatever of it is looked at and however much happens', async (t) => {
  const crowd = await startCrowd(eventsPerSecond);
  undoAfter(t, () => crowd.stop());
  const browser = await PanelBrowser.start();
  undoAfter(t, () => browser.stop());
  // This server has no history to tell of.
  const page = await browser.open(t, crowd.url, { expectedErrors: /status of 503/ });
  await page.locator('h1').waitFor();
  const session = await page.context().newCDPSession(page);
  /** The least of several rounds: what has just been made and not been given back yet is no growth. */
  const heldAfter = async (rounds: number): Promise<number> => {
    const held: number[] = [];
    for (let round = 0; round < rounds; round++) {
      for (const place of PAGES) {
        await page.goto(`${crowd.url}/panel/#/${place}`);
        await page.waitForTimeout(stayMs);
      }
      held.push(await heapBytes(session));
    }
    return Math.min(...held);
  };
  // What is made once is made now, and all that is bounded fills.
  const early = await heldAfter(2);
  const late = await heldAfter(2);
  t.diagnostic(`${(early / 1e6).toFixed(1)} MB, then ${(late / 1e6).toFixed(1)} MB`);
  assert.ok(late < early * GROWTH_MAX, `${early} then ${late} bytes`);
});
