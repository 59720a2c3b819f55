import type { TestEvent } from 'node:test/reporters';

const SHOWN = 15;

/** A reporter of node:test: at the end, the files whose tests took longest together, in seconds. */
export default async function* slowestFiles(source: AsyncIterable<TestEvent>): AsyncGenerator<string> {
  const seconds = new Map<string, number>();
  for await (const event of source) {
    if (event.type !== 'test:pass' && event.type !== 'test:fail') continue;
    const { file, nesting, details } = event.data;
    // What stands within another test is part of its time.
    if (file === undefined || nesting > 0) continue;
    seconds.set(file, (seconds.get(file) ?? 0) + details.duration_ms / 1000);
  }
  const slowest = [...seconds].sort(([, one], [, other]) => other - one).slice(0, SHOWN);
  yield `\nThe slowest files:\n${slowest.map(([file, took]) => `${took.toFixed(1).padStart(7)} s  ${file}\n`).join('')}`;
}
