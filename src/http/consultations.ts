import type { FastifyRequest } from 'fastify';
import { untilAborted } from '../base/abort.ts';
import { AcemuxError } from '../base/reasons.ts';
import type { Consultant } from '../fleet/engine-record.ts';
import type { HttpDeps } from './deps.ts';

/** So many questions are under way at once: each keeps an engine busy for up to ten seconds. */
export const CONSULTATIONS_MAX = 16;

/** Questions that clients ask and an engine answers: without a session, without a place, and not too many at once. */
export class Consultations {
  readonly #deps: Pick<HttpDeps, 'fleet' | 'lifecycle'>;
  #underWay = 0;

  constructor(deps: Pick<HttpDeps, 'fleet' | 'lifecycle'>) {
    this.#deps = deps;
  }

  /**
   * Puts a question to a healthy engine, until it answers or its client leaves.
   * @throws AcemuxError starting, draining, no_engines_configured, no_engine_available, overloaded, client_left; what
   * the question throws
   */
  async ask<Answer>(
    request: FastifyRequest,
    question: (engine: Consultant, signal: AbortSignal) => Promise<Answer>,
  ): Promise<Answer> {
    const { fleet, lifecycle } = this.#deps;
    if (lifecycle.phase !== 'ready') throw new AcemuxError(lifecycle.phase);
    const engine = fleet.consult();
    if (!engine) {
      throw new AcemuxError(fleet.readiness().configured ? 'no_engine_available' : 'no_engines_configured');
    }
    if (this.#underWay >= CONSULTATIONS_MAX) throw new AcemuxError('overloaded');
    const departure = new AbortController();
    const onClose = (): void => departure.abort(new AcemuxError('client_left'));
    request.socket.once('close', onClose);
    this.#underWay++;
    try {
      return await untilAborted(question(engine, departure.signal), departure.signal);
    } finally {
      this.#underWay--;
      request.socket.off('close', onClose);
    }
  }
}
