import { spawnSync } from 'node:child_process';
import type { TestEvent } from 'node:test/reporters';

const SHOWN = 15;

/**
 * A reporter of node:test: at the end, the files whose tests took longest together, in seconds; and what was skipped. Where
 * nothing need be missing that fails the run: nobody would ever see it otherwise, in CI above all.
 */
export default async function* runSummary(source: AsyncIterable<TestEvent>): AsyncGenerator<string> {
  const seconds = new Map<string, number>();
  const skipped: string[] = [];
  for await (const event of source) {
    if (event.type !== 'test:pass' && event.type !== 'test:fail') continue;
    const { file, name, nesting, details, skip } = event.data;
    if (skip !== undefined && skip !== false) skipped.push(`${file ?? ''}: ${name} (${skip})`);
    // What stands within another test is part of its time.
    if (file === undefined || nesting > 0) continue;
    seconds.set(file, (seconds.get(file) ?? 0) + details.duration_ms / 1000);
  }
  const slowest = [...seconds].sort(([, one], [, other]) => other - one).slice(0, SHOWN);
  yield `\nThe slowest files:\n${slowest.map(([file, took]) => `${took.toFixed(1).padStart(7)} s  ${file}\n`).join('')}`;
  if (skipped.length === 0 || !canInstallAll()) return;
  process.exitCode = 1;
  yield `\nSkipped, which fails the run where root can install what is missing:\n${skipped.join('\n')}\n`;
}

/** Whether `npm test` brings along all that the tests need, as in CI: root on Debian or one like it. */
function canInstallAll(): boolean {
  return process.getuid?.() === 0 && spawnSync('apt-get', ['--version']).error === undefined;
}
