import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import path from 'node:path';
import type { TestContext } from 'node:test';
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core';
import { findChromium } from './chromium.ts';
import { undoAfter } from './undo.ts';

/** The file of this machine's Chromium: playwright-core takes no name. */
export function findChromiumPath(): string {
  const name = findChromium();
  assert.ok(name, 'Chromium is not installed: npm test says how to');
  const folders = (process.env['PATH'] ?? '').split(path.delimiter);
  const file = folders.map((folder) => path.join(folder, name)).find((each) => existsSync(each));
  assert.ok(file);
  return file;
}

const VIEWPORT = { width: 1280, height: 800 };

/**
 * One browser for all tests of a file. Each test has a page with nothing kept from before: no cookies, no storage. What it has
 * loaded of the panel it need not load again, unless it wants a context of its own, which takes some three seconds.
 */
export class PanelBrowser {
  readonly #browser: Browser;
  /** Pages of tests that are over, emptied. */
  readonly #free: Page[] = [];

  constructor(browser: Browser) {
    this.#browser = browser;
  }

  static async start(): Promise<PanelBrowser> {
    const args = ['--no-sandbox', '--mute-audio', '--autoplay-policy=no-user-gesture-required'];
    return new PanelBrowser(await chromium.launch({ executablePath: findChromiumPath(), args }));
  }

  stop(): Promise<void> {
    return this.#browser.close();
  }

  /** Opens a page of the panel, which is left with the test: it must have said nothing wrong, and asked nobody else. */
  async open(t: TestContext, url: string, options: PageOptions = {}): Promise<Page> {
    const { place = '', names, expectedErrors = /(?!)/, script, viewport = VIEWPORT, ...context } = options;
    const isOrdinary = Object.keys(context).length === 0;
    const page =
      (isOrdinary ? this.#free.pop() : undefined) ??
      (await (await this.#browser.newContext({ viewport, ...context })).newPage());
    await page.setViewportSize(viewport ?? VIEWPORT);
    const wrong: string[] = [];
    page.on('console', (message) => {
      if (message.type() !== 'error' || expectedErrors.test(message.text())) return;
      wrong.push(`${message.text()} ${message.location().url}`);
    });
    page.on('pageerror', (error) => wrong.push(String(error)));
    const { host } = new URL(url);
    page.on('request', (request) => {
      const target = new URL(request.url());
      if (target.protocol.startsWith('http') && target.host !== host) wrong.push(`asked ${request.url()}`);
    });
    const before = [
      ...(names ? [`localStorage.setItem('acemux.names', ${JSON.stringify(JSON.stringify(names))})`] : []),
      ...(script === undefined ? [] : [script]),
    ];
    const session = await page.context().newCDPSession(page);
    // By playwright's own `addInitScript` it would be the page's for good.
    await session.send('Page.enable');
    for (const source of before) await session.send('Page.addScriptToEvaluateOnNewDocument', { source });
    undoAfter(t, async () => {
      // What runs before everything else does so for as long as this session lives.
      await session.detach();
      if (isOrdinary) await this.#empty(page, url);
      else await page.context().close();
      assert.deepEqual(wrong, []);
    });
    await page.goto(`${url}/panel/${place}`);
    return page;
  }

  /** Leaves nothing of a test in its page, for the next one. */
  async #empty(page: Page, url: string): Promise<void> {
    page.removeAllListeners();
    await page.goto('about:blank');
    await page.unrouteAll();
    await page.emulateMedia({ colorScheme: null, reducedMotion: null });
    await page.context().clearCookies();
    const session = await page.context().newCDPSession(page);
    await session.send('Storage.clearDataForOrigin', {
      origin: new URL(url).origin,
      storageTypes: 'local_storage,session_storage,indexeddb,service_workers',
    });
    await session.detach();
    this.#free.push(page);
  }
}

export interface PageOptions extends BrowserContextOptions {
  /** Behind the panel's address: `#/streams`. */
  readonly place?: string;
  /** What an earlier visit has called streams. */
  readonly names?: readonly (readonly [string, string])[];
  /** What the console may say: refused requests, where a test has some. */
  readonly expectedErrors?: RegExp;
  /** Runs in the page before everything else. */
  readonly script?: string;
}
