// The panel on a slow phone: how long until something is seen, and until it is said whether all is well.
import type { Browser } from 'playwright-core';
import { untilTrue } from '../test/support/panel-page.ts';

/** Lighthouse's profile of a phone on slow 4G, which Chromium's own tools offer as well. */
export const SLOW_PHONE = {
  latencyMs: 150,
  downBitsPerSecond: 1_638_400,
  upBitsPerSecond: 768_000,
  cpuSlowdown: 4,
  screen: { width: 390, height: 844 },
} as const;
const LOADS = 7;

export interface FirstContent {
  /** Milliseconds from the navigation to the first painted text: the medians of all loads. */
  readonly first: number;
  /** To the sentence that says whether all is well. */
  readonly headline: number;
  /** Of the slowest load. */
  readonly worst: { readonly first: number; readonly headline: number };
}

/** Opens the panel again and again, each time with nothing kept from before. */
export async function measureFirstContent(browser: Browser, url: string): Promise<FirstContent> {
  const loads: { readonly first: number; readonly headline: number }[] = [];
  for (let load = 0; load < LOADS; load++) loads.push(await loadOnce(browser, url));
  const firsts = loads.map(({ first }) => first).toSorted((one, other) => one - other);
  const headlines = loads.map(({ headline }) => headline).toSorted((one, other) => one - other);
  const middle = Math.floor(LOADS / 2);
  return {
    first: firsts[middle] ?? 0,
    headline: headlines[middle] ?? 0,
    worst: { first: firsts.at(-1) ?? 0, headline: headlines.at(-1) ?? 0 },
  };
}

async function loadOnce(browser: Browser, url: string): Promise<{ first: number; headline: number }> {
  const { latencyMs, downBitsPerSecond, upBitsPerSecond, cpuSlowdown, screen } = SLOW_PHONE;
  const context = await browser.newContext({ viewport: screen, deviceScaleFactor: 2, isMobile: true });
  try {
    const page = await context.newPage();
    const session = await context.newCDPSession(page);
    // Its process for this server is there already: what starting one costs is the browser's.
    await page.goto(`${url}/health/live`);
    await session.send('Network.enable');
    await session.send('Network.emulateNetworkConditions', {
      offline: false,
      latency: latencyMs,
      downloadThroughput: downBitsPerSecond / 8,
      uploadThroughput: upBitsPerSecond / 8,
    });
    await session.send('Emulation.setCPUThrottlingRate', { rate: cpuSlowdown });
    await page.addInitScript(`new MutationObserver((_changes, observer) => {
      if (!document.querySelector('.headline h1')) return;
      observer.disconnect();
      requestAnimationFrame(() => { window.headlineAtMs = performance.now(); });
    }).observe(document, { childList: true, subtree: true });`);
    await page.goto(`${url}/panel/`, { waitUntil: 'commit' });
    await untilTrue(page, 'window.headlineAtMs !== undefined');
    const first = Number(
      await page.evaluate(`performance.getEntriesByName('first-contentful-paint')[0]?.startTime`),
    );
    return { first, headline: Number(await page.evaluate('window.headlineAtMs')) };
  } finally {
    await context.close();
  }
}
