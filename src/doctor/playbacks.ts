/** Starting and stopping playbacks, so that none is left on the engine whatever happens. */
import { untilAborted } from '../base/abort.ts';
import { type Clock, sleep } from '../base/clock.ts';
import { AcemuxError, reasonOf } from '../base/reasons.ts';
import { asRecord, looseBoolean, looseText, parseJson } from '../engine/loose-json.ts';
import { engineRoot, rewriteToEngine } from '../engine/rewrite.ts';
import type { EngineAddress } from '../engine/types.ts';
import type { Redactor } from './redactor.ts';
import type { DoctorTimes } from './times.ts';
import type { EngineName, TextReply, Wire } from './wire.ts';

/** A playback that an engine opened for us; its URLs point at the address that the doctor was given. */
export interface DoctorPlayback {
  readonly engine: EngineName;
  readonly address: EngineAddress;
  readonly infohash: string;
  readonly sessionId: string | undefined;
  readonly isLive: boolean;
  readonly playbackUrl: URL;
  readonly statUrl: URL;
  readonly commandUrl: URL;
  readonly eventUrl: URL | undefined;
  /** The reply's `response`, as the engine sent it. */
  readonly fields: Readonly<Record<string, unknown>>;
  /** When it was asked for, by the clock, and how long the answer took. */
  readonly askedMs: number;
  readonly replyMs: number;
}

export type StartOutcome =
  | { readonly kind: 'playback'; readonly playback: DoctorPlayback }
  /** `text`: the engine's words, or ours about what it sent. */
  | {
      readonly kind: 'refused' | 'unreadable';
      readonly text: string;
      readonly status: number;
      readonly replyMs: number;
    };

export interface StartRequest {
  readonly engine: EngineName;
  readonly address: EngineAddress;
  readonly path?: '/ace/getstream' | '/ace/manifest.m3u8';
  readonly query: Readonly<Record<string, string>>;
  /** The name stands for nothing: a start of it that is not answered leaves nothing behind. */
  readonly isInvented?: boolean;
}

export class Playbacks {
  readonly #wire: Wire;
  readonly #redactor: Redactor;
  readonly #times: DoctorTimes;
  readonly #clock: Clock;
  readonly #unstopped = new Set<DoctorPlayback>();
  readonly #starting = new Set<Promise<void>>();
  #unknowable = 0;

  constructor(deps: { wire: Wire; redactor: Redactor; times: DoctorTimes; clock: Clock }) {
    this.#wire = deps.wire;
    this.#redactor = deps.redactor;
    this.#times = deps.times;
    this.#clock = deps.clock;
  }

