import { EVENT_SUBJECTS, EVENT_TABLE, type EventDeclaration, type EventSubject } from './event-table.ts';

/** The name of an event's type: `subject.what`. */
export type EventType = keyof typeof EVENT_TABLE;

export const EVENT_TYPES: Readonly<Record<EventType, EventDeclaration>> = EVENT_TABLE;

interface Values {
  readonly text: string;
  readonly number: number;
  readonly flag: boolean;
  readonly texts: readonly string[];
}

type ValueOf<Kind> = Kind extends `${infer Plain extends keyof Values}?`
  ? Values[Plain] | undefined
  : Kind extends keyof Values
    ? Values[Kind]
    : never;
type Details<Table> = {
  readonly [Name in keyof Table as Table[Name] extends `${string}?` ? never : Name]: ValueOf<Table[Name]>;
} & {
  readonly [Name in keyof Table as Table[Name] extends `${string}?` ? Name : never]?: ValueOf<Table[Name]>;
};

/** What the table says that an event of this type tells. */
export type EventDetails<Type extends EventType> = Details<(typeof EVENT_TABLE)[Type]['details']>;

/** Whom an event is about, by their ids, and what brought it about. */
export interface EventContext {
  /** The 40-hex name that the stream's session was first asked for. */
  readonly session?: string | undefined;
  readonly engine?: string | undefined;
  readonly client?: string | undefined;
  readonly request?: string | undefined;
  /** The id of the earlier event that brought this one about. */
  readonly causeId?: number | undefined;
}

/** Something that has happened. */
export interface AcemuxEvent extends EventContext {
  /**
   * Greater than that of every event before, and one more than the last of the same life of acemux. A life's first is the
   * wall clock's microseconds at its beginning, so that an id of an earlier life is known by being smaller.
   */
  readonly id: number;
  readonly type: EventType;
  /** Wall clock, milliseconds since the Unix epoch. */
  readonly wallMs: number;
  /** As the table declares them; what is undefined was left out. Without secrets. */
  readonly details: Readonly<Record<string, DetailValue>>;
}

export type DetailValue = string | number | boolean | readonly string[];

/** Whom components tell what happens. */
export interface EventSink {
  /** Tells an event; cheap, and never throws. Returns its id, to be the `causeId` of what it brings about. */
  emit<Type extends EventType>(type: Type, details: EventDetails<Type>, context?: EventContext): number;
}

/** For tests that look elsewhere. */
export function silentEvents(): EventSink {
  return { emit: () => 0 };
}

/** The first word of a type's name. */
export function subjectOf(type: EventType): EventSubject {
  const word = type.slice(0, type.indexOf('.'));
  // The table's own type says that it is one.
  return Object.keys(EVENT_SUBJECTS).find((subject): subject is EventSubject => subject === word)!;
}

/** What follows the subject: acestream-orchestrator's `category`. */
export function happeningOf(type: EventType): string {
  return type.slice(type.indexOf('.') + 1);
}

export function isEventType(text: string): text is EventType {
  return Object.hasOwn(EVENT_TABLE, text);
}

/** The event as a sentence for people: what the table says, and the details. */
export function messageOf({ type, details }: Pick<AcemuxEvent, 'type' | 'details'>): string {
  const { what } = EVENT_TYPES[type];
  const told = Object.entries(details).map(([name, value]) => `${name} ${textOf(value)}`);
  return told.length === 0 ? what : `${what} (${told.join(', ')})`;
}

function textOf(value: DetailValue): string {
  return typeof value === 'object' ? value.join(' ') : String(value);
}
