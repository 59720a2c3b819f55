// Which of its two forms acemux runs in. Plain JavaScript, as the launcher is.
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';

/**
 * The file to start, and whether it still has its types: what `npm ci` made of the sources (`dist/`), or the sources
 * themselves where there is no such thing or one of them was changed since. Node runs both; the sources take longer to
 * start, and 12 MB more.
 *
 * @param {string} root the installation's folder
 * @returns {{ file: string, isSource: boolean }}
 */
export function entryPoint(root) {
  const built = join(root, 'dist', 'main.js');
  const builtAtMs = changedAtMs(join(root, 'dist', BUILT_MARK));
  const isBuilt = builtAtMs !== undefined && !hasNewerSource(join(root, 'src'), builtAtMs);
  return isBuilt ? { file: built, isSource: false } : { file: join(root, 'src', 'main.ts'), isSource: true };
}

/** A file in `dist/` that was last changed when the build began which made the rest. */
export const BUILT_MARK = 'built';

function hasNewerSource(folder, builtAtMs) {
  let names;
  try {
    names = readdirSync(folder, { recursive: true });
  } catch (error) {
    // An installation may have come without them.
    if (error.code === 'ENOENT') return false;
    throw error;
  }
  return names.some((name) => isSource(name) && (changedAtMs(join(folder, name)) ?? 0) > builtAtMs);
}

function isSource(name) {
  return name.endsWith('.ts') && !name.endsWith('.test.ts');
}

function changedAtMs(file) {
  return statSync(file, { throwIfNoEntry: false })?.mtimeMs;
}
