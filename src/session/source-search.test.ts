import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  FakeEngine,
  FakeEngineSource,
  INFOHASH,
  RecordingObserver,
} from '../../test/support/fake-engines.ts';
import { RecordingOwner, refusing } from '../../test/support/source-loop-rig.ts';
import { ManualClock } from '../base/manual-clock.ts';
import { AcemuxError } from '../base/reasons.ts';
import { silentLog } from '../telemetry/log.ts';
import type { SourceAttempt } from './source-attempt.ts';
import type { SourceLoopDeps } from './source-loop-deps.ts';
import { SourceSearch } from './source-search.ts';

/** One round of asking these engines for a stream whose broadcast is known. */
function searchRig(
  engines: readonly FakeEngine[],
  choice: { lastEngine?: string; isReplacement?: boolean } = {},
) {
  const clock = new ManualClock();
  const owner = new RecordingOwner();
  const source = new FakeEngineSource(...engines);
  const abort = new AbortController();
  const attempts = new Set<SourceAttempt>();
  const found: SourceAttempt[] = [];
  const asked: string[] = [];
  const deps: SourceLoopDeps = {
    selector: { kind: 'id', hash: 'a'.repeat(40), parameters: {} },
    stream: { id: 'a'.repeat(40), keyType: 'content_id', isLive: true },
    after: Promise.resolve(),
    identity: undefined,
    preferredEngine: undefined,
    engines: source,
    observer: new RecordingObserver(),
    owner,
    firstByteTimeoutMs: 30_000,
    startTimeoutMs: 60_000,
    hedgeAfterMs: 0,
    retryBudgetMs: 120_000,
    spliceWaitMs: 10_000,
    standby: 'off',
    clock,
    log: silentLog(),
    report: ({ slot }) => void asked.push(slot.engine.id),
    afterOthers: (_attempt, conclude) => void conclude(),
    onFound: (attempt) => void found.push(attempt),
  };
  const name = { infohash: INFOHASH, kind: 'id', kindIsKnown: true, hasAsked: true } as const;
  const search = new SourceSearch(deps, { ...name }, attempts, {
    lastEngine: undefined,
    isReplacement: false,
    ...choice,
    signal: abort.signal,
  });
  return { abort, asked, attempts, clock, found, owner, search };
}

test('resolves to what was confirmed, which is the caller’s in that same turn', async () => {
  const engine = new FakeEngine('one');
  const { attempts, clock, found, search } = searchRig([engine]);
  const running = search.run();
  await clock.advance(0);
  const { trial } = search;
  assert.ok(trial);
  search.confirm(trial);
  assert.deepEqual(found, [trial]);
  assert.equal(search.trial, undefined);
  assert.equal(await running, trial);
  await trial.end('shutdown');
  assert.deepEqual([attempts.size, engine.stops, engine.slotsTaken, clock.pendingTimers], [0, 1, 0, 0]);
});

test('the engine that has lost the stream is asked last', async () => {
  const [one, two] = [refusing('one', 'engine_busy'), refusing('two', 'engine_busy')];
  const { asked, search } = searchRig([one, two], { lastEngine: 'one' });
  await assert.rejects(search.run(), { code: 'engine_busy' });
  assert.deepEqual(asked, ['two', 'one']);
});

test('a replacement that finds no peers ends the round: the broadcast stands still', async () => {
  const [one, two] = [new FakeEngine('one'), new FakeEngine('two')];
  one.peers = 0;
  const { clock, search } = searchRig([one, two], { isReplacement: true });
  const running = assert.rejects(search.run(), { code: 'zero_peers' });
  await clock.advance(30_000);
  await running;
  assert.deepEqual([two.starts.length, one.stops, one.slotsTaken], [0, 1, 0]);
});

test('ends with the signal’s reason, at whatever moment, and leaves nothing behind', async () => {
  for (const turns of [0, 1, 2, 3, 4, 5, 6, 8, 12]) {
    const engine = new FakeEngine('one');
    const { abort, attempts, clock, search } = searchRig([engine]);
    const running = assert.rejects(search.run(), { code: 'idle' });
    for (let turn = 0; turn < turns; turn++) await Promise.resolve();
    abort.abort(new AcemuxError('idle'));
    await running;
    await clock.advance(0);
    assert.deepEqual(engine.stopped.length, engine.opened.length);
    assert.deepEqual(
      [attempts.size, engine.slotsTaken, clock.pendingTimers],
      [0, 0, 0],
      `after ${turns} turns`,
    );
  }
});

test('what was handed over is somebody else’s: neither the end of the search nor a word about it touches it', async () => {
  const engine = new FakeEngine('one');
  const { abort, clock, search } = searchRig([engine]);
  const running = assert.rejects(search.run(), { code: 'merged' });
  await clock.advance(0);
  const { trial } = search;
  assert.ok(trial);
  search.handOver(trial);
  search.reject(trial, 'superseded');
  search.confirm(trial);
  abort.abort(new AcemuxError('merged'));
  await running;
  await clock.advance(0);
  assert.deepEqual([engine.stops, engine.slotsTaken], [0, 1]);
  await trial.end('shutdown');
  assert.deepEqual([engine.stops, engine.slotsTaken], [1, 0]);
});
