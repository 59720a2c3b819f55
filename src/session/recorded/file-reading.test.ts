import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { FILE, FileEngine } from '../../../test/support/fake-files.ts';
import {
  begin,
  flush,
  recordingsHouse as house,
  LIMITS,
  readAll,
  refusal,
  rest,
} from '../../../test/support/recordings-house.ts';

describe('an engine that fails', () => {
  test('before a byte has come is followed by another one, and the furthest failure is told', async () => {
    const [one, two] = [new FileEngine('one'), new FileEngine('two')];
    one.failsAt = 0;
    const { open, observer, source } = house(one, two);
    assert.ok((await readAll(await open())).equals(FILE));
    assert.deepEqual(source.reports[0]?.outcome, { ok: false, reason: 'engine_closed', hadPlayed: false });
    assert.deepEqual(source.reports.at(-1)?.outcome, { ok: true });
    assert.ok(observer.events.includes('attempt failed: engine_closed'));
    const dead = new FileEngine('three');
    dead.failsAt = 0;
    const alone = house(dead);
    assert.equal(await refusal(alone.open()), 'engine_closed');
    assert.equal(alone.recordings.clientCount, 0);
    await flush(alone.clock);
    assert.equal(dead.slotsTaken, 0);
  });

  test('in the middle is followed by another one at the very byte', async () => {
    const [one, two] = [new FileEngine('one'), new FileEngine('two')];
    one.failsAt = 300;
    const { open } = house(one, two);
    assert.ok((await readAll(await open({ range: 'bytes=0-799' }))).equals(FILE.subarray(0, 800)));
    assert.deepEqual(two.ranges, ['bytes=300-799']);
    assert.equal(one.stops, 1);
  });

  test('is followed by one without ranges, whose first bytes are passed over', async () => {
    const [one, two] = [new FileEngine('one'), new FileEngine('two')];
    one.failsAt = 350;
    two.takesRanges = false;
    assert.ok((await readAll(await house(one, two).open())).equals(FILE));
  });

  test('and is the only one is asked again, until the budget is spent', async () => {
    const engine = new FileEngine('one');
    engine.failsAt = 300;
    const { clock, open, recordings } = house(engine);
    const reading = readAll(await open());
    await flush(clock);
    await clock.advance(5_000);
    engine.failsAt = undefined;
    await clock.advance(5_000);
    assert.ok((await reading).equals(FILE));

    engine.failsAt = 500;
    const hopeless = refusal(readAll(await open()));
    await clock.advance(LIMITS.retryBudgetMs + 1_000);
    assert.equal(await hopeless, 'retry_budget_spent');
    await recordings.stop('shutdown');
    assert.equal(clock.pendingTimers, 0);
  });

  test('by silence is given up', async () => {
    const [one, two] = [new FileEngine('one'), new FileEngine('two')];
    const { clock, open } = house(one, two);
    const bytes = await begin(await open());
    one.delivering = new Promise(() => {});
    const remaining = rest(bytes);
    await clock.advance(LIMITS.firstByteTimeoutMs + 1);
    // The chunk that was on its way has been read before.
    assert.ok(FILE.subarray(FILE.length - (await remaining).length).length >= 800);
    assert.equal(two.starts.length, 1);
  });

  test('and leaves a file of another length ends it', async () => {
    for (const file of [FILE.subarray(0, 900), Buffer.concat([FILE, FILE])]) {
      const [one, two] = [new FileEngine('one'), new FileEngine('two')];
      one.failsAt = 300;
      two.file = file;
      assert.equal(await refusal(readAll(await house(one, two).open())), 'recording_changed');
    }
  });

  test('by leaving the fleet is left at once', async () => {
    const [one, two] = [new FileEngine('one'), new FileEngine('two')];
    const { open } = house(one, two);
    const bytes = await begin(await open());
    one.leaving.abort();
    assert.ok((await rest(bytes)).equals(FILE.subarray(100)));
    assert.equal(one.stops, 1);
    assert.deepEqual(two.ranges, ['bytes=100-']);
  });

  test('has not seen its last reader go is asked once more, and forgot the playback is started anew', async () => {
    const engine = new FileEngine('one');
    const { clock, open, source } = house(engine);
    await readAll(await open());
    engine.refusals = 1;
    const second = open();
    await clock.advance(300);
    await readAll(await second);
    assert.equal(engine.starts.length, 1);
    engine.refusals = 2;
    const third = open();
    await clock.advance(300);
    await readAll(await third);
    assert.equal(engine.starts.length, 2);
    assert.ok(
      source.reports.every(({ outcome }) => outcome.ok),
      'nobody is to blame',
    );
  });
});
