import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { layoutTopology, viewerDots } from './topology.ts';

const engine = (id: string, vpn: string | null = null) => ({ id, name: id, vpn });
const stream = (id: string, on: string | null, viewers = 1) => ({ id, engine: on, viewers });
const size = { width: 1_000, rowsPerEngineMax: 6 };

test('each stream stands beside its engine, and a line leads there', () => {
  const picture = layoutTopology({
    engines: [engine('a'), engine('b')],
    streams: [stream('s', 'b'), stream('t', 'b', 5)],
    ...size,
  });
  const b = picture.engines.find(({ id }) => id === 'b');
  assert.ok(b);
  assert.deepEqual(
    picture.streams.map(({ ids }) => ids[0]),
    ['t', 's'],
  );
  for (const row of picture.streams) assert.ok(row.y >= b.y && row.y + row.height <= b.y + b.height);
  assert.deepEqual(
    picture.links.map(({ from, to }) => [from, to]),
    [
      ['b', 't'],
      ['b', 's'],
    ],
  );
  assert.equal(picture.vpns.length, 0);
});

test('engines of one VPN stand together, behind it', () => {
  const picture = layoutTopology({
    engines: [engine('a', 'two'), engine('b', 'one'), engine('c', 'two')],
    streams: [],
    ...size,
  });
  assert.deepEqual(
    picture.engines.map(({ id }) => id),
    ['b', 'a', 'c'],
  );
  assert.deepEqual(
    picture.vpns.map(({ name }) => name),
    ['one', 'two'],
  );
  assert.ok(picture.engines.every(({ x }) => x > (picture.vpns[0]?.width ?? 0)));
});

test('a stream that has no source, or one that is gone, has a place too', () => {
  const picture = layoutTopology({
    engines: [engine('a')],
    streams: [stream('s', null), stream('t', 'gone')],
    ...size,
  });
  assert.deepEqual(
    picture.streams.map(({ engine: on }) => on),
    [null, null],
  );
  assert.equal(picture.links.length, 0);
});

test('an engine with very many streams shows the most watched, and counts the rest', () => {
  const streams = Array.from({ length: 50 }, (_, index) => stream(`s${index}`, 'a', index));
  const picture = layoutTopology({ engines: [engine('a')], streams, ...size });
  assert.equal(picture.streams.length, 6);
  const rest = picture.streams.at(-1);
  assert.deepEqual([rest?.kind, rest?.ids.length], ['rest', 45]);
  assert.equal(
    picture.streams.reduce((sum, { viewers }) => sum + viewers, 0),
    (49 * 50) / 2,
  );
});

test('no boxes of a column cover each other, and all are within the picture', () => {
  const name = fc.constantFrom('a', 'b', 'c', 'd');
  fc.assert(
    fc.property(
      fc.uniqueArray(name),
      fc.array(fc.record({ on: fc.option(name), viewers: fc.nat(99) }), { maxLength: 40 }),
      fc.integer({ min: 280, max: 2_000 }),
      fc.boolean(),
      (names, list, width, hasVpn) => {
        const picture = layoutTopology({
          engines: names.map((id) => engine(id, hasVpn && id < 'c' ? 'vpn' : null)),
          streams: list.map(({ on, viewers }, index) => stream(`s${index}`, on, viewers)),
          width,
          rowsPerEngineMax: 4,
        });
        for (const column of [picture.vpns, picture.engines, picture.streams]) {
          column.forEach((box, index) => {
            const before = column[index - 1];
            assert.ok(!before || before.y + before.height <= box.y);
            assert.ok(box.y + box.height <= picture.height + 0.1 && box.width > 0);
          });
        }
      },
    ),
  );
});

test('dots stand for viewers as long as there is room', () => {
  assert.deepEqual(viewerDots(3, 100, 10), { dots: 3, rest: 0 });
  assert.deepEqual(viewerDots(100, 100, 10), { dots: 5, rest: 95 });
  assert.deepEqual(viewerDots(2, 5, 10), { dots: 1, rest: 1 });
});
