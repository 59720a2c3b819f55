import { useSignal } from '@preact/signals';
import { useId } from 'preact/hooks';
import { parseStreamReference } from '../logic/stream-reference.ts';
import { rememberName } from '../store/names.ts';
import { go } from '../store/route.ts';
import { texts } from '../texts.ts';
import { Icon } from './icons.tsx';

export const FIELD_ID = 'play-field';

/** Takes an id, a link or a line of an M3U list, and plays it. */
export function CommandField() {
  const isWrong = useSignal(false);
  const hintId = useId();
  const play = (form: HTMLFormElement, text: string): void => {
    if (text.trim() === '') return;
    const found = parseStreamReference(text);
    isWrong.value = found === undefined;
    if (!found) return;
    if (found.name !== undefined) rememberName(found.hash, found.name);
    form.reset();
    go('play', found.kind, found.hash);
  };
  return (
    <form
      class="command"
      role="search"
      onSubmit={(event) => {
        event.preventDefault();
        play(event.currentTarget, String(new FormData(event.currentTarget).get('stream') ?? ''));
      }}
    >
      <Icon name="play" />
      <input
        id={FIELD_ID}
        name="stream"
        aria-label={texts.search.label}
        aria-invalid={isWrong.value}
        aria-describedby={hintId}
        placeholder={texts.search.placeholder}
        autocomplete="off"
        spellcheck={false}
        onInput={() => {
          isWrong.value = false;
        }}
        onPaste={(event) => {
          // A field of one line would drop the line breaks of a list.
          const text = event.clipboardData?.getData('text') ?? '';
          const { form } = event.currentTarget;
          if (!text.includes('\n') || !form || !parseStreamReference(text)) return;
          event.preventDefault();
          play(form, text);
        }}
      />
      <kbd>{texts.search.shortcut}</kbd>
      <span id={hintId} class={isWrong.value ? 'command-hint is-wrong' : 'command-hint'} role="status">
        {isWrong.value ? texts.search.notFound : ''}
      </span>
    </form>
  );
}
