import { REASONS, type Reason } from './reasons.ts';

/** docs/reasons.md: every reason under a heading of its own. */
export function reasonsPage(): string {
  const entries = Object.entries<Reason>(REASONS).map(([code, reason]) => {
    return `## ${code}\n\n${reason.what}\n\n- What to do: ${reason.todo}\n- Seen as: ${seenAs(reason)}\n`;
  });
  return `${HEAD}\n${entries.join('\n')}`;
}

const HEAD = `<!-- Written by \`npm run docs\` from src/base/reason-table.ts: change it there. -->

# Reasons

Whenever acemux refuses, gives up or ends something, it says why with one of these words: the same in the reply
(\`code\`), the log, the events (\`reason\`) and the metrics.
`;

function seenAs(reason: Reason): string {
  if (reason.status === undefined) return 'no reply; in the log and in the metrics.';
  const retry =
    reason.retryAfterSeconds === undefined ? '' : `, \`Retry-After: ${reason.retryAfterSeconds}\``;
  return `HTTP ${reason.status}${retry}.`;
}
