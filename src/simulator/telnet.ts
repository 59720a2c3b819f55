/**
 * The older text API of an engine, at 62062 (reference 2.11): lines with CRLF, one connection per player. As much of it as
 * is known: the greeting, loading, one playback and its end. What the engine tells of its own accord is said once, not again
 * and again, and there are no EVENT lines.
 */
import { createHash, randomBytes } from 'node:crypto';
import type { Socket } from 'node:net';
import type { Content, SelectorParameter } from './catalogue.ts';
import { type EngineCore, load } from './engine-core.ts';
import type { PlaybackSession } from './playback-session.ts';
import { pause } from './replies.ts';
import { type ContentAddresses, progressNow } from './session-routes.ts';

/** What a player may send without an end of the line. */
const LINE_BYTES_MAX = 64 * 1024;
/** The kinds of names; a torrent's own bytes (RAW) never load. */
const KINDS: Readonly<Record<string, SelectorParameter>> = {
  PID: 'content_id',
  INFOHASH: 'infohash',
  TORRENT: 'url',
};
/** What STATE says. */
const STATES = { idle: 0, prebuffering: 1, downloading: 2, error: 6 } as const;
/** What the status of LOADRESP says. */
const LOADED = { one: 1, several: 2, failed: 100 } as const;

export interface TelnetDeps {
  readonly core: EngineCore;
  readonly addresses: ContentAddresses;
  readonly httpPort: number;
}

/** Talks with one player until the connection has ended, and with it what was played for it. */
export async function serveTelnet(deps: TelnetDeps, socket: Socket): Promise<void> {
  const conversation = new Conversation(deps, socket);
  const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()));
  let rest = '';
  let answered = Promise.resolve();
  socket.on('error', () => {}); // `close` comes behind it
  socket.on('data', (bytes) => {
    const lines = (rest + bytes.toString('utf8')).split('\n');
    rest = lines.pop() ?? '';
    if (rest.length > LINE_BYTES_MAX) socket.destroy();
    for (const line of lines) answered = answered.then(() => conversation.answer(line.trim()));
  });
  await closed;
  conversation.end();
  await answered;
}

class Conversation {
  readonly #deps: TelnetDeps;
  readonly #socket: Socket;
  readonly #over = new AbortController();
  /** One connection is one player. */
  readonly #pid = `telnet-${randomBytes(8).toString('hex')}`;
  #isGreeted = false;
  #isReady = false;
  #playback: PlaybackSession | undefined;

  constructor(deps: TelnetDeps, socket: Socket) {
    this.#deps = deps;
    this.#socket = socket;
  }

  /** The player has gone: its playback ends. */
  end(): void {
    this.#over.abort();
    this.#stop();
  }

  async answer(line: string): Promise<void> {
    const { core } = this.#deps;
    if (this.#over.signal.aborted || core.faults.find('apiHang') !== undefined) return;
    const [command = '', ...words] = line.split(' ');
    switch (command) {
      case 'HELLOBG':
        this.#greet();
        break;
      case 'READY':
        // The key cannot be judged: nobody has the product keys of players.
        this.#isReady = this.#isGreeted && words.some((word) => word.startsWith('key='));
        this.#say(this.#isReady ? 'AUTH 1' : 'NOTREADY');
        break;
      case 'LOADASYNC':
      case 'START':
      case 'STOP':
        if (!this.#isReady) this.#say('NOTREADY');
        else if (command === 'LOADASYNC') await this.#load(words);
        else if (command === 'START') await this.#start(words);
        else if (this.#stop()) this.#say(`STATE ${STATES.idle}`);
        break;
      case 'SHUTDOWN':
        this.#socket.end();
        break;
    }
  }

  #greet(): void {
    const { core, httpPort } = this.#deps;
    const { version, code } = core.profile.version;
    this.#isGreeted = true;
    const key = randomBytes(5).toString('hex');
    this.#say(`HELLOTS version=${version} version_code=${code} key=${key} http_port=${httpPort}`);
  }

  async #load([request = '0', kind = '', name = '']: readonly string[]): Promise<void> {
    const content = await this.#find(kind, name);
    if (this.#over.signal.aborted) return;
    const files = (content?.files ?? (content && [content]))?.map((file, index) => [
      encodeURIComponent(file.name),
      index,
    ]);
    const reply =
      content === undefined || files === undefined
        ? { status: LOADED.failed, message: 'Cannot load transport file' }
        : {
            status: files.length > 1 ? LOADED.several : LOADED.one,
            files,
            infohash: content.infohash,
            checksum: createHash('sha1').update(content.infohash).digest('hex'),
          };
    this.#say(`LOADRESP ${request} ${JSON.stringify(reply)}`);
  }

  async #start([kind = '', name = '', file = '0']: readonly string[]): Promise<void> {
    const { core, addresses, httpPort } = this.#deps;
    this.#stop();
    const content = await this.#find(kind, name);
    if (this.#over.signal.aborted) return;
    if (content === undefined) {
      this.#say(`STATE ${STATES.error}`);
      return;
    }
    const index = Number(file);
    const session = core.sessions.start({
      content,
      form: 'ts',
      fileIndex: content.files?.[index] === undefined ? undefined : index,
      pid: this.#pid,
      clientSessionId: -1,
      newReaderCutsOld: false,
      wantsEvents: false,
    });
    this.#playback = session;
    this.#say(`STATE ${STATES.prebuffering}`);
    const { replyMs, idleMs, prebufMs } = core.delays;
    const signal = AbortSignal.any([this.#over.signal, session.ended.signal]);
    await pause(core, signal, Math.max(replyMs, idleMs + prebufMs));
    if (signal.aborted) return;
    const host = `${this.#socket.localAddress}:${httpPort}`;
    this.#say(`START http://${host}${addresses.create(session)}${session.isLive ? ' stream=1' : ''}`);
    this.#say(`STATE ${STATES.downloading}`);
    this.#say(this.#status(session));
  }

  /** What loading the name gives, after as long as it takes to find out that it gives nothing. */
  async #find(kind: string, name: string): Promise<Content | undefined> {
    const { core } = this.#deps;
    const parameter = KINDS[kind];
    const content = parameter && load(core, { parameter, value: name });
    if (content === undefined) await pause(core, this.#over.signal, core.delays.unknownIdMs);
    return content;
  }

  #status(session: PlaybackSession): string {
    const { peers, speedDownKilobytes, downloadedBytes } = progressNow(this.#deps.core, session);
    const numbers = [0, 0, speedDownKilobytes, 0, 0, peers, 0, downloadedBytes, 0, 0];
    return `STATUS main:dl;${numbers.join(';')}`;
  }

  /** False: nothing was played. */
  #stop(): boolean {
    const session = this.#playback;
    this.#playback = undefined;
    if (session === undefined) return false;
    this.#deps.core.sessions.end(session, 'stopped');
    return true;
  }

  #say(line: string): void {
    if (!this.#socket.destroyed) this.#socket.write(`${line}\r\n`);
  }
}
