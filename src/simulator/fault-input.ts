/** Reads a fault that came as JSON. Total: whatever comes gives a fault or a sentence that says what is wrong. */
import type { Fault, FaultRequest, FaultTarget, Route } from './faults.ts';

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

/** `{"fault": {"kind": …}, "target"?: {"infohash"?, "session"?}, "durationMs"?}` */
export function readFaultRequest(input: unknown): FaultRequest | { readonly problem: string } {
  try {
    const fields = fieldsOf(input, 'the body');
    const durationMs = optionalNumber(fields, 'durationMs');
    return {
      fault: readFault(fieldsOf(fields['fault'], '`fault`')),
      target: fields['target'] === undefined ? {} : readTarget(fieldsOf(fields['target'], '`target`')),
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
      return { kind };
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
