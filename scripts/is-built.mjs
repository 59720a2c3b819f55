// Ends with 0 where dist/ and panel/dist are there, the former of these sources; for the Dockerfile.
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { entryPoint } from '../bin/entry-point.mjs';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const isBuilt = !entryPoint(root).isSource && existsSync(join(root, 'panel', 'dist', 'index.html'));
process.exitCode = isBuilt ? 0 : 1;
