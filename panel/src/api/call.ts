import { signal } from '@preact/signals';
import type { Replies } from './replies.ts';

/** acemux itself: the panel is one level below it, wherever a proxy has put both. */
export const BASE = new URL('../', document.baseURI);

/** Why somebody is asked for a key: to see, or for an act that was refused. Undefined: nobody is. */
export const keyWanted = signal<'view' | 'act' | 'expired' | undefined>(undefined);

/** A refusal, in acemux's words. */
export class RefusedError extends Error {
  readonly status: number;
  /** A reason code; empty where no reply came. */
  readonly code: string;

  constructor(status: number, code: string, detail: string) {
    super(detail);
    this.status = status;
    this.code = code;
  }
}

/** Whether this page has had a login: then a refusal means that it is over. */
let wasLoggedIn = false;

export function noteLogin(isLoggedIn: boolean): void {
  wasLoggedIn = isLoggedIn;
}

export function url(path: string): string {
  return new URL(path.replace(/^\//, ''), BASE).href;
}

/** @throws RefusedError, and the signal's reason */
export async function get<Name extends keyof Replies & `GET ${string}`>(
  _name: Name,
  path: string,
  signal?: AbortSignal,
): Promise<Replies[Name]> {
  const reply = await send('GET', path, undefined, signal);
  return reply as Replies[Name];
}

/** As `get`, for what the types do not know. */
export function getAny(path: string, signal?: AbortSignal): Promise<unknown> {
  return send('GET', path, undefined, signal);
}

/** @throws RefusedError; one for want of a key has the panel ask for it */
export async function act(
  method: 'POST' | 'DELETE' | 'PATCH' | 'PUT',
  path: string,
  body?: unknown,
): Promise<unknown> {
  try {
    return await send(method, path, body);
  } catch (error) {
    if (error instanceof RefusedError && (error.status === 401 || error.code === 'key_wrong')) {
      keyWanted.value = wasLoggedIn ? 'expired' : 'act';
    }
    throw error;
  }
}

async function send(method: string, path: string, body?: unknown, signal?: AbortSignal): Promise<unknown> {
  const headers = new Headers({ Accept: 'application/json' });
  if (body !== undefined) headers.set('Content-Type', 'application/json');
  let response: Response;
  try {
    response = await fetch(url(path), {
      method,
      headers,
      credentials: 'same-origin',
      cache: 'no-store',
      ...(body !== undefined && { body: JSON.stringify(body) }),
      ...(signal && { signal }),
    });
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new RefusedError(0, '', 'acemux does not answer.');
  }
  const text = await response.text();
  if (response.ok) return text === '' ? undefined : JSON.parse(text);
  throw refusalIn(response.status, text);
}

function refusalIn(status: number, text: string): RefusedError {
  try {
    const { detail, code } = Object(JSON.parse(text));
    const message = typeof detail === 'string' ? detail : String(detail?.message ?? `It answers ${status}.`);
    return new RefusedError(status, String(code ?? ''), message);
  } catch {
    return new RefusedError(status, '', `It answers ${status}.`);
  }
}

/**
 * Gives this browser a cookie that stands for the key; the page forgets the key itself.
 * @throws RefusedError if it is none
 */
export async function logInWith(key: string): Promise<void> {
  await send('POST', '/login', { key });
}
