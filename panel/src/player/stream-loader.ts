import type Mpegts from 'mpegts.js';
import { texts } from '../texts.ts';
import { refusalIn } from './refusal.ts';

/**
 * What mpegts.js loads a stream by, in place of its own loader: that throws away what acemux says when it refuses, and has words
 * for programmers where a connection is cut.
 */
export function streamLoaderOf({
  BaseLoader,
  LoaderErrors,
  LoaderStatus,
}: typeof Mpegts): Mpegts.CustomLoaderConstructor {
  return class StreamLoader extends BaseLoader {
    readonly #over = new AbortController();

    constructor() {
      super('acemux');
      this._needStash = true;
    }

    override open({ url }: Mpegts.MediaSegment): void {
      this._status = LoaderStatus.kConnecting;
      void this.#load(url);
    }

    override abort(): void {
      this._status = LoaderStatus.kComplete;
      this.#over.abort();
    }

    override destroy(): void {
      this.abort();
      super.destroy();
    }

    /** After an abort nobody is told of anything: the callbacks are gone. */
    async #load(url: string): Promise<void> {
      const { signal } = this.#over;
      let receivedBytes = 0;
      try {
        const reply = await fetch(url, { signal, cache: 'no-store' }).catch(() => undefined);
        if (signal.aborted) return;
        if (!reply) return this.#fail(LoaderErrors.CONNECTING_TIMEOUT, NO_STATUS, texts.player.unreachable);
        if (!reply.ok || !reply.body) {
          const said = refusalIn(await reply.text()) ?? String(reply.status);
          if (!signal.aborted) this.#fail(LoaderErrors.HTTP_STATUS_CODE_INVALID, reply.status, said);
          return;
        }
        const reader = reply.body.getReader();
        for (;;) {
          const piece = await reader.read().catch(() => undefined);
          if (signal.aborted) return;
          if (!piece) return this.#fail(LoaderErrors.EARLY_EOF, NO_STATUS, texts.player.cut);
          if (piece.done) break;
          this._status = LoaderStatus.kBuffering;
          const beganAt = receivedBytes;
          receivedBytes += piece.value.byteLength;
          this.onDataArrival(piece.value.buffer, beganAt, receivedBytes);
        }
        this._status = LoaderStatus.kComplete;
        this.onComplete(0, receivedBytes - 1);
      } catch (error) {
        // Media that the player can't take apart.
        if (!signal.aborted) this.#fail(LoaderErrors.EXCEPTION, NO_STATUS, String(error));
      }
    }

    #fail(kind: string, code: number, msg: string): void {
      this._status = LoaderStatus.kError;
      // Its types name the whole list where one word of it is meant.
      this.onError(kind as unknown as Mpegts.LoaderErrors, { code, msg });
    }
  };
}

const NO_STATUS = -1;
