import { stringify } from 'yaml';
import { valueIn } from './combinations.ts';
import { declaredKeys, sectionNames } from './config.ts';
import type { LoadedConfig } from './load.ts';

const MASK = '********';

/** The configuration in force as YAML, each value with its origin in a comment; secrets are masked. */
export function effectiveConfig({ config, origins }: Pick<LoadedConfig, 'config' | 'origins'>): string {
  const sections = sectionNames().map((section) => {
    const lines = declaredKeys()
      .filter((declared) => declared.section === section)
      .map(({ key, path }) => {
        const value = valueIn(config, path);
        const plain = value === undefined ? null : key.type.print(value);
        const isEmpty = plain === null || (Array.isArray(plain) && plain.length === 0);
        const shown = yamlValue(key.secret && !isEmpty ? MASK : plain);
        const setting = `  ${key.yaml}: ${shown}`.padEnd(ORIGIN_COLUMN);
        return `${setting} # ${origins.get(path)?.text ?? 'default'}`;
      });
    return `${section}:\n${lines.join('\n')}\n`;
  });
  return sections.join('\n');
}

const ORIGIN_COLUMN = 46;

/** A value as YAML on one line. */
export function yamlValue(value: unknown): string {
  return stringify(value, { collectionStyle: 'flow', lineWidth: 0 }).trim();
}
