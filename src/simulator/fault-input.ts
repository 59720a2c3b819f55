/** Reads a fault that came as JSON. Total: whatever comes gives a fault or a sentence that says what is wrong. */
import { ENGINE_ONLY, type Fault, type FaultRequest, type FaultTarget, type Route } from './fault-kinds.ts';

import { MEDIA_NAMES } from './media-library.ts';

type Fields = Readonly<Record<string, unknown>>;

const ROUTES: readonly Route[] = [
  'start',
  'manifest',
  'playlist',
  'segment',
  'redirect',
  'content',
  'stat',
  'stop',
  'command',
  'event',
  'service',
  'other',
];

class Unreadable extends Error {}

/** `{"fault": {"kind": …}, "target"?: {"infohash"?, "session"?}, "afterMs"?, "afterBytes"?, "durationMs"?}` */
export function readFaultRequest(input: unknown): FaultRequest | { readonly problem: string } {
  try {
    const fields = fieldsOf(input, 'the body');
    const durationMs = optionalNumber(fields, 'durationMs');
    const fault = readFault(fieldsOf(fields['fault'], '`fault`'));
    const target = fields['target'] === undefined ? {} : readTarget(fieldsOf(fields['target'], '`target`'));
    if (ENGINE_ONLY.has(fault.kind) && Object.keys(target).length > 0) {
      throw new Unreadable(`"${fault.kind}" is of the whole engine: it takes no target`);
    }
    return {
      fault,
      target,
      ...strikesAfter(fields),
      ...(durationMs !== undefined && { durationMs }),
    };
  } catch (error) {
    if (error instanceof Unreadable) return { problem: error.message };
    throw error;
  }
}

function readTarget(fields: Fields): FaultTarget {
  const infohash = optionalText(fields, 'infohash');
  const session = optionalText(fields, 'session');
  return { ...(infohash !== undefined && { infohash }), ...(session !== undefined && { session }) };
}

function readFault(fields: Fields): Fault {
  const kind = text(fields, 'kind');
  switch (kind) {
    case 'refuse':
    case 'reset':
    case 'http503':
    case 'hangConnect':
    case 'halfDead':
    case 'zeroPeers':
    case 'invalidJson':
    case 'emptyBody':
    case 'htmlBody':
    case 'hugeBody':
    case 'redirectLoop':
    case 'disconnected':
    case 'apiHang':
    case 'supersede':
    case 'networkDown':
    case 'tsScrambled':
    case 'keepAlivePoison':
    case 'strictHost':
      return { kind };
    case 'doubleReader':
      return { kind, status: oneOf(fields['status'] ?? 200, 'status', [200, 500] as const) };
    case 'restart':
      return { kind, downMs: optionalNumber(fields, 'downMs') ?? 0 };
    case 'oom':
      return { kind, streams: number(fields, 'streams'), downMs: optionalNumber(fields, 'downMs') ?? 0 };
    case 'expireEarly':
      return { kind, lifetimeMs: number(fields, 'lifetimeMs') };
    case 'wrongKind':
      return { kind, works: oneOf(fields['works'], 'works', ['id', 'infohash'] as const) };
    case 'tsLoss':
    case 'tsCorrupt':
    case 'tsBadSync':
    case 'tsCcErr':
      return { kind, probability: share(fields, 'probability') };
    case 'bitrateChange':
      return { kind, factor: positive(fields, 'factor') };
    case 'starve':
      return { kind, factor: share(fields, 'factor') };
    case 'pcrJump':
      return { kind, seconds: anyNumber(fields, 'seconds') };
    case 'ptsWrap': {
      const inSeconds = optionalNumber(fields, 'inSeconds');
      return { kind, ...(inSeconds !== undefined && { inSeconds }) };
    }
    case 'pmtChange': {
      const pidOffset = optionalNumber(fields, 'pidOffset');
      const media = fields['media'];
      return {
        kind,
        ...(pidOffset !== undefined && { pidOffset }),
        ...(media !== undefined && { media: oneOf(media, 'media', MEDIA_NAMES) }),
      };
    }
    case 'tsPause':
      return { kind, seconds: number(fields, 'seconds') };
    case 'loop':
      return {
        kind,
        seconds: positive(fields, 'seconds'),
        livepos: oneOf(fields['livepos'] ?? 'frozen', 'livepos', ['frozen', 'lagging', 'back'] as const),
      };
    case 'slowReaderBackpressure':
      return { kind, toleratedMs: number(fields, 'toleratedMs') };
    case 'hangBeforeHeaders': {
      const routes = fields['routes'];
      if (routes === undefined) return { kind };
      if (!Array.isArray(routes)) throw new Unreadable('`routes` is a list');
      return { kind, routes: routes.map((route) => oneOf(route, 'routes', ROUTES)) };
    }
    case 'hangMidStream': {
      const status = fields['status'];
      return {
        kind,
        ...(status !== undefined && { status: oneOf(status, 'status', ['dl', 'buf'] as const) }),
        ...strikesAfter(fields),
      };
    }
    case 'cut':
      return {
        kind,
        how: oneOf(fields['how'] ?? 'fin', 'how', ['fin', 'rst'] as const),
        ...strikesAfter(fields),
      };
    case 'slowStart':
      return {
        kind,
        headersMs: optionalNumber(fields, 'headersMs') ?? 0,
        firstByteMs: optionalNumber(fields, 'firstByteMs') ?? 0,
        dribble: fields['dribble'] === true,
      };
    case 'peersNoData':
      return { kind, peers: optionalNumber(fields, 'peers') ?? 5 };
    case 'errorJson': {
      const extraData = fields['extraData'];
      return {
        kind,
        error: text(fields, 'error'),
        ...(extraData !== undefined && { extraData: fieldsOf(extraData, '`extraData`') }),
      };
    }
    case 'mediaStatus': {
      const body = optionalText(fields, 'body');
      const status = oneOf(fields['status'] ?? 500, 'status', [404, 500, 502, 503] as const);
      return { kind, status, ...(body !== undefined && { body }) };
    }
    case 'redirectBodyHang': {
      const closeAfterMs = optionalNumber(fields, 'closeAfterMs');
      return { kind, ...(closeAfterMs !== undefined && { closeAfterMs }) };
    }
    case 'redirectOtherHost':
      return { kind, host: text(fields, 'host') };
    case 'redirectForeign':
      return { kind, url: text(fields, 'url') };
    default:
      throw new Unreadable(`there is no fault of kind "${kind}"`);
  }
}

