// How fluent the panel is with 200 streams and 1,000 viewers, beside an empty page in the same browser, and how soon a slow phone
// shows something: npm run bench:panel [-- phone]. It needs Chromium and a built panel; with `phone` only the latter.
import { chromium, type Page } from 'playwright-core';
import { findChromiumPath } from '../test/support/panel-browser.ts';
import { STREAMS, startCrowd, VIEWERS } from '../test/support/panel-crowd.ts';
import { PanelStage, streamId } from '../test/support/panel-stage.ts';
import { measureFirstContent, SLOW_PHONE } from './panel-first-content.ts';

const SECONDS = 10;
const EVENTS_PER_SECOND = 50;

interface FrameTimes {
  readonly median: number;
  readonly p95: number;
  readonly worst: number;
}

/** Milliseconds between two frames, for some seconds. */
async function frameTimes(page: Page): Promise<FrameTimes> {
  const times: unknown = await page.evaluate(`new Promise((resolve) => {
    const times = [];
    let last = performance.now();
    const end = last + ${SECONDS * 1_000};
    const frame = (now) => {
      times.push(now - last);
      last = now;
      if (now < end) requestAnimationFrame(frame);
      else resolve(times.slice(1));
    };
    requestAnimationFrame(frame);
  })`);
  const sorted = (Array.isArray(times) ? times.map(Number) : []).toSorted((one, other) => one - other);
  const at = (part: number): number =>
    sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? 0;
  return { median: at(0.5), p95: at(0.95), worst: at(1) };
}

const browser = await chromium.launch({ executablePath: findChromiumPath(), args: ['--no-sandbox'] });
const say = (text: string): void => void process.stdout.write(`${text}\n`);
try {
  if (process.argv[2] !== 'phone') await benchFrames();
  await benchPhone();
} finally {
  await browser.close();
}

async function benchFrames(): Promise<void> {
  const crowd = await startCrowd(EVENTS_PER_SECOND);
  try {
    const page = await browser.newPage({ viewport: { width: 1440, height: 900 } });
    await page.goto(`${crowd.url}/health/live`);
    const empty = await frameTimes(page);
    say(
      `${STREAMS} streams, ${VIEWERS} viewers, ${EVENTS_PER_SECOND} events a second; milliseconds between frames`,
    );
    const line = (name: string, { median, p95, worst }: FrameTimes): void =>
      say(
        `${name.padEnd(12)} median ${median.toFixed(1)}  95 % ${p95.toFixed(1)}  worst ${worst.toFixed(1)}  ratio of the medians ${(median / empty.median).toFixed(2)}`,
      );
    line('empty page', empty);
    for (const place of ['overview', 'streams', 'engines', 'events']) {
      await page.goto(`${crowd.url}/panel/#/${place}`);
      await page.locator('h1').first().waitFor();
      await page.waitForTimeout(3_000);
      line(place, await frameTimes(page));
    }
    await page.close();
  } finally {
    await crowd.stop();
  }
}

/** A usual house: four engines, six streams, twelve viewers. */
async function benchPhone(): Promise<void> {
  const stage = await PanelStage.start({
    engines: ['north', 'south', 'east', 'west'].map((name) => ({ name })),
  });
  try {
    for (let stream = 0; stream < 6; stream++) await stage.watch(streamId(stream), 2);
    const { latencyMs, downBitsPerSecond, cpuSlowdown } = SLOW_PHONE;
    const { first, headline, worst } = await measureFirstContent(browser, stage.url);
    say(
      `slow phone: ${latencyMs} ms, ${(downBitsPerSecond / 1e6).toFixed(1)} Mbit/s, CPU ${cpuSlowdown} times slower; milliseconds`,
    );
    say(
      `first content ${first.toFixed(0)} (worst ${worst.first.toFixed(0)})  whether all is well ${headline.toFixed(0)} (worst ${worst.headline.toFixed(0)})`,
    );
  } finally {
    await stage.stop();
  }
}
