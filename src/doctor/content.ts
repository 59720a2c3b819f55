/** The content that the doctor may play: by which kind of name the engine knows it, and starting it. */
import { randomUUID } from 'node:crypto';
import { AcemuxError } from '../base/reasons.ts';
import { asRecord, looseText } from '../engine/loose-json.ts';
import type { SelectorKind } from '../engine/types.ts';
import { ask, describeOutcome } from './api-checks.ts';
import type { Examination } from './examination.ts';
import type { DoctorPlayback, StartOutcome, StartRequest } from './playbacks.ts';
import type { EngineName } from './wire.ts';

export interface StartOptions {
  /** Beside the name; a fresh pid is added unless there is one, or `pid: ''` says that there shall be none. */
  readonly query?: Readonly<Record<string, string>>;
  readonly path?: StartRequest['path'];
  readonly engine?: EngineName;
}

export class Content {
  readonly #exam: Examination;
  readonly #hash: string;
  /** The kinds to try, the likeliest first. */
  #kinds: readonly SelectorKind[] = ['id', 'infohash'];
  /** What the engine calls it; known after a start. */
  infohash: string | undefined;

  /** `hash`: 40 lowercase hexadecimal digits, an id or an infohash. */
  constructor(exam: Examination, hash: string) {
    this.#exam = exam;
    this.#hash = hash;
    exam.redactor.know('id', hash);
  }

  /** Whether the name that was given is not the infohash, as far as is known. */
  get hasNameOfItsOwn(): boolean {
    return this.infohash !== undefined && this.infohash !== this.#hash;
  }

  /** Asks what the name stands for; opens nothing. */
  async lookUp(): Promise<void> {
    const exam = this.#exam;
    const limitMs = 2 * exam.times.apiMs;
    await exam.check('mediaFiles', 2 * limitMs, async (signal) => {
      const target = (kind: string, mode: string): string =>
        `/server/api?api_version=3&method=get_media_files&mode=${mode}&${kind}=${this.#hash}`;
      const [asId, asInfohash] = await Promise.all([
        ask(exam, target('content_id', 'brief'), signal),
        ask(exam, target('infohash', 'brief'), signal),
      ]);
      const brief = asId.result ?? asInfohash.result;
      if (brief === undefined) {
        const isDenied = /denied/.test(asId.says);
        const facts = { mediaFiles: isDenied ? ('access-denied' as const) : ('failed' as const) };
        return { says: `as id: ${asId.says}; as infohash: ${asInfohash.says}`, same: false, facts };
      }
      if (asId.result === undefined) this.#kinds = ['infohash', 'id'];
      const kind = asId.result === undefined ? 'infohash' : 'content_id';
      const full = await ask(exam, target(kind, 'full'), signal);
      this.#learnNames(brief);
      this.#learnNames(full.result ?? {});
      const fields = (result: unknown): string => fileFields(result).join(' ') || 'nothing';
      const says = `known as ${kind === 'infohash' ? 'infohash' : 'id'}; of a file brief tells ${fields(brief)}, full ${fields(full.result)}`;
      return { says, same: full.result !== undefined, facts: { mediaFiles: 'answered' } };
    });
    await exam.check('plM3u', limitMs, async (signal) => {
      const { status, text } = await exam.get(`/pl.m3u?${this.#kinds[0]}=${this.#hash}`, signal);
      const lists = status === 200 && text.startsWith('#EXTM3U');
      const says = lists ? 'a list' : `HTTP ${status}`;
      return { says, same: lists || status === 500, facts: { listsFilesAtPlM3u: lists } };
    });
  }

  /**
   * Starts it, under its other kind of name if the engine does not know the first.
   * @throws AcemuxError content_unknown with the engine's words; as `Playbacks.start`
   */
  async start(signal: AbortSignal, options: StartOptions = {}): Promise<DoctorPlayback> {
    let words = 'nothing';
    for (const kind of this.#kinds) {
      const outcome = await this.startAs(kind, this.#hash, signal, options);
      if (outcome.kind === 'playback') {
        this.#kinds = [kind];
        this.infohash = outcome.playback.infohash;
        return outcome.playback;
      }
      words = describeOutcome(outcome);
      if (outcome.kind === 'unreadable') break;
    }
    throw new AcemuxError('content_unknown', `The engine did not play it: ${words}.`);
  }

  startAs(
    kind: SelectorKind,
    hash: string,
    signal: AbortSignal,
    { query = {}, path = '/ace/getstream', engine = 'first' }: StartOptions,
  ): Promise<StartOutcome> {
    const exam = this.#exam;
    const address = engine === 'first' ? exam.address : (exam.second ?? exam.address);
    const { pid = randomUUID(), ...rest } = query;
    const whole = { [kind]: hash, ...(pid !== '' && { pid }), ...rest };
    return exam.playbacks.start({ engine, address, path, query: whole }, signal);
  }

  #learnNames(result: Readonly<Record<string, unknown>>): void {
    const { redactor } = this.#exam;
    redactor.know('infohash', looseText(result['infohash']));
    redactor.know('name', looseText(result['name']));
    for (const file of filesOf(result)) {
      const name = looseText(file['filename']);
      redactor.know('name', name);
      redactor.know('name', name?.replace(/\.\w{2,4}$/, ''));
    }
  }
}

function filesOf(result: unknown): Readonly<Record<string, unknown>>[] {
  const files = asRecord(result)?.['files'];
  return Array.isArray(files) ? files.map((file) => asRecord(file) ?? {}) : [];
}

function fileFields(result: unknown): string[] {
  return Object.keys(filesOf(result)[0] ?? {});
}
