import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { INFOHASH } from '../../../test/support/fake-engines.ts';
import { FILE, FileEngine } from '../../../test/support/fake-files.ts';
import {
  begin,
  flush,
  recordingsHouse as house,
  readAll,
  refusal,
  rest,
} from '../../../test/support/recordings-house.ts';

describe('places', () => {
  test('invariant 1: two readers of one recording are two playbacks, on two engines', async () => {
    const engines = [new FileEngine('one'), new FileEngine('two')];
    const { open, recordings } = house(...engines);
    await begin(await open({ userAgent: 'a' }));
    await begin(await open({ userAgent: 'b' }));
    assert.deepEqual(
      engines.map(({ playing }) => playing),
      [[INFOHASH], [INFOHASH]],
    );
    assert.deepEqual(
      recordings.list().map(({ clientCount, isLive, state }) => [clientCount, isLive, state]),
      [
        [1, false, 'playing'],
        [1, false, 'playing'],
      ],
    );
    assert.equal(recordings.find(INFOHASH)?.engine?.id, 'one');
    assert.equal(recordings.clientCount, 2);
  });

  test('are kept for a while for the viewer who comes back, and then given back', async () => {
    const engine = new FileEngine('one');
    const { clock, open, recordings } = house(engine);
    await readAll(await open());
    assert.equal(recordings.list()[0]?.state, 'lingering');
    await clock.advance(29_000);
    assert.equal(engine.stops, 0);
    await clock.advance(2_000);
    assert.deepEqual([engine.stops, engine.slotsTaken, recordings.list().length], [1, 0, 0]);
    assert.equal(clock.pendingTimers, 0);
  });

  test('that nobody uses give way to whoever needs one', async () => {
    const engine = new FileEngine('one');
    const { clock, open, recordings } = house(engine);
    const file = await open();
    assert.equal(recordings.giveWay(undefined), false);
    await readAll(file);
    assert.equal(recordings.giveWay('e'.repeat(40)), false);
    assert.equal(recordings.giveWay(INFOHASH), true);
    await flush(clock);
    assert.equal(engine.slotsTaken, 0);
  });

  test('are kept for a second only while others wait for one', async () => {
    const engine = new FileEngine('one');
    const { clock, open, source } = house(engine);
    source.isCrowded = true;
    await readAll(await open());
    await clock.advance(900);
    assert.equal(engine.slotsTaken, 1);
    await clock.advance(200);
    assert.equal(engine.slotsTaken, 0);
  });

  test('a viewer’s own connection that takes nothing gives way to his next one, and goes on later', async () => {
    const engine = new FileEngine('one');
    const { clock, open } = house(engine);
    const first = await begin(await open());
    const opening = open({ range: 'bytes=900-' });
    await clock.advance(1_000);
    assert.equal(engine.ranges.length, 1, 'not at once: it may just be reading slowly');
    await clock.advance(1_500);
    const second = await opening;
    assert.ok((await readAll(second)).equals(FILE.subarray(900)));
    assert.ok((await rest(first)).equals(FILE.subarray(100)));
    assert.equal(engine.starts.length, 1);
  });

  test('a client that has paused keeps its connection and needs no place', async () => {
    const engine = new FileEngine('one');
    const { clock, open } = house(engine);
    const bytes = await begin(await open());
    await clock.advance(29_000);
    assert.equal(engine.slotsTaken, 1);
    await clock.advance(3_600_000);
    assert.equal(engine.slotsTaken, 0);
    assert.ok((await rest(bytes)).equals(FILE.subarray(100)));
    assert.deepEqual(engine.ranges, [undefined, 'bytes=100-']);
  });

  test('what is not taken is not asked of the engine', async () => {
    const engine = new FileEngine('one');
    const { clock, open, recordings } = house(engine);
    await begin(await open());
    await clock.advance(1_000);
    assert.deepEqual([recordings.list()[0]?.bytesIn, recordings.list()[0]?.bytesOut], [100, 100]);
  });

  test('without an engine the refusal says so', async () => {
    assert.equal(await refusal(house().open()), 'no_engines_configured');
  });
});
