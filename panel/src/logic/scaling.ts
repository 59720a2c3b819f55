import type { Replies } from '../api/replies.ts';
import { texts } from '../texts.ts';
import { isActive, isUsable } from './condition.ts';
import { counted, formatDuration } from './format.ts';

type Overview = Replies['GET /overview'];
type Status = Replies['GET /orchestrator/status'];

/** Whether there is something that makes engines: it may be at its limit, or pausing, and can be told how many all the same. */
export function canScale({
  can_provision: canMake,
  blocked_reason_details: block,
}: Status['provisioning']): boolean {
  return canMake || (block !== null && block.reason !== 'provider_fixed');
}

/** What comes of asking for at least so many engines: which are made or may go, and what those who watch feel of it. */
export function scalingConsequence(count: number, overview: Overview, status: Status): string {
  const { confirm } = texts;
  // Engines that are given are no part of what is made or goes; those under way are in no list yet.
  const made = overview.engines.filter(({ provider }) => provider !== 'static');
  const givenStarting = overview.engines.filter(
    ({ provider, state }) => provider === 'static' && state === 'starting',
  ).length;
  const there = made.filter(isUsable).length + status.engines.starting - givenStarting;
  const busy = made.filter(({ stream_count }) => stream_count > 0).length;
  const missing = count - there;
  const spare = there - Math.max(count, busy);
  const { auto_delete: removes, grace_period_s: graceSeconds } = status.config;
  const viewers = overview.streams.filter(isActive).reduce((sum, each) => sum + each.client_count, 0);
  const engines =
    missing > 0
      ? confirm.scaleUp(counted(missing, 'engine is', 'engines are'))
      : spare > 0 && removes
        ? confirm.scaleDown(formatDuration(graceSeconds))
        : confirm.scaleSame;
  const felt =
    viewers === 0
      ? confirm.scaleNobody
      : confirm.scaleViewers(counted(viewers, 'viewer stays', 'viewers stay'));
  return [count === 0 ? confirm.scaleDemand : '', engines, felt, confirm.scaleUntil]
    .filter(Boolean)
    .join(' ');
}
