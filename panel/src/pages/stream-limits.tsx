import { useSignal } from '@preact/signals';
import type { Replies } from '../api/replies.ts';
import { perform } from '../store/acts.ts';
import { texts } from '../texts.ts';

type Session = Replies['GET /proxy/sessions/{id}'];

const MIB = 1024 * 1024;

/** What holds for one stream until its session ends. */
export function StreamLimits({
  id,
  session,
  onChanged,
}: {
  readonly id: string;
  readonly session: Session;
  readonly onChanged: () => void;
}) {
  const isBusy = useSignal(false);
  const { settings, timeshift } = session;
  if (!settings) return null;
  const save = async (event: SubmitEvent): Promise<void> => {
    event.preventDefault();
    const form = event.currentTarget;
    if (!(form instanceof HTMLFormElement)) return;
    const given = new FormData(form);
    const wanted: Record<string, number | string> = {
      buffer_seconds: Number(given.get('buffer_seconds')),
      buffer_size_bytes: Math.round(Number(given.get('buffer_size')) * MIB),
      prebuffer_seconds: Number(given.get('prebuffer_seconds')),
      standby: String(given.get('standby')),
      timeshift_seconds: Math.round(Number(given.get('timeshift_minutes')) * 60),
    };
    const before: Record<string, number | string> = {
      ...settings,
      timeshift_seconds: timeshift?.window_seconds ?? 0,
    };
    const changes = Object.fromEntries(
      Object.entries(wanted).filter(([name, value]) => value !== before[name]),
    );
    if (Object.keys(changes).length === 0) return;
    isBusy.value = true;
    await perform('PATCH', `/streams/${encodeURIComponent(id)}`, texts.settings.saved, changes);
    isBusy.value = false;
    onChanged();
  };
  const { limits } = texts;
  return (
    // What one types stays, however often the page asks again; only limits that are others now begin it anew.
    <form
      key={JSON.stringify([settings, timeshift?.window_seconds])}
      class="limits"
      onSubmit={(event) => void save(event)}
    >
      <Amount label={limits.buffer} name="buffer_seconds" min={2} max={600} value={settings.buffer_seconds} />
      <Amount
        label={limits.size}
        name="buffer_size"
        min={2}
        max={4096}
        value={Math.round((100 * settings.buffer_size_bytes) / MIB) / 100}
      />
      <Amount
        label={limits.prebuffer}
        name="prebuffer_seconds"
        min={0}
        max={600}
        value={settings.prebuffer_seconds}
      />
      <Amount
        label={limits.timeshift}
        name="timeshift_minutes"
        min={0}
        max={10_080}
        value={(timeshift?.window_seconds ?? 0) / 60}
      />
      <label class="field">
        <span>{limits.standby}</span>
        <select name="standby">
          {(['off', 'warm', 'hot'] as const).map((each) => (
            <option key={each} value={each} selected={each === settings.standby}>
              {limits.standbys[each]}
            </option>
          ))}
        </select>
      </label>
      <button type="submit" class="button" disabled={isBusy.value}>
        {texts.settings.save}
      </button>
    </form>
  );
}

interface AmountProps {
  readonly label: string;
  readonly name: string;
  readonly min: number;
  readonly max: number;
  readonly value: number;
}

function Amount({ label, name, min, max, value }: AmountProps) {
  return (
    <label class="field">
      <span>{label}</span>
      <input name={name} type="number" min={min} max={max} step="any" required defaultValue={String(value)} />
    </label>
  );
}
