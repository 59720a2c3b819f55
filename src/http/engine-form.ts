import type { FastifyReply, FastifyRequest } from 'fastify';
import type { ReasonCode } from '../base/reasons.ts';
import { pythonJson } from './python-json.ts';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Whether who asks is a program that was written for an engine, and reads `error` of a refusal. */
    speaksEngine?: (request: FastifyRequest) => boolean;
  }
}

/** An engine's own words, which programs compare (reference 4.1). */
const ENGINE_WORDS: { readonly [Code in ReasonCode]?: string } = {
  content_unknown: 'failed to load content',
  lease_unknown: 'unknown playback session id',
};

/** The two halves of an engine's reply; one of them is null (reference 2). */
export interface EngineEnvelope {
  readonly response: unknown;
  readonly error: string | null;
}

/** A refusal for programs of engines and for those that know acemux, in one body. */
export function refusalInEngineForm<Body extends { readonly code: ReasonCode; readonly detail: string }>(
  body: Body,
): EngineEnvelope & Body {
  return { response: null, error: ENGINE_WORDS[body.code] ?? body.detail, ...body };
}

export const JSON_HEADERS = {
  'Content-Type': 'application/json; charset=utf-8',
  // A playback's address and state are worth nothing to anybody else, and soon to nobody.
  'Cache-Control': 'no-store',
} as const;

/** Sends JSON as engines write it, with a space behind commas and colons: some programs search the text. */
export function sendInEngineForm(reply: FastifyReply, envelope: EngineEnvelope): FastifyReply {
  return reply.headers(JSON_HEADERS).send(pythonJson(envelope));
}