function strikesAfter(fields: Fields): { readonly afterBytes?: number; readonly afterMs?: number } {
  const afterBytes = optionalNumber(fields, 'afterBytes');
  const afterMs = optionalNumber(fields, 'afterMs');
  return { ...(afterBytes !== undefined && { afterBytes }), ...(afterMs !== undefined && { afterMs }) };
}

function fieldsOf(value: unknown, what: string): Fields {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new Unreadable(`${what} is an object`);
  }
  return Object.fromEntries(Object.entries(value));
}

function text(fields: Fields, name: string): string {
  const value = optionalText(fields, name);
  if (value === undefined) throw new Unreadable(`\`${name}\` is missing`);
  return value;
}

function optionalText(fields: Fields, name: string): string | undefined {
  const value = fields[name];
  if (value === undefined || typeof value === 'string') return value;
  throw new Unreadable(`\`${name}\` is a text`);
}

function number(fields: Fields, name: string): number {
  const value = optionalNumber(fields, name);
  if (value === undefined) throw new Unreadable(`\`${name}\` is missing`);
  return value;
}

function positive(fields: Fields, name: string): number {
  const value = number(fields, name);
  if (value === 0) throw new Unreadable(`\`${name}\` is more than 0`);
  return value;
}

function share(fields: Fields, name: string): number {
  const value = number(fields, name);
  if (value > 1) throw new Unreadable(`\`${name}\` is from 0 to 1`);
  return value;
}

function anyNumber(fields: Fields, name: string): number {
  const value = fields[name];
  if (typeof value === 'number' && Number.isFinite(value)) return value;
  throw new Unreadable(`\`${name}\` is a number`);
}

function optionalNumber(fields: Fields, name: string): number | undefined {
  const value = fields[name];
  if (value === undefined) return undefined;
  if (typeof value === 'number' && Number.isFinite(value) && value >= 0) return value;
  throw new Unreadable(`\`${name}\` is a number from 0 on`);
}

function oneOf<Choice extends string | number>(
  value: unknown,
  name: string,
  choices: readonly Choice[],
): Choice {
  const choice = choices.find((candidate) => candidate === value);
  if (choice === undefined) throw new Unreadable(`\`${name}\` is one of ${choices.join(', ')}`);
  return choice;
}
