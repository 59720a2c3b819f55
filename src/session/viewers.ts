import type { Clock } from '../base/clock.ts';
import { AcemuxError, type ReasonCode } from '../base/reasons.ts';
import type { Attachment, ViewerInfo, ViewerProgress } from './attachment.ts';
import { newClientId } from './client-id.ts';
import type { ObservedClient, ObservedStream, SessionObserver } from './ports.ts';

/** One viewer that was let in. */
interface Member {
  readonly client: ObservedClient;
  readonly viewer: ViewerInfo;
  /** Wall clock, milliseconds since the Unix epoch. */
  readonly joinedAtMs: number;
  /** Aborted when its connection must end although the session goes on. */
  readonly expulsion: AbortController;
  isPaused: boolean;
  look: (() => ViewerProgress) | undefined;
}

export interface ViewersDeps {
  readonly stream: ObservedStream;
  readonly observer: SessionObserver;
  readonly clock: Clock;
}

/** What a viewer's attachment has of its session. */
export interface Admission extends Pick<Attachment, 'session' | 'openCursor'> {
  /** Called once when the viewer is gone. */
  readonly onLeft: () => void;
}

/** A viewer as it is shown: a copy, taken at one moment. */
export interface ViewerDetail {
  readonly id: string;
  /** IP address. */
  readonly address: string;
  readonly userAgent: string | undefined;
  /** What it calls itself; undefined: nothing. */
  readonly name: string | undefined;
  readonly joinedAtMs: number;
  readonly isPaused: boolean;
  /** Undefined: its output has not begun yet. */
  readonly progress: ViewerProgress | undefined;
}

/** The viewers of one session that were let in, and are not gone. */
export class Viewers {
  readonly #deps: ViewersDeps;
  readonly #members = new Set<Member>();
  #paused = 0;

  constructor(deps: ViewersDeps) {
    this.#deps = deps;
  }

  get count(): number {
    return this.#members.size;
  }

  /** How many of them have paused. */
  get pausedCount(): number {
    return this.#paused;
  }

  /** Lets one in that asked for it at `askedAtMs`, on the clock. */
  admit(viewer: ViewerInfo, askedAtMs: number, { onLeft, ...admission }: Admission): Attachment {
    const { clock, observer, stream } = this.#deps;
    const { address, name, request } = viewer;
    const client: ObservedClient = { id: newClientId(), address, name, request };
    const member: Member = {
      client,
      viewer,
      joinedAtMs: clock.wallMs(),
      expulsion: new AbortController(),
      isPaused: false,
      look: undefined,
    };
    this.#members.add(member);
    if (!viewer.isVisitor) observer.clientJoined(stream, client);
    let isServed = false;
    return {
      ...admission,
      viewer,
      client,
      expulsion: member.expulsion.signal,
      notePaused: (isPaused) => this.#notePaused(member, isPaused),
      showProgress: (look) => {
        member.look = look;
      },
      noteServed: (output) => {
        if (!isServed) observer.clientServed((clock.nowMs() - askedAtMs) / 1000, output);
        isServed = true;
      },
      notePause: (pauseMs) => observer.clientStarved(pauseMs / 1000),
      leave: (reason) => {
        this.#notePaused(member, false);
        if (!this.#members.delete(member)) return;
        if (!viewer.isVisitor) observer.clientLeft(reason, stream, client);
        onLeft();
      },
    };
  }

  #notePaused(member: Member, isPaused: boolean): void {
    if (!this.#members.has(member) || isPaused === member.isPaused) return;
    member.isPaused = isPaused;
    this.#paused += isPaused ? 1 : -1;
  }

  /** Ends the connection of one, by its id; false: there is no such. */
  expel(clientId: string, reason: ReasonCode): boolean {
    const member = this.#members.values().find(({ client }) => client.id === clientId);
    member?.expulsion.abort(new AcemuxError(reason));
    return member !== undefined;
  }

  /** In the order in which they came; not those who only look whether there is something. */
  list(): readonly ViewerDetail[] {
    return [...this.#members]
      .filter(({ viewer }) => !viewer.isVisitor)
      .map(({ client, viewer, joinedAtMs, isPaused, look }) => ({
        id: client.id,
        address: client.address,
        userAgent: viewer.userAgent,
        name: viewer.name,
        joinedAtMs,
        isPaused,
        progress: look?.(),
      }));
  }
}
