import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type BufferHolder, FLOOR_BYTES, hasRoomForStart, whoGivesWay } from './giving-way.ts';
import { BLOCK_MEMORY_BYTES } from './ring.ts';

interface Named extends BufferHolder {
  readonly name: string;
}

/** A session that holds and needs so many blocks beyond the floor. */
function holder(name: string, held: number, needed: number, lingeringSinceMs?: number): Named {
  const bytes = (blocks: number): number => FLOOR_BYTES + blocks * BLOCK_MEMORY_BYTES;
  return { name, heldBytes: bytes(held), neededBytes: bytes(needed), lingeringSinceMs };
}

function giver(claimant: Named, ...others: readonly Named[]): string {
  const way = whoGivesWay(claimant, [claimant, ...others]);
  return `${way.holder.name} ${way.kind}s`;
}

describe('when there is no memory left', () => {
  test('the session that has lingered longest ends first, however little it holds', () => {
    const way = giver(
      holder('asks', 50, 0),
      holder('big', 90, 0),
      holder('late', 50, 0, 2_000),
      holder('early', 0, 0, 1_000),
    );
    assert.equal(way, 'early ends');
  });

  test('then the ring that holds most beyond two GOPs lets go of a block', () => {
    assert.equal(giver(holder('asks', 0, 5), holder('big', 90, 89), holder('rich', 20, 4)), 'rich sheds');
    assert.equal(giver(holder('asks', 30, 5), holder('rich', 20, 4)), 'asks sheds', 'it has most itself');
    assert.equal(
      giver(holder('asks', 20, 4), holder('alike', 20, 4)),
      'asks sheds',
      'nothing goes to and fro',
    );
  });

  test('who has its two GOPs keeps them while another one only wants more', () => {
    assert.equal(giver(holder('asks', 5, 5), holder('other', 8, 8)), 'asks sheds');
    assert.equal(giver(holder('asks', 2, 5), holder('other', 8, 8)), 'asks sheds');
  });

  test('below the floor it takes from who has more than the floor, two GOPs or not', () => {
    const other = holder('other', 8, 20);
    assert.equal(giver(holder('asks', -3, 0), other, holder('less', 2, 20)), 'other sheds');
    assert.equal(giver(holder('asks', 0, 3), other), 'asks sheds');
    assert.equal(giver(holder('asks', -3, 0), holder('other', 0, 20)), 'asks sheds');
  });

  test('a session that lingers takes nothing from anybody', () => {
    const asks = holder('asks', -3, 5, 2_000);
    assert.equal(giver(asks, holder('rich', 90, 0), holder('early', 9, 0, 1_000)), 'asks sheds');
  });
});

describe('another session has room', () => {
  const MAX = FLOOR_BYTES * 10;

  test('as long as the two GOPs of all and what one needs on average fit', () => {
    assert.equal(hasRoomForStart([], MAX, 0), true);
    assert.equal(hasRoomForStart([], FLOOR_BYTES - 1, 0), false);
    const four = Array.from({ length: 4 }, () => holder('', 90, 8));
    assert.equal(hasRoomForStart(four, MAX, 0), true, 'whatever they hold now');
    assert.equal(hasRoomForStart([...four, ...four.slice(3)], MAX, 0), false);
  });

  test('beside what is to stay free', () => {
    const four = Array.from({ length: 4 }, () => holder('', 90, 8));
    assert.equal(hasRoomForStart(four, MAX, BLOCK_MEMORY_BYTES), false);
  });
});
