import { useSignal } from '@preact/signals';
import { act, url } from '../api/call.ts';
import { m3uOf, queryOf, type StreamReference } from '../logic/stream-reference.ts';
import { Moment, streamNameOf } from '../parts/words.tsx';
import { say } from '../store/acts.ts';
import { me } from '../store/me.ts';
import { texts } from '../texts.ts';
import { copyText } from './copy.ts';

/** Addresses of one stream, ready for players. */
export function ReadyLinks({ kind, hash }: Pick<StreamReference, 'kind' | 'hash'>) {
  const query = queryOf({ kind, hash });
  const ts = url(`/ace/getstream?${query}`);
  const list = m3uOf(streamNameOf(hash), ts);
  const { links } = texts.player;
  return (
    <section aria-labelledby="links" class="links">
      <h2 id="links">{texts.stream.links}</h2>
      <dl>
        <LinkLine label={links.ts} value={ts} />
        <LinkLine label={links.hls} value={url(`/ace/manifest.m3u8?${query}`)} />
        <LinkLine label={links.m3u} value={list.split('\n').slice(1).join('\n').trim()} />
      </dl>
      {me.value?.may.includes('admin') && <SignedLink kind={kind} hash={hash} />}
      <button
        type="button"
        class="button"
        title={links.vlcHint}
        onClick={() => saveAs(`${hash}.m3u`, 'audio/x-mpegurl', list)}
      >
        {links.vlc}
      </button>
    </section>
  );
}

interface LinkLineProps {
  readonly label: preact.ComponentChildren;
  readonly value: string;
}

function LinkLine({ label, value }: LinkLineProps) {
  const isCopied = useSignal(false);
  const copy = async (): Promise<void> => {
    isCopied.value = await copyText(value);
    if (!isCopied.value) say(texts.stream.notCopied, true);
    else {
      setTimeout(() => {
        isCopied.value = false;
      }, 2_000);
    }
  };
  return (
    <div class="link-line">
      <dt>{label}</dt>
      <dd>
        <code>{value}</code>
        <button type="button" class="button is-small" onClick={() => void copy()}>
          {isCopied.value ? texts.stream.copied : texts.stream.copy}
        </button>
      </dd>
    </div>
  );
}

/** A link that lets whoever has it play this stream, until it expires. */
function SignedLink({ kind, hash }: Pick<StreamReference, 'kind' | 'hash'>) {
  const made = useSignal<{ readonly url: string; readonly expires: string } | undefined>(undefined);
  const { links } = texts.player;
  const make = async (event: SubmitEvent): Promise<void> => {
    event.preventDefault();
    const form = event.currentTarget;
    if (!(form instanceof HTMLFormElement)) return;
    const hours = Number(new FormData(form).get('hours'));
    try {
      const reply = Object(
        await act('POST', '/signed-urls', { [kind]: hash, expires_in_seconds: Math.round(hours * 3600) }),
      );
      made.value = { url: String(reply.url), expires: String(reply.expires_at) };
    } catch (error) {
      say(texts.failed(error instanceof Error ? error.message : String(error)), true);
    }
  };
  return (
    <form class="signed" onSubmit={(event) => void make(event)}>
      <label class="field">
        <span>{`${links.signed}, ${links.hours}`}</span>
        <input name="hours" type="number" min="0.1" max="87600" step="any" value="24" required />
      </label>
      <button type="submit" class="button">
        {links.make}
      </button>
      {made.value && (
        <dl class="signed-link">
          <LinkLine
            label={
              <>
                {links.until} <Moment at={made.value.expires} />
              </>
            }
            value={made.value.url}
          />
        </dl>
      )}
    </form>
  );
}

/** Has the browser save a text as a file. */
export function saveAs(name: string, type: string, text: string): void {
  const address = URL.createObjectURL(new Blob([text], { type }));
  const link = document.createElement('a');
  link.href = address;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(address), 10_000);
}
