import { randomBytes } from 'node:crypto';
import type { Socket } from 'node:net';
import type { TestContext } from 'node:test';
import { gzipSync } from 'node:zlib';
import { StaticProvider } from '../../src/fleet/providers/static/static-provider.ts';
import { replyJson, startWireServer, type WireRequest, type WireServer } from './wire-server.ts';

/** What an engine can be asked for. */
export type Phase = 'probe' | 'files' | 'start' | 'media' | 'stat' | 'stop';

export type Answer = (request: WireRequest) => void;

/** An engine that behaves, except in the phases for which a test gives it another answer. */
export class WildEngine {
  readonly wire: WireServer;
  readonly provider: StaticProvider;
  /** Taken instead of its own answers; may be changed at any time. */
  answers: Partial<Record<Phase, Answer>> = {};
  /** How often it was asked, by phase. */
  readonly asked = new Map<Phase, number>();
  /** Starts that are not answered yet, or not to the end. */
  readonly #starts = new Set<Socket>();

  private constructor(wire: WireServer) {
    this.wire = wire;
    const engine = { ...wire.address, forwarded: false, name: 'wild', vpn: undefined };
    this.provider = new StaticProvider([engine]);
  }

  /** It goes with the test. */
  static async start(t: TestContext): Promise<WildEngine> {
    const made: { engine?: WildEngine } = {};
    const wire = await startWireServer(t, (request) => made.engine?.answer(request));
    made.engine = new WildEngine(wire);
    return made.engine;
  }

  timesAsked(phase: Phase): number {
    return this.asked.get(phase) ?? 0;
  }

