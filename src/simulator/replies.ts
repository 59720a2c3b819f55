import { baseUrl, type EngineCore } from './engine-core.ts';
import type { FaultTarget } from './faults.ts';
import { type Json, pythonJson } from './json.ts';
import type { Exchange } from './wire.ts';

/** A JSON reply, or JSONP where the query asks for it. */
export function replyJson(core: EngineCore, exchange: Exchange, body: Json, status = 200): void {
  const { query } = exchange.request;
  const { jsonSpacing, headerShapes } = core.profile;
  const text = jsonSpacing === 'python' ? pythonJson(body) : JSON.stringify(body);
  const shape = headerShapes.json;
  const callback = query.get('format') === 'jsonp' ? query.get('callback') : null;
  if (callback === null) exchange.reply({ status, contentType: 'application/json', body: text, shape });
  else exchange.reply({ status, contentType: 'application/javascript', body: `${callback}(${text});` });
}

export function replyText(exchange: Exchange, status: number, text: string): void {
  exchange.reply({ status, contentType: 'text/plain', body: text });
}

/**
 * A redirect in the engine's wire form: neither a length nor `Connection: close`, a short body that only the
 * end of the connection delimits (reference 2.1, item 46).
 */
export async function redirect(
  core: EngineCore,
  exchange: Exchange,
  location: string,
  whom: FaultTarget,
): Promise<void> {
  const hang = core.faults.find('redirectBodyHang', whom);
  const body = `Redirect to ${location}`;
  const shape = core.profile.headerShapes.redirect;
  const headers: [string, string][] = [
    ['Location', location],
    ['Access-Control-Allow-Origin', '*'],
  ];
  // Told only where a recorded form has a place for it.
  if (shape !== undefined) headers.push(['Content-Length', String(body.length)]);
  const socket = exchange.begin(302, headers, shape);
  socket.write(body);
  const usualMs = core.profile.redirectStaysOpen ? undefined : core.delays.redirectCloseMs;
  const closeMs = hang === undefined ? usualMs : hang.fault.closeAfterMs;
  if (closeMs === undefined) return;
  if (closeMs > 0) await pause(core, exchange.signal, closeMs);
  if (!exchange.signal.aborted) socket.end();
}

/** A redirect to a path of the engine itself. */
export function redirectWithin(
  core: EngineCore,
  exchange: Exchange,
  path: string,
  whom: FaultTarget,
): Promise<void> {
  return redirect(core, exchange, `${baseUrl(core, exchange, whom)}${path}`, whom);
}

/**
 * Waits on the simulator's clock, or until `signal` (a connection gone, as a rule) aborts. Leaves nothing behind
 * on either path.
 */
export function pause(core: EngineCore, signal: AbortSignal, delayMs: number): Promise<void> {
  if (delayMs <= 0 || signal.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    const done = (): void => {
      timer.cancel();
      signal.removeEventListener('abort', done);
      resolve();
    };
    const timer = core.clock.startTimer(delayMs, done);
    signal.addEventListener('abort', done, { once: true });
  });
}
