import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { findChromium } from './chromium.ts';

/** The file of this machine's Chromium: playwright-core takes no name. */
export function findChromiumPath(): string {
  const name = findChromium();
  assert.ok(name, 'Chromium is not installed: npm test says how to');
  const folders = (process.env['PATH'] ?? '').split(path.delimiter);
  const file = folders.map((folder) => path.join(folder, name)).find((each) => existsSync(each));
  assert.ok(file);
  return file;
}
