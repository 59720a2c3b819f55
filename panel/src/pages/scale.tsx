import type { Replies } from '../api/replies.ts';
import { counted } from '../logic/format.ts';
import { canScale, scalingConsequence } from '../logic/scaling.ts';
import { perform, question } from '../store/acts.ts';
import { loadStatus, status } from '../store/condition.ts';
import { overview } from '../store/live.ts';
import { showsActs } from '../store/me.ts';
import { texts } from '../texts.ts';

/** How many engines there are to be at least. Where all are given there is nothing to choose. */
export function Scale() {
  const known = status.value;
  if (!known || !showsActs.value || !canScale(known.provisioning)) return null;
  const { max_replicas: max, min_replicas: min } = known.capacity;
  const ask = (event: SubmitEvent): void => {
    event.preventDefault();
    const form = event.currentTarget;
    const seen = overview.value;
    if (!(form instanceof HTMLFormElement) || !seen) return;
    const count = Number(new FormData(form).get('count'));
    question.value = {
      title: texts.confirm.scaleTitle(counted(count, 'engine')),
      consequence: scalingConsequence(count, seen, known),
      action: texts.engines.scaleNow,
      isDangerous: false,
      run: async () => {
        await perform('POST', `/scale/${count}`, scaledText);
        await loadStatus();
      },
    };
  };
  return (
    <form class="scale" onSubmit={ask}>
      <label>
        <span>{texts.engines.scale}</span>
        <input
          // Another minimum, by whoever: what was typed before is no answer to it.
          key={min}
          name="count"
          type="number"
          min={0}
          max={max}
          step={1}
          required
          defaultValue={String(min)}
          title={texts.engines.scaleBounds(max)}
        />
      </label>
      <button type="submit" class="button">
        {texts.engines.scaleNow}
      </button>
    </form>
  );
}

/** What has become of it: acemux keeps to its own bounds. */
function scaledText(reply: unknown): string {
  const { scaled_to: count, requested } = reply as Replies['POST /scale/{n}'];
  const { scaled, scaledOnly } = texts.done;
  return count < requested ? scaledOnly(counted(count, 'engine')) : scaled(counted(count, 'engine'));
}
