/** What can be asked of an engine without any content (reference 2, 2.7, 2.8, 2.11; open questions 9 and 10). */
import { randomBytes, randomUUID } from 'node:crypto';
import { connect } from 'node:net';
import { asRecord, looseNumber, looseText, parseJson } from '../engine/loose-json.ts';
import { bareHost } from '../engine/rewrite.ts';
import type { HeaderList } from '../recording/format.ts';
import type { CheckId } from './checks.ts';
import type { Examination, Finding } from './examination.ts';
import { headerOf } from './http-head.ts';
import type { StartOutcome } from './playbacks.ts';
import type { TextReply } from './wire.ts';

const GET_VERSION = '/webui/api/service?method=get_version';
const GREETING = 'HELLOBG version=4\r\n';

/** The engine's first reply: whether it answers HTTP at all. If it does not, nothing else is worth a try. */
export async function checkVersion(exam: Examination): Promise<TextReply | undefined> {
  return await exam.check<TextReply>('version', exam.times.apiMs, async (signal) => {
    const reply = await exam.get(GET_VERSION, signal);
    const result = asRecord(asRecord(parseJson(reply.text))?.['result']);
    const version = looseText(result?.['version']);
    const code = looseNumber(result?.['code']);
    const platform = looseText(result?.['platform']);
    if (result === undefined || version === undefined) {
      return { says: `${reply.status}, no version in it`, same: false, value: reply };
    }
    const hasWebsocketPort = result['websocket_port'] !== undefined;
    const facts =
      code === undefined || platform === undefined
        ? {}
        : {
            version: {
              code: Math.round(code),
              platform: exam.redactor.text(platform),
              version: exam.redactor.text(version),
              hasWebsocketPort,
            },
          };
    const port = hasWebsocketPort ? 'websocket_port' : 'no websocket_port';
    return { says: `${version}, code ${code}, ${platform}, ${port}`, same: true, facts, value: reply };
  });
}

/** The form of its replies, as in the first one, and the methods that tell about the engine itself. */
export async function checkApi(exam: Examination, first: TextReply): Promise<void> {
  const { apiMs } = exam.times;
  const headers = first.call.head?.headers ?? [];
  await exam.check('serverHeader', apiMs, async () => serverHeader(exam, headers));
  await exam.check('jsonSpacing', apiMs, async () => jsonSpacing(first.text));
  await exam.check('jsonHeaders', apiMs, async () => jsonHeaders(exam, headers));
  await exam.check('keepAlive', apiMs * 2, (signal) => keepAlive(exam, signal));
  await exam.check('oddHost', apiMs, async (signal) => {
    const { status } = await exam.get(GET_VERSION, signal, { host: 'acemux-doctor.invalid' });
    return { says: `HTTP ${status}`, same: status === 200 || status === 500 };
  });
  await exam.check('status', apiMs, async (signal) => {
    const { result, says } = await ask(exam, '/server/api?api_version=3&method=get_status', signal);
    return { says: result === undefined ? says : 'answered', same: result !== undefined };
  });
  await exam.check('network', apiMs, async (signal) => {
    const target = '/server/api?api_version=3&method=get_network_connection_status';
    const { result, says } = await ask(exam, target, signal);
    return { says, same: result?.['connected'] === true };
  });
  await exam.check('otherServiceMethods', apiMs, async (signal) => {
    const { result, says } = await ask(exam, '/webui/api/service?method=get_status', signal);
    const isDenied = says.includes('access denied');
    if (result === undefined && !isDenied) return { says, same: false };
    const facts = { otherServiceMethods: isDenied ? ('access-denied' as const) : ('answered' as const) };
    return { says: isDenied ? 'access denied' : 'answered', same: true, facts };
  });
  const errors: readonly (readonly [CheckId, string, string])[] = [
    ['oldVersionCall', '/server/api?method=get_version', 'access denied'],
    ['unknownMethod', '/server/api?api_version=3&method=acemux_doctor', 'unknown method'],
  ];
  for (const [id, target, wanted] of errors) {
    await exam.check(id, apiMs, async (signal) => {
      const { says } = await ask(exam, target, signal);
      return { says, same: says.includes(wanted) };
    });
  }
  await exam.check('noSelector', apiMs, async (signal) => {
    const { status, text } = await exam.get('/ace/getstream', signal);
    return { says: `HTTP ${status}: ${exam.redactor.text(text.trim())}`, same: status === 500 };
  });
  await exam.check('noSelectorJson', apiMs, async (signal) => {
    const { status, text } = await exam.get(`/ace/getstream?format=json&pid=${randomUUID()}`, signal);
    const error = looseText(asRecord(parseJson(text))?.['error']);
    return { says: `HTTP ${status}: ${error ?? exam.redactor.text(text.trim())}` };
  });
}

/** Names that nobody knows: what is said, and after how long. All at once, for each takes long. */
export async function checkUnknownNames(exam: Examination): Promise<void> {
  const { startMs } = exam.times;
  const unknown = async (kind: 'id' | 'infohash', signal: AbortSignal): Promise<Finding> => {
    const hash = invented(exam);
    const query = { [kind]: hash, pid: randomUUID() };
    const outcome = await exam.playbacks.start(
      { engine: 'first', address: exam.address, query, isInvented: true },
      signal,
    );
    if (outcome.kind === 'playback') {
      await exam.playbacks.stop(outcome.playback, signal);
      return { says: `a playback, after ${inSeconds(outcome.playback.replyMs)}`, same: false };
    }
    const delay = kind === 'id' ? { unknownIdMs: outcome.replyMs } : { unknownInfohashMs: outcome.replyMs };
    const isAsAssumed = outcome.status === 200 && outcome.text === 'failed to load content';
    const says = `${describeOutcome(outcome)}, after ${inSeconds(outcome.replyMs)}`;
    return { says, same: isAsAssumed, ...(outcome.kind === 'refused' && { facts: { delays: delay } }) };
  };
  await Promise.all([
    exam.check('unknownId', startMs + exam.times.stopMs, (signal) => unknown('id', signal)),
    exam.check('unknownInfohash', startMs + exam.times.stopMs, (signal) => unknown('infohash', signal)),
    exam.check('unknownFiles', startMs, async (signal) => {
      const target = `/server/api?api_version=3&method=get_media_files&content_id=${invented(exam)}`;
      const { says, reply } = await ask(exam, target, signal);
      return {
        says: `${says}, after ${inSeconds(reply.tookMs)}`,
        same: says.includes('cannot get transport file'),
      };
    }),
  ]);
}

