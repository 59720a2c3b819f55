/** What tests of the panel ask an open page. */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import type { Page } from 'playwright-core';

const WAIT_MAX_MS = 60_000;
const LOOK_MS = 50;
const axe = createRequire(import.meta.url).resolve('axe-core/axe.min.js');

/** Resolves when an expression is true in the page: the page's own rules let nobody wait there by a text. */
export async function untilTrue(page: Page, expression: string): Promise<void> {
  const endMs = performance.now() + WAIT_MAX_MS;
  while ((await page.evaluate(expression)) !== true) {
    assert.ok(performance.now() < endMs, `this never came to be true: ${expression}`);
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  }
}

/** What axe holds to be serious or critical, each with where. */
export async function seriousFindings(page: Page): Promise<string[]> {
  if ((await page.evaluate('typeof axe')) === 'undefined') await page.evaluate(await readFile(axe, 'utf8'));
  const { violations } = Object(await page.evaluate('axe.run(document, { resultTypes: ["violations"] })'));
  return violations
    .filter(({ impact }: { impact: string }) => impact === 'serious' || impact === 'critical')
    .flatMap(({ id, nodes }: { id: string; nodes: { target: unknown; failureSummary: string }[] }) =>
      nodes.slice(0, 4).map(({ target, failureSummary }) => `${id}: ${String(target)} ${failureSummary}`),
    );
}

/** What is wider than the window, if anything. */
export function tooWide(page: Page): Promise<unknown> {
  return page.evaluate(`document.documentElement.scrollWidth <= innerWidth ? [] :
    [...document.querySelectorAll('main *')].filter((each) => each.getBoundingClientRect().right > innerWidth + 1)
      .slice(0, 5).map((each) => each.tagName + '.' + each.getAttribute('class'))`);
}

/** Into the dialog that asks for a key. */
export async function logIn(page: Page, key: string): Promise<void> {
  const dialog = page.getByRole('dialog', { name: 'A key, please' });
  await dialog.getByLabel('Key', { exact: true }).fill(key);
  await dialog.getByRole('button', { name: 'Log in' }).click();
  await dialog.waitFor({ state: 'detached' });
}
