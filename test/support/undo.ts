import type { TestContext } from 'node:test';

const stacks = new WeakMap<TestContext, AsyncDisposableStack>();

/**
 * What a test has to undo, in reverse: `t.after` alone would begin with what was made first, on which the rest stands.
 * All of it is done, whatever fails.
 */
export function undoAfter(t: TestContext, undo: () => unknown): void {
  const known = stacks.get(t);
  const stack = known ?? new AsyncDisposableStack();
  if (!known) {
    stacks.set(t, stack);
    t.after(() => stack.disposeAsync());
  }
  stack.defer(async () => {
    await undo();
  });
}
