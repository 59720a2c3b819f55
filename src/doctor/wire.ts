/** All connections of one examination: what is opened here is remembered for the recording, and ended with it. */
import type { Clock } from '../base/clock.ts';
import type { RecordedExchange } from '../recording/format.ts';
import { type CallRequest, RawCall } from './raw-call.ts';
import type { Redactor } from './redactor.ts';
import type { DoctorTimes } from './times.ts';

/** So much of a reply's body is kept for the recording. */
const BODY_BYTES_MAX = 64 * 1024;
/** More exchanges than this are not written down; an examination has about a hundred. */
const EXCHANGES_MAX = 20_000;

/** A whole reply of an engine's API. */
export interface TextReply {
  readonly call: RawCall;
  readonly status: number;
  readonly text: string;
  /** From the request to its end. */
  readonly tookMs: number;
}

export type EngineName = 'first' | 'second';

export class Wire {
  readonly #clock: Clock;
  readonly #times: DoctorTimes;
  readonly #beganMs: number;
  readonly #open = new Set<RawCall>();
  readonly #calls: { readonly engine: EngineName; readonly call: RawCall }[] = [];
  #whenIdle: () => void = () => {};

  constructor(clock: Clock, times: DoctorTimes) {
    this.#clock = clock;
    this.#times = times;
    this.#beganMs = clock.nowMs();
  }

  /** Sends a request on a connection of its own; whoever wants less than all of it destroys the call. */
  open(engine: EngineName, request: CallRequest): RawCall {
    const call = new RawCall(
      { keepBytes: BODY_BYTES_MAX, ...request },
      {
        clock: this.#clock,
        connectTimeoutMs: this.#times.connectMs,
        onClosed: (closed) => {
          this.#open.delete(closed);
          if (this.#open.size === 0) this.#whenIdle();
        },
      },
    );
    this.#open.add(call);
    if (this.#calls.length < EXCHANGES_MAX) this.#calls.push({ engine, call });
    return call;
  }

  /**
   * One whole reply; of a redirect only the head.
   * @throws AcemuxError engine_unreachable, engine_closed, engine_protocol; the signal's reason
   */
  async text(engine: EngineName, request: CallRequest, signal: AbortSignal): Promise<TextReply> {
    const call = this.open(engine, { ...request, keepBytes: 512 * 1024 });
    try {
      const { status } = await call.untilHead(signal);
      // A redirect's body may never end (reference 2.1).
      const isRedirect = status >= 300 && status < 400;
      const text = isRedirect ? '' : (await call.untilWhole(signal)).toString('utf8');
      return { call, status, text, tookMs: this.#clock.nowMs() - call.startedMs };
    } finally {
      call.destroy();
    }
  }

  /** Ends every connection; resolves when none remains. */
  close(): Promise<void> {
    if (this.#open.size === 0) return Promise.resolve();
    const idle = new Promise<void>((resolve) => {
      this.#whenIdle = resolve;
    });
    for (const call of [...this.#open]) call.destroy();
    return idle;
  }

  /** Every request so far, as it may be told. */
  exchanges(redactor: Redactor): RecordedExchange[] {
    return this.#calls.map(({ engine, call }) => {
      const since = (atMs: number | undefined, name: string): Record<string, number> =>
        atMs === undefined ? {} : { [name]: rounded(atMs - call.startedMs) };
      const { head } = call;
      return {
        engine,
        atMs: rounded(call.startedMs - this.#beganMs),
        target: redactor.target(call.request.target),
        ...(head !== undefined && { status: head.status, headers: redactor.headers(head.headers) }),
        ...(head?.secondStatusLine === true && { secondStatusLine: true }),
        ...(call.bodyBytes > 0 && call.request.onBody === undefined && { body: redactor.body(call.body) }),
        bodyBytes: call.bodyBytes,
        ...since(call.connectedMs, 'connectedMs'),
        ...since(call.headMs, 'headMs'),
        ...since(call.firstBodyMs, 'firstByteMs'),
        ...since(call.endMs, 'endMs'),
        end: call.end ?? 'doctor',
      };
    });
  }
}

/** To tenths: more is noise, and tells machines apart. */
function rounded(milliseconds: number): number {
  return Math.max(0, Math.round(milliseconds * 10) / 10);
}
