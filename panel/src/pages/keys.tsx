import { useSignal } from '@preact/signals';
import { act, get } from '../api/call.ts';
import type { Replies } from '../api/replies.ts';
import { formatCount } from '../logic/format.ts';
import { Modal } from '../parts/dialogs.tsx';
import { Moment } from '../parts/words.tsx';
import { perform, question, say } from '../store/acts.ts';
import { useResource } from '../store/resource.ts';
import { texts } from '../texts.ts';
import { NeedsKey } from './settings.tsx';

type Key = Replies['GET /keys']['keys'][number];

/** Who may do what, by which key. */
export function KeysPage() {
  const keys = useResource('keys', (signal) => get('GET /keys', '/keys', signal), {
    changesWith: ({ type }) => /^(?:client|access)\./.test(type),
  });
  const made = useSignal<{ readonly name: string; readonly key: string } | undefined>(undefined);
  const create = async (event: SubmitEvent): Promise<void> => {
    event.preventDefault();
    const form = event.currentTarget;
    if (!(form instanceof HTMLFormElement)) return;
    const given = new FormData(form);
    const name = String(given.get('name') ?? '').trim();
    try {
      const reply = Object(await act('POST', '/keys', { name, role: String(given.get('role')) }));
      made.value = { name, key: String(reply.key) };
      form.reset();
      keys.again();
    } catch (error) {
      say(texts.failed(error instanceof Error ? error.message : String(error)), true);
    }
  };
  const { roles } = texts.keys;
  return (
    <div class="page">
      <h1>{texts.pages.keys}</h1>
      {keys.error.value && <NeedsKey error={keys.error.value} />}
      {keys.value.value && (
        <>
          <form class="new-key" onSubmit={(event) => void create(event)}>
            <label class="field">
              <span>{texts.keys.name}</span>
              <input name="name" required maxLength={64} autocomplete="off" />
            </label>
            <label class="field">
              <span>{texts.keys.role}</span>
              <select name="role">
                {(['viewer', 'operator', 'metrics', 'admin'] as const).map((role) => (
                  <option key={role} value={role}>{`${role}: ${roles[role]}`}</option>
                ))}
              </select>
            </label>
            <button type="submit" class="button is-primary">
              {texts.keys.create}
            </button>
          </form>
          <div class="table-frame">
            <table class="table">
              <thead>
                <tr>
                  {[texts.keys.name, texts.keys.role, texts.keys.origin, texts.keys.created].map((name) => (
                    <th key={name} scope="col" class="is-plain">
                      {name}
                    </th>
                  ))}
                  <th scope="col" class="is-number is-plain">
                    {texts.streams.columns.viewers}
                  </th>
                  <th scope="col" class="is-plain">
                    <span class="visually-hidden">{texts.viewer.acts}</span>
                  </th>
                </tr>
              </thead>
              <tbody>
                {keys.value.value.keys.map((key) => (
                  <KeyRow key={key.id} known={key} onRevoked={keys.again} />
                ))}
              </tbody>
            </table>
          </div>
        </>
      )}
      {made.value && (
        <Modal
          label={texts.keys.create}
          onClose={() => {
            made.value = undefined;
          }}
        >
          <h2>{texts.keys.made(made.value.name)}</h2>
          <p>{texts.keys.once}</p>
          <pre class="key-once">
            <code>{made.value.key}</code>
          </pre>
          <div class="modal-actions">
            <button
              type="button"
              class="button is-primary"
              onClick={() => {
                made.value = undefined;
              }}
            >
              {texts.understood}
            </button>
          </div>
        </Modal>
      )}
    </div>
  );
}

function KeyRow({ known, onRevoked }: { readonly known: Key; readonly onRevoked: () => void }) {
  const { id, name, role, origin, created_at: created, viewer_count: viewers } = known;
  const revoke = (): void => {
    question.value = {
      title: texts.confirm.revokeTitle(name),
      consequence: texts.confirm.revoke(viewers),
      action: texts.keys.revoke,
      isDangerous: true,
      run: async () => {
        await perform('DELETE', `/keys/${encodeURIComponent(id)}`, texts.keys.revoked);
        onRevoked();
      },
    };
  };
  return (
    <tr data-key={name}>
      <td class="column-stream">{name}</td>
      <td data-label={texts.keys.role}>{role}</td>
      <td data-label={texts.keys.origin}>{origin}</td>
      <td data-label={texts.keys.created}>
        <Moment at={created} />
      </td>
      <td class="is-number" data-label={texts.streams.columns.viewers}>
        {formatCount(viewers)}
      </td>
      <td class="is-number">
        {origin === 'made' && (
          <button type="button" class="button is-small is-danger" onClick={revoke}>
            {texts.keys.revoke}
          </button>
        )}
      </td>
    </tr>
  );
}