  /** Behaves from now on, and drops the starts that it has not answered. */
  recover(): void {
    this.answers = {};
    for (const socket of this.#starts) socket.destroy();
  }

  answer(request: WireRequest): void {
    const phase = phaseOf(request);
    this.asked.set(phase, this.timesAsked(phase) + 1);
    if (phase === 'start') {
      this.#starts.add(request.socket);
      request.socket.once('close', () => this.#starts.delete(request.socket));
    }
    (this.answers[phase] ?? AS_AN_ENGINE[phase])(request);
  }
}

function phaseOf({ path, query }: WireRequest): Phase {
  if (path === '/ace/getstream') return 'start';
  if (path.startsWith('/ace/r/')) return 'media';
  if (path.startsWith('/ace/stat/')) return 'stat';
  if (path.startsWith('/ace/cmd/')) return 'stop';
  return query.get('method') === 'get_media_files' ? 'files' : 'probe';
}

/** The reply to a start, as text; `infohash` is the name that was asked for. */
export function startReply({ query }: WireRequest): string {
  const infohash = query.get('id') ?? query.get('infohash') ?? '';
  const url = (kind: string): string => `http://172.17.0.9:6878/ace/${kind}/${infohash}/token`;
  return JSON.stringify({
    response: {
      playback_url: url('r'),
      stat_url: url('stat'),
      command_url: url('cmd'),
      playback_session_id: 'f'.repeat(40),
      infohash,
      is_live: 1,
      is_encrypted: 0,
    },
    error: null,
  });
}

const AS_AN_ENGINE: Readonly<Record<Phase, Answer>> = {
  probe: (request) => replyJson(request, { result: { version: '3.2.3', connected: true }, error: null }),
  files: (request) => {
    const infohash = request.query.get('content_id') ?? request.query.get('infohash');
    replyJson(request, { result: { infohash, type: 'live', name: 'TV', files: [] }, error: null });
  },
  start: (request) => replyJson(request, JSON.parse(startReply(request))),
  media: (request) => request.socket.end('HTTP/1.1 200 OK\r\nContent-Type: video/mp2t\r\n\r\n'),
  stat: (request) => {
    const response = { status: 'dl', peers: 5, speed_down: 500, downloaded: 1_000_000 };
    replyJson(request, { response, error: null });
  },
  stop: (request) => replyJson(request, { response: 'ok', error: null }),
};

/** Writes without an end, as fast as the other side takes it. */
export function pour({ socket }: WireRequest, next: () => Buffer | string): void {
  const more = (): void => {
    if (socket.destroyed || socket.writableEnded) return;
    if (socket.write(next())) setImmediate(more);
    else socket.once('drain', more);
  };
  more();
}

/** Writes once in so many milliseconds, without an end. */
function drip({ socket }: WireRequest, eachMs: number, next: () => Buffer | string): void {
  const timer = setInterval(() => {
    if (!socket.destroyed) socket.write(next());
  }, eachMs);
  socket.once('close', () => clearInterval(timer));
}

const KIB_64 = 64 * 1024;
const BOMB = gzipSync(Buffer.alloc(50_000_000));
const OK = 'HTTP/1.1 200 OK\r\n';

/** An answer that no engine should give, and what it leads to where it is given. */
export interface WildAnswer {
  readonly name: string;
  readonly write: Answer;
  /** The code of the refusal when a start is answered so. */
  readonly atStart: string;
  /** The code of the refusal when the media are. */
  readonly atMedia: string;
}

/** `elsewhere`: an address outside, which nobody must ever connect to. */
export function wildAnswers(elsewhere: string): readonly WildAnswer[] {
  const answer = (name: string, atStart: string, atMedia: string, write: Answer): WildAnswer => {
    return { name, write, atStart, atMedia };
  };
  const text = (head: string, body: string | Buffer = ''): Answer => {
    return ({ socket }) => {
      socket.write(head);
      socket.end(body);
    };
  };
  const chunked = `${OK}Transfer-Encoding: chunked\r\n\r\n`;
  return [
    answer('random bytes', 'engine_protocol', 'engine_protocol', ({ socket }) => {
      socket.end(Buffer.concat([Buffer.from([0x80, 0xff]), randomBytes(5_000)]));
    }),
    answer('an empty body', 'engine_protocol', 'engine_closed', text(`${OK}Content-Length: 0\r\n\r\n`)),
    answer('HTML', 'engine_protocol', 'engine_closed', text(`${OK}\r\n`, '<html><body>router</body></html>')),
    answer('bytes that are no UTF-8', 'engine_protocol', 'engine_closed', (request) => {
      text(`${OK}\r\n`, Buffer.from([0x7b, 0x22, 0xc3, 0x28, 0xff, 0xfe, 0x00, 0x7d]))(request);
    }),
    answer('JSON without an end', 'engine_protocol', 'not_mpegts', (request) => {
      request.socket.write(`${OK}\r\n{"response": [`);
      pour(request, () => '"x",'.repeat(KIB_64 / 4));
    }),
    answer('JSON of 2 MiB', 'engine_protocol', 'not_mpegts', (request) => {
      const body = JSON.stringify({ response: { junk: 'x'.repeat(2 * 1024 * 1024) }, error: null });
      text(`${OK}Content-Length: ${body.length}\r\n\r\n`, body)(request);
    }),
    answer('JSON of 200,000 levels', 'engine_protocol', 'engine_closed', (request) => {
      text(`${OK}\r\n`, `{"response": ${'['.repeat(200_000)}`)(request);
    }),
    answer('headers without an end', 'engine_protocol', 'engine_protocol', (request) => {
      request.socket.write(OK);
      pour(request, () => `X-Long: ${'x'.repeat(KIB_64)}\r\n`);
    }),
    answer('a header line without an end', 'engine_protocol', 'engine_protocol', (request) => {
      request.socket.write(`${OK}X-Long: `);
      pour(request, () => 'x'.repeat(KIB_64));
    }),
    answer('interim replies without an end', 'engine_timeout', 'no_media', (request) => {
      drip(request, 1, () => 'HTTP/1.1 100 Continue\r\n\r\n'.repeat(100));
    }),
    answer('a gzip bomb', 'engine_protocol', 'engine_protocol', (request) => {
      text(`${OK}Content-Encoding: gzip\r\nContent-Length: ${BOMB.length}\r\n\r\n`, BOMB)(request);
    }),
    answer(
      'a chunk size that is no number',
      'engine_protocol',
      'engine_closed',
      text(chunked, 'zz\r\n{}\r\n0\r\n\r\n'),
    ),
    answer(
      'a chunk size beyond all numbers',
      'engine_protocol',
      'engine_closed',
      text(chunked, 'ffffffffffffffffff\r\n{}'),
    ),
    answer('a chunk extension without an end', 'engine_protocol', 'engine_closed', (request) => {
      request.socket.write(`${chunked}2;`);
      pour(request, () => 'x'.repeat(KIB_64));
    }),
    answer(
      'a second status line among its headers',
      'engine_protocol',
      'engine_protocol',
      text(`${OK}Content-Type: video/mp2t\r\n${OK}\r\n`, '{}'),
    ),
    answer(
      'a redirect to another host',
      'foreign_redirect',
      'engine_protocol',
      text(`HTTP/1.1 302 Found\r\nLocation: ${elsewhere}\r\n\r\n`),
    ),
    answer(
      'a redirect to a file',
      'foreign_redirect',
      'engine_protocol',
      text('HTTP/1.1 302 Found\r\nLocation: file:///etc/passwd\r\n\r\n'),
    ),
    answer('a change of protocols', 'engine_timeout', 'no_media', ({ socket }) => {
      socket.end('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n');
    }),
    answer('nothing', 'engine_timeout', 'no_media', () => {}),
    answer('a byte now and then', 'engine_timeout', 'no_media', (request) => {
      let sent = 0;
      drip(request, 100, () => `${OK}X-Slow: ${'x'.repeat(5_000)}`.charAt(sent++));
    }),
  ];
}
