import type { DatabaseState } from './resilient-database.ts';
import type { Row, Statement, WrittenTo } from './statement.ts';

/** What the thread is made with. */
export interface ThreadData {
  readonly file: string;
  readonly memoryBytesMax: number;
}

/** What the thread is told: each message is a list of these, in order. */
export type Request =
  | { readonly kind: 'write'; readonly id: number; readonly statements: readonly Statement[] }
  | { readonly kind: 'read'; readonly id: number; readonly statement: Statement }
  | { readonly kind: 'size'; readonly id: number }
  | { readonly kind: 'shrink' }
  | { readonly kind: 'close' };

/** What the thread tells: each message is a list of these, in order. */
export type Answer =
  | { readonly kind: 'state'; readonly state: DatabaseState; readonly isReloaded: boolean }
  | { readonly kind: 'written'; readonly id: number; readonly to: WrittenTo }
  | { readonly kind: 'mistaken'; readonly id: number; readonly detail: string }
  | { readonly kind: 'rows'; readonly id: number; readonly rows: readonly Row[] }
  | { readonly kind: 'failed'; readonly id: number; readonly detail: string };
