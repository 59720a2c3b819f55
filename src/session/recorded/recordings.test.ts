import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { INFOHASH } from '../../../test/support/fake-engines.ts';
import { FILE, FileEngine } from '../../../test/support/fake-files.ts';
import {
  begin,
  flush,
  recordingsHouse as house,
  ID,
  readAll,
  refusal,
  rest,
} from '../../../test/support/recordings-house.ts';
import { AcemuxError } from '../../base/reasons.ts';
import { FileListError } from '../../engine/file-list.ts';
import { UnsatisfiableRange } from './recordings.ts';

describe('a file', () => {
  test('is read whole, with its length', async () => {
    const engine = new FileEngine('one');
    const { open } = house(engine);
    const file = await open();
    assert.deepEqual(file.head, {
      from: 0,
      end: 1_000,
      totalBytes: 1_000,
      isPartial: false,
      engineType: 'application/x-file',
      firstBytes: FILE.subarray(0, 100),
    });
    assert.ok((await readAll(file)).equals(FILE));
    assert.deepEqual(engine.ranges, [undefined]);
    assert.equal(engine.starts[0]?.parameters['stop_prev_read_thread'], '1');
  });

  test('is read in parts, each of which reuses the playback', async () => {
    const engine = new FileEngine('one');
    const { open } = house(engine);
    for (const [range, from, end] of [
      ['bytes=0-0', 0, 1],
      ['bytes=5-149', 5, 150],
      ['bytes=900-', 900, 1_000],
      ['bytes=-50', 950, 1_000],
    ] as const) {
      const file = await open({ range });
      assert.equal(file.head.isPartial, true);
      assert.ok((await readAll(file)).equals(FILE.subarray(from, end)), range);
    }
    assert.equal(engine.starts.length, 1);
    assert.deepEqual(engine.ranges, ['bytes=0-0', 'bytes=5-149', 'bytes=900-', 'bytes=-50']);
    assert.equal(engine.slotsTaken, 1);
  });

  test('whose length is known needs no engine to refuse what is behind its end', async () => {
    const engine = new FileEngine('one');
    const { open } = house(engine);
    await assert.rejects(open({ range: 'bytes=1000-' }), new UnsatisfiableRange(1_000));
    await readAll(await open());
    const asked = engine.ranges.length;
    await assert.rejects(open({ range: 'bytes=1000-' }), new UnsatisfiableRange(1_000));
    assert.equal(engine.ranges.length, asked);
  });

  test('that an engine gives no parts of is whole, and says so from then on', async () => {
    const engine = new FileEngine('one');
    engine.takesRanges = false;
    const { open, recordings } = house(engine);
    const file = await open({ range: 'bytes=500-' });
    assert.deepEqual([file.head.isPartial, file.head.from, file.facts.takesRanges], [false, 0, false]);
    assert.ok((await readAll(file)).equals(FILE));
    assert.equal(recordings.factsOf({ kind: 'id', hash: ID, parameters: {} })?.takesRanges, false);
  });

  test('of unknown length ends where the engine ends it', async () => {
    const engine = new FileEngine('one');
    engine.tellsLength = false;
    const file = await house(engine).open();
    assert.deepEqual([file.head.end, file.facts.takesRanges], [undefined, false]);
    assert.ok((await readAll(file)).equals(FILE));
  });

  test('of which nothing comes for seconds is promised all the same, so that players wait', async () => {
    const engine = new FileEngine('one');
    const gate = Promise.withResolvers<void>();
    engine.delivering = gate.promise;
    const { clock, open } = house(engine);
    const opening = open({ range: 'bytes=100-' });
    let isOpen = false;
    void opening.then(() => {
      isOpen = true;
    });
    await clock.advance(6_900);
    assert.equal(isOpen, false);
    await clock.advance(200);
    const file = await opening;
    gate.resolve();
    assert.ok((await readAll(file)).equals(FILE.subarray(100)));
  });

  test('that is not there is told by its number, and several by their list', async () => {
    const engine = new FileEngine('one');
    const { open, source } = house(engine);
    const files = [0, 1].map((index) => ({ index, name: `${index}.mkv`, mime: undefined, sizeBytes: 1 }));
    const list = { infohash: INFOHASH, isLive: false, name: 'x', transportType: 'bt', files };
    source.resolver = { mediaFiles: async () => list };
    await assert.rejects(open(), FileListError);
    assert.equal(await refusal(open({ parameters: { _idx: '2' } })), 'file_unknown');
    assert.equal(await refusal(open({ parameters: { _idx: 'x' } })), 'file_unknown');
    assert.equal(engine.starts.length, 0);
    const file = await open({ parameters: { _idx: '1' } });
    assert.equal(file.facts.type, 'video/x-matroska');
    await readAll(file);
    assert.equal(engine.starts[0]?.parameters['_idx'], '1');
  });

  test('is known by name before anybody has read it, as far as an engine has told', async () => {
    const { open, names, recordings } = house(new FileEngine('one'));
    const selector = { kind: 'id', hash: ID, parameters: {} } as const;
    assert.equal(recordings.factsOf(selector)?.totalBytes, undefined);
    await readAll(await open());
    assert.equal(recordings.factsOf(selector)?.totalBytes, 1_000);
    names.clear();
    assert.equal(recordings.factsOf(selector), undefined);
  });
});

