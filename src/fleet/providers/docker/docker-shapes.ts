/** What Docker answers, read into what acemux knows: total functions, undefined for what is not of that shape. */
import type { ContainerState, InspectedContainer } from '../container-inspector.ts';
import { at, listAt, numberAt, textAt, textsAt, timeAt } from './json-reading.ts';

/** One row of the list of containers. */
export interface ListedContainer {
  readonly id: string;
  /** Without the slash that Docker puts before it; empty: it has lost its name, because it is being removed. */
  readonly name: string;
  readonly image: string;
  readonly imageId: string;
  readonly state: ContainerState;
  readonly createdAtMs: number;
  readonly labels: Readonly<Record<string, string>>;
  /** Its addresses by the names of networks; only while it runs. */
  readonly addresses: Readonly<Record<string, string>>;
}

/** One container, looked at closely. */
export interface ContainerDetails extends InspectedContainer {
  readonly finishedAtMs: number | undefined;
  readonly exitCode: number | undefined;
  readonly wasOutOfMemory: boolean;
  /** What Docker says of a start that failed. */
  readonly error: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly memoryLimitBytes: number | undefined;
  readonly addresses: Readonly<Record<string, string>>;
}

/** Something that happened to a container. */
export interface ContainerEvent {
  /** `start`, `die`, `destroy`, `oom`, …; what comes after a colon is left out. */
  readonly action: string;
  readonly id: string;
  readonly name: string;
  readonly exitCode: number | undefined;
  /** Labels, and some fields of Docker's own. */
  readonly attributes: Readonly<Record<string, string>>;
  /** Seconds since the Unix epoch with their fraction, as `since` takes it. */
  readonly time: string | undefined;
}

export interface DaemonInfo {
  /** As the kernel names it: `x86_64`, `aarch64`, `armv7l`. */
  readonly architecture: string;
  readonly memoryBytes: number | undefined;
  /** Whether containers outlive the daemon. */
  readonly isLiveRestore: boolean;
  readonly version: string;
}

const STATES: ReadonlySet<string> = new Set<ContainerState>([
  'created',
  'running',
  'paused',
  'restarting',
  'removing',
  'exited',
  'dead',
]);

export function readState(value: unknown): ContainerState {
  return isState(value) ? value : 'unknown';
}

function isState(value: unknown): value is ContainerState {
  return typeof value === 'string' && STATES.has(value);
}

/** Undefined if it is no list; rows that are none are left out. */
export function readList(value: unknown): readonly ListedContainer[] | undefined {
  if (!Array.isArray(value)) return undefined;
  return value.flatMap((row: unknown) => {
    const id = textAt(row, 'Id');
    if (id === undefined || id === '') return [];
    return [
      {
        id,
        name: String(listAt(row, 'Names')[0] ?? '').replace(/^\//, ''),
        image: textAt(row, 'Image') ?? '',
        imageId: textAt(row, 'ImageID') ?? '',
        state: readState(at(row, 'State')),
        createdAtMs: (numberAt(row, 'Created') ?? 0) * 1000,
        labels: textsAt(row, 'Labels'),
        addresses: addressesOf(at(row, 'NetworkSettings', 'Networks')),
      },
    ];
  });
}

export function readDetails(value: unknown): ContainerDetails | undefined {
  const id = textAt(value, 'Id');
  if (id === undefined || id === '') return undefined;
  const memory = numberAt(value, 'HostConfig', 'Memory') ?? 0;
  return {
    id,
    name: (textAt(value, 'Name') ?? '').replace(/^\//, ''),
    state: readState(at(value, 'State', 'Status')),
    health: readHealth(textAt(value, 'State', 'Health', 'Status')),
    startedAtMs: timeAt(value, 'State', 'StartedAt'),
    finishedAtMs: timeAt(value, 'State', 'FinishedAt'),
    exitCode: numberAt(value, 'State', 'ExitCode'),
    wasOutOfMemory: at(value, 'State', 'OOMKilled') === true,
    error: textAt(value, 'State', 'Error') ?? '',
    labels: textsAt(value, 'Config', 'Labels'),
    memoryLimitBytes: memory > 0 ? memory : undefined,
    addresses: addressesOf(at(value, 'NetworkSettings', 'Networks')),
  };
}

function readHealth(text: string | undefined): InspectedContainer['health'] {
  return text === 'starting' || text === 'healthy' || text === 'unhealthy' ? text : 'none';
}

function addressesOf(networks: unknown): Readonly<Record<string, string>> {
  if (typeof networks !== 'object' || networks === null) return {};
  const pairs = Object.entries(networks).map(([name, of]) => [name, textAt(of, 'IPAddress') ?? '']);
  return Object.fromEntries(pairs.filter(([, address]) => address !== ''));
}

export function readEvent(value: unknown): ContainerEvent | undefined {
  const action = textAt(value, 'Action');
  const id = textAt(value, 'Actor', 'ID');
  if (action === undefined || id === undefined || textAt(value, 'Type') !== 'container') return undefined;
  const attributes = textsAt(value, 'Actor', 'Attributes');
  const exitCode = Number(attributes['exitCode'] ?? Number.NaN);
  return {
    action: action.split(':')[0] ?? action,
    id,
    name: attributes['name'] ?? '',
    exitCode: Number.isInteger(exitCode) ? exitCode : undefined,
    attributes,
    time: readEventTime(value),
  };
}

/** The nanoseconds are more than a number of JSON holds exactly; the last digits don't matter. */
function readEventTime(value: unknown): string | undefined {
  const nanoseconds = numberAt(value, 'timeNano');
  return nanoseconds === undefined ? undefined : (nanoseconds / 1e9).toFixed(6);
}

export function readInfo(value: unknown): DaemonInfo | undefined {
  const architecture = textAt(value, 'Architecture');
  if (architecture === undefined) return undefined;
  return {
    architecture,
    memoryBytes: numberAt(value, 'MemTotal'),
    isLiveRestore: at(value, 'LiveRestoreEnabled') === true,
    version: textAt(value, 'ServerVersion') ?? '',
  };
}

const FRAME_HEADER_BYTES = 8;

/**
 * The lines of a log as `/logs` gives them: frames of a header of 8 bytes (stream, 0, 0, 0, length as uint32 BE) and
 * text; the text alone where the container has a terminal.
 */
export function readLog(body: Buffer): readonly string[] {
  const isFramed = body.length >= FRAME_HEADER_BYTES && body[0]! <= 2 && body.readUIntBE(1, 3) === 0;
  const text = isFramed ? textOfFrames(body) : body.toString('utf8');
  return text
    .split('\n')
    .map((line) => line.trimEnd())
    .filter((line) => line !== '');
}

function textOfFrames(body: Buffer): string {
  const parts: Buffer[] = [];
  for (let offset = 0; offset + FRAME_HEADER_BYTES <= body.length; ) {
    const length = body.readUInt32BE(offset + 4);
    offset += FRAME_HEADER_BYTES;
    parts.push(body.subarray(offset, offset + length));
    offset += length;
  }
  return Buffer.concat(parts).toString('utf8');
}
