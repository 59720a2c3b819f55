/** The files of this repository, and what they import: for the tests of its rules about itself. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';

export const ROOT = join(import.meta.dirname, '../..');
const IGNORED_FOLDERS = new Set(['.git', 'node_modules', 'data', 'coverage', 'dist']);

export interface Import {
  readonly from: string;
  /** A path from the root, or the name of a package. */
  readonly target: string;
  readonly typesOnly: boolean;
  /** Whether it is a file of this repository, not a package. */
  readonly isLocal: boolean;
}

export const files = listFiles('');
export const sources = files.filter((file) => /^src\/.*\.ts$/.test(file));
export const products = sources.filter((file) => !file.endsWith('.test.ts'));
export const imports = files.filter((file) => /\.(ts|mjs)$/.test(file)).flatMap(importsOf);

export function assertNone(wrong: readonly string[], advice: string): void {
  const list = wrong.map((each) => `  ${each}`).join('\n');
  assert.ok(wrong.length === 0, `${wrong.length} broke the rule:\n${list}\n${advice}`);
}

function listFiles(folder: string): string[] {
  return readdirSync(join(ROOT, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = folder === '' ? entry.name : `${folder}/${entry.name}`;
    if (entry.isDirectory()) return IGNORED_FOLDERS.has(entry.name) ? [] : listFiles(path);
    return entry.isFile() && !entry.name.endsWith('.log') ? [path] : [];
  });
}

export function read(file: string): string {
  return readFileSync(join(ROOT, file), 'utf8');
}

/** The code without its comments and the contents of its texts; lines stay where they are. */
export function codeOnly(source: string): string {
  const marks = /\/\*[\s\S]*?\*\/|(?<![:\\])\/\/[^\n]*|'(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*"/g;
  return source.replace(marks, (text) => (/^['"]/.test(text) ? "''" : text.replace(/[^\n]/g, '')));
}

export function linesOf(
  among: readonly string[],
  pattern: RegExp,
  view: (source: string) => string = (s) => s,
): string[] {
  return among.flatMap((file) =>
    view(read(file))
      .split('\n')
      .flatMap((line, index) =>
        pattern.test(line) ? [`${file}:${index + 1}: ${line.trim().slice(0, 120)}`] : [],
      ),
  );
}

function importsOf(file: string): Import[] {
  const source = read(file).replace(/\/\*[\s\S]*?\*\//g, '');
  const statement =
    /(?:^|\n)\s*(?:import|export)\s+(type\b)?[^'"`;]*?\bfrom\s*['"]([^'"]+)['"]|(?:^|\n)import\s*()['"]([^'"]+)['"]|\bimport\(\s*()['"]([^'"]+)['"]/g;
  return [...source.matchAll(statement)].map((match) => {
    const written = match[2] ?? match[4] ?? match[6] ?? '';
    const target = written.startsWith('.') ? normalize(join(dirname(file), written)) : written;
    return { from: file, target, typesOnly: match[1] !== undefined, isLocal: written.startsWith('.') };
  });
}