describe('an end', () => {
  test('invariant 5: a viewer who leaves before the engine has answered leaves nothing', async () => {
    const engine = new FileEngine('one');
    const reply = Promise.withResolvers<void>();
    const { onStart } = engine;
    engine.onStart = async (selector) => {
      await reply.promise;
      return onStart(selector);
    };
    const { clock, open, recordings } = house(engine);
    const leaving = new AbortController();
    const refused = refusal(open({ signal: leaving.signal }));
    await flush(clock);
    leaving.abort(new AcemuxError('client_left'));
    assert.equal(await refused, 'client_left');
    assert.equal(engine.slotsTaken, 1);
    reply.resolve();
    await flush(clock);
    assert.deepEqual([engine.stops, engine.slotsTaken, recordings.clientCount], [1, 0, 0]);
    assert.equal(clock.pendingTimers, 0);
  });

  test('a viewer who leaves while the first bytes are awaited finds his playback when he comes back', async () => {
    const engine = new FileEngine('one');
    engine.delivering = new Promise(() => {});
    const { clock, open } = house(engine);
    const leaving = new AbortController();
    const refused = refusal(open({ signal: leaving.signal }));
    await flush(clock);
    leaving.abort(new AcemuxError('client_left'));
    assert.equal(await refused, 'client_left');
    engine.delivering = Promise.resolve();
    await readAll(await open());
    assert.equal(engine.starts.length, 1);
  });

  test('invariant 5: stopping ends every reading, waits for every engine and leaves no timer', async () => {
    const engines = [new FileEngine('one'), new FileEngine('two')];
    const { clock, open, recordings } = house(...engines);
    const bytes = await begin(await open({ userAgent: 'a' }));
    await readAll(await open({ userAgent: 'b' }));
    const over = refusal(rest(bytes));
    await recordings.stop('shutdown');
    assert.equal(await over, 'shutdown');
    assert.deepEqual(
      engines.map(({ slotsTaken, stops }) => [stops, slotsTaken]),
      [
        [1, 0],
        [1, 0],
      ],
    );
    assert.equal(clock.pendingTimers, 0);
    assert.equal(await refusal(open()), 'shutdown');
  });

  test('is told: who joined, who left, and why', async () => {
    const { observer, open, recordings } = house(new FileEngine('one'));
    await readAll(await open());
    await recordings.stop('shutdown');
    assert.deepEqual(observer.events, [
      'session started',
      'client joined',
      'client left: delivered',
      'session ended: shutdown',
    ]);
    assert.equal(observer.bytes, 1_000);
  });
});
