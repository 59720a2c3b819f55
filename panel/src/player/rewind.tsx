import { formatDuration } from '../logic/format.ts';
import { isAtLive, isRewindable, type PlayableRange, positionAfter } from '../logic/rewind.ts';
import { texts } from '../texts.ts';

const STEP_SECONDS = 30;

interface RewindProps {
  readonly range: PlayableRange | undefined;
  readonly position: number;
  readonly onSeek: (seconds: number) => void;
}

/** Back, on, and to what is live; nothing where there is no past to go back to. */
export function Rewind({ range, position, onSeek }: RewindProps) {
  if (!range || !isRewindable(range)) return null;
  const { rewind } = texts.player;
  const isLive = isAtLive(position, range);
  return (
    <div class="actions" role="group" aria-label={rewind.label}>
      <button
        type="button"
        class="button is-small"
        onClick={() => onSeek(positionAfter(position, -STEP_SECONDS, range))}
      >
        {rewind.back(STEP_SECONDS)}
      </button>
      <button
        type="button"
        class="button is-small"
        disabled={isLive}
        onClick={() => onSeek(positionAfter(position, STEP_SECONDS, range))}
      >
        {rewind.on(STEP_SECONDS)}
      </button>
      <button
        type="button"
        class="button is-small"
        disabled={isLive}
        onClick={() => onSeek(range.liveSeconds)}
      >
        {rewind.live}
      </button>
      <span class="faint">{rewind.reach(formatDuration(range.liveSeconds - range.fromSeconds))}</span>
    </div>
  );
}
