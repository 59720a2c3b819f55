import type { FastifyInstance, FastifyRequest } from 'fastify';
import { AcemuxError, REASONS, type Reason, type ReasonCode } from '../base/reasons.ts';
import { Type } from '../base/schema.ts';
import type { Log } from '../telemetry/log.ts';
import type { MetricsFace } from './deps.ts';
import { refusalInEngineForm, sendInEngineForm } from './engine-form.ts';

/** The body of every refusal. */
export interface ErrorBody {
  readonly detail: string;
  readonly code: ReasonCode;
  readonly retry_after_seconds?: number;
}

export const ErrorBodySchema = Type.Object(
  {
    detail: Type.String({ description: 'What happened and what can be done about it, for people.' }),
    code: Type.String({ description: 'The reason, one word of docs/reasons.md.' }),
    retry_after_seconds: Type.Optional(Type.Number({ description: 'Present where trying again may help.' })),
  },
  { description: 'Why the request was refused.' },
);

/** What the reply to a refusal carries where no route has set any. */
export const REFUSAL_HEADERS = {
  'Content-Type': 'application/json; charset=utf-8',
  'X-Content-Type-Options': 'nosniff',
} as const;

/** A refusal as it goes over the wire. */
export interface HttpRefusal {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: ErrorBody;
}

/**
 * What a reason without a status of its own answers: it ends something that was under way, and the request that waited
 * for just that may come again.
 */
const ENDED: Required<Pick<Reason, 'status' | 'retryAfterSeconds'>> = { status: 503, retryAfterSeconds: 2 };

/** The one place where whatever was thrown becomes a reply. */
export function refusalOf(error: unknown): HttpRefusal {
  const { code, detail } = named(error);
  const reason: Reason = REASONS[code];
  const { status, retryAfterSeconds: usually } =
    reason.status === undefined ? ENDED : { retryAfterSeconds: undefined, ...reason };
  const retryAfterSeconds = (error instanceof AcemuxError ? error.retryAfterSeconds : undefined) ?? usually;
  const headers: Record<string, string> = {};
  if (retryAfterSeconds !== undefined) headers['Retry-After'] = String(retryAfterSeconds);
  // RFC 9110 11.6.1: a 401 says how to identify oneself.
  if (status === 401) headers['WWW-Authenticate'] = 'Bearer realm="acemux"';
  return {
    status: status ?? ENDED.status,
    headers,
    body: {
      detail: onOneLine(detail),
      code,
      ...(retryAfterSeconds !== undefined && { retry_after_seconds: retryAfterSeconds }),
    },
  };
}

/** What a detail quotes of a request must not look like another line of a log. */
function onOneLine(detail: string): string {
  return detail.replace(/[\p{Cc}\u2028\u2029]+/gu, ' ');
}

/** An error's reason, and the sentence for the person who asked. */
function named(error: unknown): { code: ReasonCode; detail: string } {
  if (error instanceof AcemuxError) {
    const { what, todo } = REASONS[error.code];
    // An error that says nothing about this case gets the table's advice; a house without engines always does.
    const needsAdvice = error.message === what || error.code === 'no_engines_configured';
    return { code: error.code, detail: needsAdvice ? `${error.message} ${todo}` : error.message };
  }
  const status = clientErrorStatusOf(error);
  if (status === undefined)
    return { code: 'internal', detail: `${REASONS.internal.what} ${REASONS.internal.todo}` };
  const code = status === 404 ? 'not_found' : status === 413 ? 'body_too_large' : 'bad_request';
  const { what, todo } = REASONS[code];
  const detail = code === 'bad_request' && error instanceof Error ? error.message : `${what} ${todo}`;
  return { code, detail };
}

/** The status of an error in which fastify blames the client; undefined for any other. */
function clientErrorStatusOf(error: unknown): number | undefined {
  if (!(error instanceof Error) || !('statusCode' in error)) return undefined;
  const { statusCode } = error;
  return typeof statusCode === 'number' && statusCode >= 400 && statusCode < 500 ? statusCode : undefined;
}

export interface RefusalWitness {
  readonly log: Log;
  readonly metrics: Pick<MetricsFace, 'requestRefused'>;
}

/** A request that was refused, as far as the log may know it: the query is left out, it may hold a secret. */
export interface RefusedRequest {
  readonly method: string;
  readonly path: string;
  readonly address: string;
  /** Its id. */
  readonly request: string;
  /** Whether somebody wanted to watch: such refusals are worth a line, the others are for debugging. */
  readonly isPlay: boolean;
}

/** Logs and counts a refusal. */
export function witnessRefusal(
  { log, metrics }: RefusalWitness,
  error: unknown,
  refusal: HttpRefusal,
  request: RefusedRequest,
): void {
  const { code, detail } = refusal.body;
  metrics.requestRefused(code);
  const { isPlay, ...where } = request;
  const fields = { reason: code, status: refusal.status, ...where };
  if (code === 'internal') log.error({ ...fields, err: error }, 'request failed by a mistake of acemux');
  else if (isPlay) log[refusal.status >= 500 ? 'warn' : 'info']({ ...fields, detail }, 'request refused');
  else log.debug({ ...fields, detail }, 'request refused');
}

/**
 * Makes every error of every route an answer in our shape.
 * @param write what is sent for a refusal, as JSON text; the body itself if left out
 */
export function installErrorHandler(
  app: FastifyInstance,
  witness: RefusalWitness,
  addressOf: (request: FastifyRequest) => string,
  write?: (body: ErrorBody, request: FastifyRequest) => string,
): void {
  app.setErrorHandler((error, request, reply) => {
    const refusal = refusalOf(error);
    witnessRefusal(witness, error, refusal, {
      method: request.method,
      path: pathOf(request.url),
      address: addressOf(request),
      request: request.id,
      isPlay: request.routeOptions.config.area === 'play',
    });
    reply.code(refusal.status).headers(refusal.headers).header('X-Request-Id', request.id);
    if (request.routeOptions.config.speaksEngine?.(request)) {
      return sendInEngineForm(reply, refusalInEngineForm(refusal.body));
    }
    if (!write) return reply.send(refusal.body);
    return reply.header('Content-Type', REFUSAL_HEADERS['Content-Type']).send(write(refusal.body, request));
  });
}

/** A URL without its query. */
export function pathOf(url: string): string {
  const end = url.indexOf('?');
  return end === -1 ? url : url.slice(0, end);
}
