import { computed, effect, signal } from '@preact/signals';
import { REASON_TABLE } from '../../../src/base/reason-table.ts';
import { get } from '../api/call.ts';
import type { Replies } from '../api/replies.ts';
import { conditionOf } from '../logic/condition.ts';
import { connection, onHappenings, overview } from './live.ts';

export type Status = Replies['GET /orchestrator/status'];

/** Whether a stream could start, and whether engines can be made. */
export const status = signal<Status | undefined>(undefined);

const REASONS: Readonly<Record<string, { readonly what: string; readonly todo: string }>> = REASON_TABLE;

/** Is it well? Undefined until acemux has spoken. */
export const condition = computed(() =>
  overview.value ? conditionOf(overview.value, status.value, reasonOf) : undefined,
);

/** The sentences of docs/reasons.md. */
export function reasonOf(code: string): { readonly what: string; readonly todo: string } | undefined {
  return Object.hasOwn(REASONS, code) ? REASONS[code] : undefined;
}

/** What the status follows from. Its subject is the fleet: viewers that come and go change nothing in it. */
const CHANGES_STATUS = /^(?:engine|health|fleet|vpn|system)\.|^stream\.(?:begun|ended|failed|started)$/;
const PAUSE_MS = 500;
let timer: ReturnType<typeof setTimeout> | undefined;

/** Asks for it now: after an act that no event tells of. */
export async function loadStatus(): Promise<void> {
  clearTimeout(timer);
  timer = undefined;
  try {
    status.value = await get('GET /orchestrator/status', '/orchestrator/status');
  } catch {
    // The connection says what is wrong with it; what was known is from before.
    status.value = undefined;
  }
}

effect(() => {
  if (connection.value === 'live') void loadStatus();
});
onHappenings((events) => {
  if (timer === undefined && events.some(({ type }) => CHANGES_STATUS.test(type))) {
    timer = setTimeout(() => void loadStatus(), PAUSE_MS);
  }
});
