import { useSignal } from '@preact/signals';
import { get, keyWanted, RefusedError } from '../api/call.ts';
import type { Replies } from '../api/replies.ts';
import { isSettingRight, settingText, settingValue } from '../logic/setting.ts';
import { contains } from '../logic/table.ts';
import { Moment, Prose } from '../parts/words.tsx';
import { perform } from '../store/acts.ts';
import { useResource } from '../store/resource.ts';
import { texts } from '../texts.ts';

type Setting = Replies['GET /settings'][number];

/** What acemux is set to, and by what; and changing what may be changed while it runs. */
export function SettingsPage() {
  const wanted = useSignal('');
  const settings = useResource('settings', (signal) => get('GET /settings', '/settings', signal), {
    changesWith: ({ type }) => type === 'system.settings_changed',
  });
  const audit = useResource(
    'audit',
    (signal) => get('GET /settings/audit', '/settings/audit?limit=50', signal),
    {
      changesWith: ({ type }) => type === 'system.settings_changed',
    },
  );
  const list = settings.value.value;
  const found = (list ?? []).filter(({ key, environment, documentation }) =>
    contains([key, environment, documentation], wanted.value.trim()),
  );
  const groups = Map.groupBy(found, ({ key }) => key.split('.')[0] ?? '');
  return (
    <div class="page">
      <div class="page-head">
        <h1>{texts.pages.settings}</h1>
        <input
          class="filter"
          type="search"
          aria-label={texts.settings.filter}
          placeholder={texts.settings.filter}
          onInput={({ currentTarget }) => {
            wanted.value = currentTarget.value;
          }}
        />
      </div>
      <p class="faint">{texts.settings.lead}</p>
      {settings.error.value && <NeedsKey error={settings.error.value} />}
      {[...groups].map(([group, members]) => (
        <section key={group} aria-labelledby={`settings-${group}`}>
          <h2 id={`settings-${group}`}>{group}</h2>
          {members.map((setting) => (
            <SettingLine key={setting.key} setting={setting} onChanged={settings.again} />
          ))}
        </section>
      ))}
      {(audit.value.value?.length ?? 0) > 0 && (
        <section aria-labelledby="audit">
          <h2 id="audit">{texts.settings.audit}</h2>
          <ul class="history">
            {audit.value.value?.map(({ key, value, previous, changed_at: at, changed_by: by }) => (
              <li key={`${key} ${at}`}>
                <Moment at={at} /> <code>{key}</code>{' '}
                {`${settingText(previous) || texts.settings.byDefault} → ${settingText(value) || texts.settings.byDefault}`}{' '}
                <span class="faint">{by}</span>
              </li>
            ))}
          </ul>
        </section>
      )}
    </div>
  );
}

/** A refusal in place of what was asked for; for want of a key, a way to give one. */
export function NeedsKey({ error }: { readonly error: Error }) {
  const isKeyMissing = error instanceof RefusedError && error.status === 401;
  return (
    <div class="empty" role="status">
      <p>{isKeyMissing ? texts.login.leadAct : error.message}</p>
      <button
        type="button"
        class="button is-primary"
        onClick={() => {
          keyWanted.value = 'act';
        }}
      >
        {texts.login.submit}
      </button>
    </div>
  );
}

function SettingLine({ setting, onChanged }: { readonly setting: Setting; readonly onChanged: () => void }) {
  const { key, value, default: byDefault, type, schema, documentation, origin, layer, environment } = setting;
  const path = `/settings/${encodeURIComponent(key)}`;
  const text = settingText(value);
  const isWrong = useSignal(false);
  const check = (input: HTMLInputElement): void => {
    const isUnset = input.value.trim() === '' && byDefault === null;
    isWrong.value = !isUnset && input.value !== text && !isSettingRight(input.value, schema);
    input.setCustomValidity(isWrong.value ? texts.settings.wrong(type) : '');
  };
  const save = async (event: SubmitEvent): Promise<void> => {
    event.preventDefault();
    const form = event.currentTarget;
    if (!(form instanceof HTMLFormElement)) return;
    const given = String(new FormData(form).get('value') ?? '');
    if (given === text) return;
    await perform('PUT', path, texts.settings.saved, { value: settingValue(given, schema) });
    onChanged();
  };
  const reset = async (): Promise<void> => {
    await perform('DELETE', path, texts.settings.saved);
    onChanged();
  };
  return (
    <form class="setting" onSubmit={(event) => void save(event)} data-setting={key}>
      <div class="setting-words">
        <label for={`setting-${key}`}>
          <code>{key}</code>
        </label>
        <p>
          <Prose text={documentation} />
        </p>
        <p class="faint">
          <code>{environment}</code> · <Prose text={type} /> · {texts.settings.origin} {origin}
          {setting.is_locked ? ` · ${texts.settings.locked}` : ` · ${whenText(setting)}`}
        </p>
      </div>
      <div class="setting-value">
        {setting.is_changeable ? (
          <>
            <input
              id={`setting-${key}`}
              name="value"
              key={text}
              defaultValue={text}
              title={type}
              autocomplete="off"
              spellcheck={false}
              aria-invalid={isWrong.value}
              onInput={({ currentTarget }) => check(currentTarget)}
            />
            <button type="submit" class="button is-small">
              {texts.settings.save}
            </button>
            {layer === 'setting' && (
              <button type="button" class="button is-small" onClick={() => void reset()}>
                {texts.settings.reset}
              </button>
            )}
            {isWrong.value && (
              <p class="problem-text" role="alert">
                <Prose text={texts.settings.wrong(type)} />
              </p>
            )}
          </>
        ) : (
          <output id={`setting-${key}`} class="mono wrap">
            {text || '–'}
          </output>
        )}
      </div>
    </form>
  );
}

function whenText({ applies, is_changeable: isChangeable }: Setting): string {
  if (!isChangeable || applies === 'restart') return texts.settings.restart;
  return applies === 'next' ? texts.settings.next : texts.settings.now;
}
