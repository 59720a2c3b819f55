import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const ROOT = join(import.meta.dirname, '..', '..');

/** A test's title as it stands in its file: what a template fills in is `…`. */
export interface NamedTest {
  /** From the root. */
  readonly file: string;
  readonly title: string;
}

/** Every test and describe of the repository whose title stands in its call. */
export function namedTests(): readonly NamedTest[] {
  return globSync('{src,test}/**/*.test.ts', { cwd: ROOT }).flatMap(titlesOf);
}

function titlesOf(file: string): NamedTest[] {
  const source = readFileSync(join(ROOT, file), 'utf8');
  const calls = /\b(?:test|describe)\(\s*(?:'((?:[^'\\\n]|\\.)*)'|`((?:[^`\\]|\\.)*)`)/g;
  return [...source.matchAll(calls)].map(([, plain, template]) => {
    const title = (plain ?? template ?? '').replaceAll(/\\(.)/g, '$1');
    return { file, title: title.replaceAll(/\$\{[^}]*\}/g, '…') };
  });
}
