// Writes the pages and files that are made from the code: `npm run docs`.
// With --check it writes nothing and exits 1 if one of them differs.

import { readFileSync, writeFileSync } from 'node:fs';
import { generatedFiles } from './generated-files.ts';

const check = process.argv.includes('--check');
for (const { name, text } of generatedFiles()) {
  const path = new URL(`../${name}`, import.meta.url);
  let current: string | undefined;
  try {
    current = readFileSync(path, 'utf8');
  } catch {
    // Not there yet: as good as different.
  }
  if (current === text) continue;
  if (check) {
    process.stderr.write(`${name} differs from the code; run: npm run docs\n`);
    process.exitCode = 1;
  } else {
    writeFileSync(path, text);
    process.stdout.write(`wrote ${name}\n`);
  }
}
