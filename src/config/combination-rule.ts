import type { Config } from './config.ts';

/** Values that are right alone and wrong together. */
export interface CombinationRule {
  /** The keys, by YAML path, whose values it looks at. */
  readonly paths: readonly string[];
  readonly grade: 'error' | 'warning';
  broken(config: Config): boolean;
  readonly what: string;
}
