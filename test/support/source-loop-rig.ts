import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import type { Timer } from '../../src/base/clock.ts';
import { ManualClock } from '../../src/base/manual-clock.ts';
import { AcemuxError, type ReasonCode } from '../../src/base/reasons.ts';
import type { Playback, SelectorKind } from '../../src/engine/types.ts';
import type { KnownName } from '../../src/session/known-names.ts';
import type { EngineSource } from '../../src/session/ports.ts';
import type { SourceAttempt } from '../../src/session/source-attempt.ts';
import type { SourceVerdict } from '../../src/session/source-health.ts';
import { SourceLoop } from '../../src/session/source-loop.ts';
import type { SourceLoopChoice, SourceLoopOwner } from '../../src/session/source-loop-deps.ts';
import { silentLog } from '../../src/telemetry/log.ts';
import { FakeEngine, FakeEngineSource, INFOHASH, RecordingObserver } from './fake-engines.ts';

export const FIRST_BYTE_TIMEOUT_MS = 30_000;
export const START_TIMEOUT_MS = 60_000;

/** Writes down what it hears. */
export class RecordingOwner implements SourceLoopOwner {
  clientCount = 1;
  readonly heard: string[] = [];
  /** Called with each word that it hears. */
  onWord: (word: string) => void = () => {};

  /** What the source in use is held to be. */
  verdict: SourceVerdict = { kind: 'fine' };
  held = 0;
  ticks = 0;
  #attempt: SourceAttempt | undefined;

  /** The attempt that began last. */
  get attempt(): SourceAttempt {
    assert.ok(this.#attempt);
    return this.#attempt;
  }

  onAttempt(attempt: SourceAttempt): void {
    this.#attempt = attempt;
    this.#hear('begins');
  }

  onAttemptAside(): void {}

  onCalled(): void {}

  onSetAside(): void {}

  onAttemptOver(): void {}

  judge(): SourceVerdict {
    return this.verdict;
  }

  heldMs(): number {
    return this.held;
  }

  onTick(): void {
    this.ticks++;
  }

  onIdentified({ infohash }: KnownName): void {
    this.#hear(`identified ${infohash[0]}`);
  }

  onPlayback(_attempt: SourceAttempt, _playback: Playback, kind: SelectorKind): void {
    this.#hear(`playback by ${kind}`);
  }

  onMedia(_attempt: SourceAttempt, chunk: Buffer): void {
    this.#hear(`media ${chunk.toString()}`);
  }

  onExhausted(error: AcemuxError): void {
    this.#hear(`exhausted: ${error.code}`);
  }

  #hear(word: string): void {
    this.heard.push(word);
    this.onWord(word);
  }
}

interface Choices {
  readonly after?: Promise<void>;
  readonly identity?: SourceLoopChoice['identity'];
  readonly engines?: EngineSource;
  readonly clock?: ManualClock;
}

/** A loop over engines; when the test is over, nothing of it may be left. */
export function loopRig(t: TestContext, engines: readonly FakeEngine[], choices: Choices = {}) {
  const { clock = new ManualClock() } = choices;
  const source = new FakeEngineSource(...engines);
  const observer = new RecordingObserver();
  const owner = new RecordingOwner();
  const loop = new SourceLoop({
    selector: { kind: 'id', hash: 'a'.repeat(40), parameters: {} },
    stream: { id: 'a'.repeat(40), keyType: 'content_id', isLive: true },
    after: Promise.resolve(),
    identity: { infohash: INFOHASH, kind: 'id', isLive: true },
    preferredEngine: undefined,
    engines: source,
    ...choices,
    observer,
    owner,
    firstByteTimeoutMs: FIRST_BYTE_TIMEOUT_MS,
    startTimeoutMs: START_TIMEOUT_MS,
    hedgeAfterMs: 0,
    retryBudgetMs: 120_000,
    spliceWaitMs: 10_000,
    standby: 'off',
    clock,
    log: silentLog(),
  });
  t.after(async () => {
    await loop.stop('shutdown');
    for (const engine of engines) {
      assert.deepEqual(engine.stopped, engine.opened, `all that was opened on ${engine.id} is stopped`);
      assert.equal(engine.slotsTaken, 0, `the slot on ${engine.id} is given back`);
    }
    assert.equal(clock.pendingTimers, 0);
  });
  /** What the fleet was told: the engine and its failure, or ok. */
  const reports = (): string[] =>
    source.reports.map(({ engineId, outcome }) => `${engineId}: ${outcome.ok ? 'ok' : outcome.reason}`);
  return { clock, source, observer, owner, loop, reports };
}

export function refusing(id: string, code: ReasonCode): FakeEngine {
  return new FakeEngine(id, async () => {
    throw new AcemuxError(code);
  });
}

/** A clock on which START_TIMEOUT comes when the test says so, in the midst of whatever runs. */
export class DeadlineClock extends ManualClock {
  fireDeadline: () => void = () => {};

  override startTimer(delayMs: number, fire: () => void): Timer {
    if (delayMs === START_TIMEOUT_MS) this.fireDeadline = fire;
    return super.startTimer(delayMs, fire);
  }
}
