// Builds panel/dist: `npm ci` does so by `prepare`, and `npm run build:panel` by hand.
// Plain JavaScript for the Node that runs npm (20 or newer). Where the packages that build it are left out
// (npm ci --omit=dev), there is nothing to do: acemux runs without the panel, and /panel says how to build it.
import { createRequire } from 'node:module';

const isPrepare = process.env.npm_lifecycle_event === 'prepare';

function hasVite() {
  try {
    createRequire(import.meta.url).resolve('vite/package.json');
    return true;
  } catch {
    return false;
  }
}

if (hasVite()) {
  const { build } = await import('vite');
  try {
    await build({
      configFile: new URL('../panel/vite-config.ts', import.meta.url).pathname,
      logLevel: isPrepare ? 'warn' : 'info',
    });
  } catch (error) {
    process.stderr.write(`The panel could not be built: ${String(error)}\n`);
    // The rest of acemux needs no build: an installation does not fail by this.
    if (!isPrepare) process.exitCode = 1;
  }
} else if (!isPrepare) {
  process.stderr.write('vite is not installed: npm ci, without --omit=dev, installs it.\n');
  process.exitCode = 1;
}
