import { createHmac } from 'node:crypto';
import { type Clock, sleep } from '../base/clock.ts';
import { type AcemuxEvent, EVENT_TYPES, subjectOf } from './events/event.ts';
import type { Log } from './log.ts';

/** What waits for one receiver; more is lost, the newest first. */
const QUEUE_MAX = 200;
/** One try may take so long, milliseconds. */
const TRY_MS = 10_000;
/** From one try to the next, milliseconds; after the last it is given up. */
const PAUSES_MS = [1_000, 5_000];

/** WEBHOOKS, WEBHOOK_EVENTS and WEBHOOK_SECRET. */
export interface WebhookChoice {
  readonly urls: readonly string[];
  readonly events: readonly string[];
  readonly secret: string | undefined;
}

/** `dropped`: so many waited already; `failed`: three tries were in vain. */
export type WebhookOutcome = 'delivered' | 'failed' | 'dropped';

export interface WebhooksDeps {
  /** As it is now. */
  readonly choice: () => WebhookChoice;
  /** An event as programs read it. */
  readonly jsonOf: (event: AcemuxEvent) => object;
  readonly onOver: (outcome: WebhookOutcome) => void;
  readonly clock: Clock;
  readonly log: Log;
}

/** Sends events to those who want to be told. Nobody waits for a receiver but what is to be sent to it. */
export class Webhooks {
  readonly #deps: WebhooksDeps;
  readonly #abort = new AbortController();
  readonly #receivers = new Map<string, Receiver>();

  constructor(deps: WebhooksDeps) {
    this.#deps = deps;
  }

  /** To be called with each event. */
  hear(event: AcemuxEvent): void {
    const { urls, events, secret } = this.#deps.choice();
    if (urls.length === 0 || !isWanted(event, events) || this.#abort.signal.aborted) return;
    const body = JSON.stringify(this.#deps.jsonOf(event));
    const signature =
      secret === undefined ? undefined : `sha256=${createHmac('sha256', secret).update(body).digest('hex')}`;
    for (const url of urls) this.#receiverOf(url).send({ body, event, signature });
  }

  /** Ends what is under way; what waits is lost. */
  async stop(): Promise<void> {
    this.#abort.abort();
    await Promise.all([...this.#receivers.values()].map((receiver) => receiver.idle));
  }

  #receiverOf(url: string): Receiver {
    const known = this.#receivers.get(url);
    if (known) return known;
    // Of addresses that are configured no longer nothing is kept but what is under way.
    const { urls } = this.#deps.choice();
    for (const old of this.#receivers.keys()) if (!urls.includes(old)) this.#receivers.delete(old);
    const receiver = new Receiver(url, this.#deps, this.#abort.signal);
    this.#receivers.set(url, receiver);
    return receiver;
  }
}

interface Message {
  readonly body: string;
  readonly event: AcemuxEvent;
  readonly signature: string | undefined;
}

/** One address: what is to be sent to it goes one after the other, so that it comes in order. */
class Receiver {
  readonly #url: string;
  readonly #deps: WebhooksDeps;
  readonly #signal: AbortSignal;
  readonly #waiting: Message[] = [];
  idle: Promise<void> = Promise.resolve();
  #isSending = false;
  #hasFailed = false;

  constructor(url: string, deps: WebhooksDeps, signal: AbortSignal) {
    this.#url = url;
    this.#deps = deps;
    this.#signal = signal;
  }

  send(message: Message): void {
    if (this.#waiting.length >= QUEUE_MAX) {
      this.#deps.onOver('dropped');
      return;
    }
    this.#waiting.push(message);
    if (!this.#isSending) this.idle = this.#sendAll();
  }

  /** Never rejects. */
  async #sendAll(): Promise<void> {
    this.#isSending = true;
    for (let next = this.#waiting.shift(); next && !this.#signal.aborted; next = this.#waiting.shift()) {
      const problem = await this.#deliver(next);
      if (this.#signal.aborted) break;
      this.#deps.onOver(problem === undefined ? 'delivered' : 'failed');
      this.#say(problem);
    }
    this.#isSending = false;
  }

  /** The first failure of a series is told, and its end. */
  #say(problem: string | undefined): void {
    const { host } = new URL(this.#url);
    if (problem !== undefined && !this.#hasFailed) {
      this.#deps.log.warn({ host, problem }, 'a webhook does not take what it is sent');
    }
    if (problem === undefined && this.#hasFailed)
      this.#deps.log.info({ host }, 'a webhook takes events again');
    this.#hasFailed = problem !== undefined;
  }

  /** Undefined: it has taken it. */
  async #deliver(message: Message): Promise<string | undefined> {
    for (const pauseMs of [...PAUSES_MS, undefined]) {
      const problem = await this.#try(message);
      if (problem === undefined || pauseMs === undefined) return problem;
      await sleep(this.#deps.clock, pauseMs, this.#signal).catch(() => {}); // It is to end.
      if (this.#signal.aborted) return problem;
    }
    return undefined;
  }

  async #try({ body, event, signature }: Message): Promise<string | undefined> {
    const late = new AbortController();
    const timer = this.#deps.clock.startTimer(TRY_MS, () => late.abort(new Error('no answer within 10 s')));
    try {
      const reply = await fetch(this.#url, {
        method: 'POST',
        // Where it leads is no address that the operator has configured.
        redirect: 'manual',
        signal: AbortSignal.any([this.#signal, late.signal]),
        headers: {
          'Content-Type': 'application/json',
          'User-Agent': 'acemux',
          'X-Acemux-Event': event.type,
          ...(signature !== undefined && { 'X-Acemux-Signature-256': signature }),
        },
        body,
      });
      await reply.body?.cancel();
      return reply.ok ? undefined : `it answered ${reply.status}`;
    } catch (error) {
      return error instanceof Error
        ? error.cause instanceof Error
          ? error.cause.message
          : error.message
        : 'failed';
    } finally {
      timer.cancel();
    }
  }
}

/** `names`: types, `subject.*` or `*`; none: warnings and errors. */
export function isWanted({ type }: Pick<AcemuxEvent, 'type'>, names: readonly string[]): boolean {
  if (names.length === 0) return EVENT_TYPES[type].severity !== 'info';
  return names.some((name) => name === '*' || name === type || name === `${subjectOf(type)}.*`);
}
