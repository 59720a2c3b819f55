import assert from 'node:assert/strict';
import { ManualClock } from '../../src/base/manual-clock.ts';
import { type ReasonCode, reasonOf } from '../../src/base/reasons.ts';
import type { KnownName } from '../../src/session/known-names.ts';
import { type ByteSpan, parseSpan } from '../../src/session/recorded/byte-span.ts';
import { type OpenFile, Recordings, type RecordingsLimits } from '../../src/session/recorded/recordings.ts';
import { silentLog } from '../../src/telemetry/log.ts';
import { FakeEngineSource, INFOHASH, RecordingObserver } from './fake-engines.ts';
import type { FileEngine } from './fake-files.ts';

/** The name that is asked for. */
export const ID = 'a'.repeat(40);
const VIEWER = { address: '127.0.0.1', userAgent: 'test' };
export const LIMITS: RecordingsLimits = {
  firstByteTimeoutMs: 30_000,
  startTimeoutMs: 60_000,
  retryBudgetMs: 120_000,
  earlyHeadersAfterMs: 7_000,
  clientTimeoutMs: 30_000,
  idleTimeoutMs: 300_000,
};

export interface Asked {
  readonly range?: string;
  readonly userAgent?: string;
  readonly parameters?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
}

/** Recordings over fake engines, under a clock of the test's own. */
export function recordingsHouse(...engines: FileEngine[]) {
  const clock = new ManualClock();
  const source = new FakeEngineSource(...engines);
  const observer = new RecordingObserver();
  const names = new Map<string, KnownName>([[ID, { infohash: INFOHASH, kind: 'id', isLive: false }]]);
  const recordings = new Recordings({
    engines: source,
    known: (hash) => names.get(hash),
    observer,
    limits: LIMITS,
    clock,
    log: silentLog(),
  });
  const open = (asked: Asked = {}): Promise<OpenFile> => {
    const { parameters = {}, range, signal = new AbortController().signal, userAgent = 'test' } = asked;
    const span: ByteSpan | undefined = parseSpan(range);
    const selector = { kind: 'id', hash: ID, parameters } as const;
    return recordings.open({ selector, viewer: { ...VIEWER, userAgent }, span }, signal);
  };
  return { clock, source, observer, names, recordings, open };
}

export async function readAll({ reading }: OpenFile): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const bytes of reading.bytes()) chunks.push(Buffer.from(bytes));
  reading.close('delivered');
  return Buffer.concat(chunks);
}

export async function refusal(promise: Promise<unknown>): Promise<ReasonCode> {
  try {
    await promise;
  } catch (error) {
    return reasonOf(error);
  }
  throw new Error('it was not refused');
}

/** Reads the first bytes, and stops taking more. */
export async function begin(file: OpenFile): Promise<AsyncGenerator<Buffer>> {
  const bytes = file.reading.bytes();
  assert.ok(!(await bytes.next()).done);
  return bytes;
}

export async function rest(bytes: AsyncGenerator<Buffer>): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of bytes) chunks.push(Buffer.from(chunk));
  return Buffer.concat(chunks);
}

/** As long as no promise waits for time. */
export const flush = (clock: ManualClock): Promise<void> => clock.advance(0);