  /**
   * Asks for a playback. A start that is given up by `signal` goes on, because the engine opens the playback all the
   * same (reference 4.3); it is stopped when its answer comes.
   * @throws AcemuxError engine_unreachable, engine_closed, engine_protocol, engine_timeout; the signal's reason
   */
  async start(request: StartRequest, signal: AbortSignal): Promise<StartOutcome> {
    signal.throwIfAborted();
    const asked = this.#ask(request);
    // Whoever waits hears of a failure; one that nobody waits for any more leaves nothing to stop.
    const settled = asked.then(
      () => {},
      () => {},
    );
    this.#starting.add(settled);
    void settled.then(() => this.#starting.delete(settled));
    return await untilAborted(asked, signal);
  }

  /** Sends the stop of a playback; it counts as stopped once the engine has answered. @throws as `start` */
  async stop(playback: DoctorPlayback, signal: AbortSignal): Promise<TextReply> {
    const { commandUrl, engine, address } = playback;
    const target = `${commandUrl.pathname}${commandUrl.search === '' ? '?' : `${commandUrl.search}&`}method=stop`;
    const reply = await this.#wire.text(engine, { address, target }, signal);
    this.#unstopped.delete(playback);
    return reply;
  }

  /** Whether its stop has not been answered yet. */
  isOpen(playback: DoctorPlayback): boolean {
    return this.#unstopped.has(playback);
  }

  /** Stops what is open now, whatever the answers are. */
  async stopOpen(): Promise<void> {
    await Promise.all([...this.#unstopped].map((playback) => this.#stopQuietly(playback)));
  }

  /** Stops all that is not stopped yet, late starts included. Gives how many may be left on an engine. */
  async stopAll(): Promise<number> {
    const late = new AbortController();
    const patience = sleep(this.#clock, this.#times.lateStartMs, late.signal).catch(() => {});
    await Promise.race([Promise.all(this.#starting), patience]);
    late.abort();
    await patience;
    const unanswered = this.#starting.size;
    await this.stopOpen();
    return unanswered + this.#unstopped.size + this.#unknowable;
  }

  async #stopQuietly(playback: DoctorPlayback): Promise<void> {
    const late = new AbortController();
    const timer = this.#clock.startTimer(this.#times.stopMs, () =>
      late.abort(new AcemuxError('engine_timeout')),
    );
    try {
      await this.stop(playback, late.signal);
    } catch (error) {
      // It stays among those that were not stopped, and is reported as such.
      if (!(error instanceof AcemuxError)) throw error;
    } finally {
      timer.cancel();
    }
  }

  async #ask({
    engine,
    address,
    path = '/ace/getstream',
    query,
    isInvented = false,
  }: StartRequest): Promise<StartOutcome> {
    this.#redactor.know('pid', query['pid']);
    const askedMs = this.#clock.nowMs();
    const late = new AbortController();
    const timer = this.#clock.startTimer(this.#times.startMs, () => {
      late.abort(
        new AcemuxError('engine_timeout', `No answer to a start in ${this.#times.startMs / 1000} s.`),
      );
    });
    let reply: TextReply;
    try {
      const target = `${path}?${new URLSearchParams({ ...query, format: 'json' })}`;
      reply = await this.#wire.text(engine, { address, target }, late.signal);
    } catch (error) {
      // The engine may have opened what was asked for, and never told where it is.
      if (reasonOf(error) === 'engine_timeout' && !isInvented) this.#unknowable++;
      throw error;
    } finally {
      timer.cancel();
    }
    const replyMs = this.#clock.nowMs() - askedMs;
    const { status, text } = reply;
    const body = asRecord(parseJson(text));
    const fields = asRecord(body?.['response']);
    const playback = fields && this.#read(fields, { engine, address, askedMs, replyMs });
    if (playback !== undefined) {
      this.#unstopped.add(playback);
      return { kind: 'playback', playback };
    }
    const error = looseText(body?.['error']);
    if (error !== undefined || status >= 400) {
      return { kind: 'refused', text: error ?? this.#redactor.text(text), status, replyMs };
    }
    const isPlain = status < 300 && !text.startsWith('#EXTM3U');
    // It may have opened a playback of which we do not know the addresses.
    if (isPlain) this.#unknowable++;
    return { kind: 'unreadable', text: whatItIs(text, status), status, replyMs };
  }

  #read(
    fields: Readonly<Record<string, unknown>>,
    at: Pick<DoctorPlayback, 'engine' | 'address' | 'askedMs' | 'replyMs'>,
  ): DoctorPlayback | undefined {
    const root = engineRoot(at.address);
    const urlOf = (name: string): URL | undefined => {
      const raw = looseText(fields[name]);
      if (raw === undefined) return undefined;
      const url = rewriteToEngine(raw, root);
      this.#redactor.know(
        'token',
        url.pathname
          .split('/')
          .at(-1)
          ?.replace(/\.m3u8$/, ''),
      );
      return url;
    };
    const infohash = looseText(fields['infohash'])?.toLowerCase();
    const sessionId = looseText(fields['playback_session_id']);
    this.#redactor.know('infohash', infohash);
    this.#redactor.know('session', sessionId);
    const [playbackUrl, statUrl, commandUrl] = [
      urlOf('playback_url'),
      urlOf('stat_url'),
      urlOf('command_url'),
    ];
    if (!infohash || !playbackUrl || !statUrl || !commandUrl) return undefined;
    return {
      ...at,
      infohash,
      sessionId,
      isLive: looseBoolean(fields['is_live']) ?? true,
      playbackUrl,
      statUrl,
      commandUrl,
      eventUrl: urlOf('event_url'),
      fields,
    };
  }
}

function whatItIs(text: string, status: number): string {
  if (status >= 300) return `a redirect (${status})`;
  if (text.startsWith('#EXTM3U')) return 'a list of files: a recording with several';
  return text.trim() === '' ? 'an empty body' : 'no JSON that names a playback';
}
