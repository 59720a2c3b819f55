import { useSignal } from '@preact/signals';
import { url } from '../api/call.ts';
import { m3uOf, queryOf, type StreamReference } from '../logic/stream-reference.ts';
import { streamNameOf } from '../parts/words.tsx';
import { texts } from '../texts.ts';

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

function LinkLine({ label, value }: { readonly label: string; readonly value: string }) {
  const isCopied = useSignal(false);
  const copy = async (): Promise<void> => {
    try {
      await navigator.clipboard.writeText(value);
      isCopied.value = true;
      setTimeout(() => {
        isCopied.value = false;
      }, 2_000);
    } catch {
      // Without TLS browsers have no clipboard for pages: it can be selected.
      isCopied.value = false;
    }
  };
  return (
    <div class="link-line">
      <dt>{label}</dt>
      <dd>
        <code>{value}</code>
        {navigator.clipboard && (
          <button type="button" class="button is-small" onClick={() => void copy()}>
            {isCopied.value ? texts.stream.copied : texts.stream.copy}
          </button>
        )}
      </dd>
    </div>
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