/** Whether anybody greets at the telnet port; nothing is asked there. */
export async function checkTelnet(exam: Examination, port: number): Promise<void> {
  await exam.check('telnet', exam.times.apiMs + exam.times.connectMs, async (signal) => {
    const telnet = await greet(exam, port, signal);
    const words = { greets: `${port} open, answers HELLOTS`, open: `${port} open`, closed: `${port} closed` };
    return { says: words[telnet], same: telnet !== 'closed', facts: { telnet } };
  });
}

function greet(exam: Examination, port: number, signal: AbortSignal): Promise<'greets' | 'open' | 'closed'> {
  return new Promise((resolve) => {
    const socket = connect({ host: bareHost(exam.address), port });
    let isConnected = false;
    let text = '';
    const timer = exam.clock.startTimer(exam.times.connectMs, () => over());
    const over = (): void => {
      timer.cancel();
      signal.removeEventListener('abort', over);
      socket.destroy();
      resolve(text.startsWith('HELLOTS') ? 'greets' : isConnected ? 'open' : 'closed');
    };
    signal.addEventListener('abort', over, { once: true });
    socket.once('connect', () => {
      isConnected = true;
      socket.write(GREETING);
    });
    socket.on('data', (bytes) => {
      text += bytes.toString('latin1');
      if (text.length >= 'HELLOTS'.length) over();
    });
    // Refused or reset: that is the answer.
    socket.on('error', over);
    socket.on('close', over);
  });
}

interface Answer {
  readonly reply: TextReply;
  readonly result: Readonly<Record<string, unknown>> | undefined;
  /** The error's text, or what the result is. */
  readonly says: string;
}

/** A call of either service family, and what is in its envelope. @throws as `Wire.text` */
export async function ask(exam: Examination, target: string, signal: AbortSignal): Promise<Answer> {
  const reply = await exam.get(target, signal);
  const body = asRecord(parseJson(reply.text));
  const error = body?.['error'];
  const errorText = looseText(error) ?? looseText(asRecord(error)?.['message']);
  const result = asRecord(body?.['result']);
  const told =
    result === undefined ? exam.redactor.text(reply.text.trim()) : shortJson(exam.redactor.json(result));
  const prefix = reply.status === 200 ? '' : `HTTP ${reply.status}: `;
  return { reply, result, says: prefix + (errorText ?? told) };
}

export function describeOutcome(outcome: StartOutcome): string {
  if (outcome.kind === 'playback') return 'a playback';
  return `${outcome.status}, ${outcome.text}`;
}

export function inSeconds(milliseconds: number): string {
  return `${(milliseconds / 1000).toFixed(milliseconds < 10_000 ? 2 : 1)} s`;
}

function shortJson(value: unknown): string {
  const text = JSON.stringify(value);
  return text.length > 120 ? `${text.slice(0, 120)}…` : text;
}

function invented(exam: Examination): string {
  const hash = randomBytes(20).toString('hex');
  exam.redactor.know('id', hash);
  return hash;
}

function serverHeader(exam: Examination, headers: HeaderList): Finding {
  const header = headers.find(([name]) => name.toLowerCase() === 'server')?.[1];
  const shown = header === undefined ? null : exam.redactor.text(header);
  const same = header === undefined || /^BaseHTTP\/[\d.]+ Python\/[\d.]+/.test(header);
  return { says: shown ?? 'none', same, facts: { serverHeader: shown } };
}

function jsonSpacing(text: string): Finding {
  if (/"error": null/.test(text)) return { says: 'as Python', same: true, facts: { jsonSpacing: 'python' } };
  if (/"error":null/.test(text)) return { says: 'compact', same: false, facts: { jsonSpacing: 'compact' } };
  return { says: 'there is no "error": null in it', same: false };
}

function jsonHeaders(exam: Examination, headers: HeaderList): Finding {
  const names = headers.map(([name]) => name.toLowerCase());
  const shown = exam.redactor.headers(headers);
  return {
    says: shown.map(([name, value]) => `${name}: ${value}`).join('; '),
    same: names.includes('content-type') && names.includes('content-length'),
    facts: { headers: { json: exam.redactor.headerShape(headers) } },
  };
}

async function keepAlive(exam: Examination, signal: AbortSignal): Promise<Finding> {
  const call = exam.wire.open('first', { address: exam.address, target: GET_VERSION, keepAlive: true });
  try {
    const head = await call.untilHead(signal);
    const connection = headerOf(head, 'connection');
    const header = connection === undefined ? '' : `, Connection: ${exam.redactor.text(connection)}`;
    const end = await exam.attempt(exam.times.settleMs, (limit) => call.untilEnd(limit));
    const isClosed = end !== undefined;
    return { says: `${isClosed ? 'closed' : 'left open'}${header}`, same: !isClosed };
  } finally {
    call.destroy();
  }
}
