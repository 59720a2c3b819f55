import { useSignal } from '@preact/signals';
import type { ComponentChildren } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import { keyWanted } from '../api/call.ts';
import { dismiss, notices, question } from '../store/acts.ts';
import { logIn } from '../store/me.ts';
import { texts } from '../texts.ts';
import { Icon } from './icons.tsx';

interface ModalProps {
  readonly label: string;
  readonly onClose: () => void;
  readonly children: ComponentChildren;
}

/** The browser's own dialog: it holds the focus, and gives it back. */
export function Modal({ label, onClose, children }: ModalProps) {
  const element = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    const dialog = element.current;
    dialog?.showModal();
    return () => dialog?.close();
  }, []);
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: Escape closes it by itself
    <dialog
      ref={element}
      class="modal"
      aria-label={label}
      onCancel={(event) => {
        event.preventDefault();
        onClose();
      }}
      onClick={(event) => {
        if (event.target === element.current) onClose();
      }}
    >
      <div class="modal-body">{children}</div>
    </dialog>
  );
}

/** Asks once what others would feel, and says what will happen. */
export function QuestionDialog() {
  const isBusy = useSignal(false);
  const choice = useSignal<string | undefined>(undefined);
  const asked = question.value;
  if (!asked) return null;
  const close = (): void => {
    question.value = undefined;
    isBusy.value = false;
    choice.value = undefined;
  };
  const run = async (): Promise<void> => {
    isBusy.value = true;
    await asked.run(choice.value ?? asked.choices?.[0]?.value);
    close();
  };
  return (
    <Modal label={asked.title} onClose={close}>
      <h2>{asked.title}</h2>
      <p>{asked.consequence}</p>
      {asked.choices && (
        <label class="field">
          <span>{texts.confirm.choice}</span>
          <select
            onChange={({ currentTarget }) => {
              choice.value = currentTarget.value;
            }}
          >
            {asked.choices.map(({ value, label }) => (
              <option key={value} value={value}>
                {label}
              </option>
            ))}
          </select>
        </label>
      )}
      <div class="modal-actions">
        <button type="button" class="button" onClick={close}>
          {texts.confirm.cancel}
        </button>
        <button
          type="button"
          class={asked.isDangerous ? 'button is-danger' : 'button is-primary'}
          disabled={isBusy.value}
          onClick={() => void run()}
        >
          {asked.action}
        </button>
      </div>
    </Modal>
  );
}

/** Asks for a key, over whatever is shown: nothing of that is lost. */
export function KeyDialog({ onLoggedIn }: { readonly onLoggedIn: () => void }) {
  const problem = useSignal('');
  const isBusy = useSignal(false);
  const wanted = keyWanted.value;
  if (!wanted) return null;
  const submit = async (event: SubmitEvent): Promise<void> => {
    event.preventDefault();
    const form = event.currentTarget;
    if (!(form instanceof HTMLFormElement)) return;
    const key = String(new FormData(form).get('key') ?? '').trim();
    if (key === '') return;
    isBusy.value = true;
    problem.value = '';
    try {
      await logIn(key);
      onLoggedIn();
    } catch (error) {
      problem.value =
        error instanceof Error && error.message ? `${texts.login.wrong} ${error.message}` : texts.login.wrong;
    } finally {
      isBusy.value = false;
    }
  };
  const lead = { view: texts.login.lead, act: texts.login.leadAct, expired: texts.login.expired }[wanted];
  return (
    <Modal
      label={texts.login.title}
      onClose={() => {
        if (wanted !== 'view') keyWanted.value = undefined;
      }}
    >
      <form onSubmit={(event) => void submit(event)}>
        <h2>{texts.login.title}</h2>
        <p>{lead}</p>
        <label class="field">
          <span>{texts.login.label}</span>
          <input name="key" type="password" autocomplete="current-password" required spellcheck={false} />
        </label>
        {problem.value && (
          <p class="problem-text" role="alert">
            {problem.value}
          </p>
        )}
        <div class="modal-actions">
          {wanted !== 'view' && (
            <button
              type="button"
              class="button"
              onClick={() => {
                keyWanted.value = undefined;
              }}
            >
              {texts.login.cancel}
            </button>
          )}
          <button type="submit" class="button is-primary" disabled={isBusy.value}>
            {texts.login.submit}
          </button>
        </div>
      </form>
    </Modal>
  );
}

/** How acts went. */
export function Notices() {
  return (
    <div class="notices" role="status" aria-live="polite">
      {notices.value.map(({ id, text, isFailure }) => (
        <div key={id} class={isFailure ? 'notice is-failure' : 'notice'}>
          <span>{text}</span>
          <button
            type="button"
            class="icon-button"
            aria-label={texts.parts.close}
            onClick={() => dismiss(id)}
          >
            <Icon name="close" />
          </button>
        </div>
      ))}
    </div>
  );
}
