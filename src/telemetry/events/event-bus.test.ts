import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { ManualClock } from '../../base/manual-clock.ts';
import { createLog, silentLog } from '../log.ts';
import { type AcemuxEvent, messageOf } from './event.ts';
import { EventBus, type EventBusDeps } from './event-bus.ts';

const BOUNDS = { countMax: 100, bytesMax: 1_000_000 };

function busWith(changes: Partial<EventBusDeps> = {}): EventBus {
  return new EventBus({ bounds: BOUNDS, clock: new ManualClock(), log: silentLog(), ...changes });
}

/** A bus, and the lines of its log. */
function loggingBus(): { readonly bus: EventBus; readonly lines: Record<string, unknown>[] } {
  const lines: Record<string, unknown>[] = [];
  const log = createLog({ level: 'info', format: 'json' }, { write: (line) => lines.push(JSON.parse(line)) });
  return { bus: busWith({ log }), lines };
}

describe('an event', () => {
  test('has an id, the time, what it is about, and its cause', async () => {
    const clock = new ManualClock(Date.UTC(2026, 5, 1));
    const bus = busWith({ clock });
    const heard: AcemuxEvent[] = [];
    bus.subscribe((event) => heard.push(event));
    const over = bus.emit(
      'stream.source_over',
      { reason: 'source_ended' },
      { session: 's1', engine: 'e1', client: undefined },
    );
    await clock.advance(5);
    const ended = bus.emit(
      'stream.ended',
      { reason: 'idle', duration_seconds: 1.23456 },
      { session: 's1', causeId: over },
    );
    assert.deepEqual(heard, [
      {
        id: Date.UTC(2026, 5, 1) * 1000,
        type: 'stream.source_over',
        wallMs: Date.UTC(2026, 5, 1),
        session: 's1',
        engine: 'e1',
        details: { reason: 'source_ended' },
      },
      {
        id: over + 1,
        type: 'stream.ended',
        wallMs: Date.UTC(2026, 5, 1) + 5,
        session: 's1',
        causeId: over,
        details: { reason: 'idle', duration_seconds: 1.235 },
      },
    ]);
    assert.deepEqual(bus.get(ended), heard[1]);
    assert.deepEqual([...bus.newestFirst()], heard.toReversed());
    assert.deepEqual([...bus.newestFirst(ended)], [heard[0]]);
  });

  test('of a later life has a greater id, even if the clock has gone back to before what was stored', () => {
    const before = busWith({ clock: new ManualClock(Date.UTC(2026, 5, 1)) });
    const old = before.emit('system.stopping', {});
    const after = busWith({ clock: new ManualClock(Date.UTC(2026, 5, 1) + 1) });
    assert.ok(after.emit('system.stopping', {}) > old);
    const early = busWith({ clock: new ManualClock(0), lastId: old });
    assert.equal(early.emit('system.stopping', {}), old + 1);
  });

  test('shows no secret, no second line, nothing endless, and nothing that is no number', () => {
    const bus = busWith();
    const secrets = 'http://me:word@e1/ace/getstream?token=abc&x=1 Bearer abc\nforged';
    bus.emit('health.failed', { from: 'healthy', reason: 'x'.repeat(10_000), detail: secrets });
    bus.emit('stream.failed', {
      reason: 'no_media',
      engines: Array.from({ length: 100 }, () => 'http://h/?key=abc'),
      duration_seconds: Number.NaN,
    });
    const [failed, unhealthy] = [...bus.newestFirst()];
    assert.equal(
      unhealthy?.details['detail'],
      'http://[hidden]@e1/ace/getstream?token=[hidden]&x=1 Bearer [hidden] forged',
    );
    assert.equal(String(unhealthy?.details['reason']).length, 400);
    assert.deepEqual(failed?.details, {
      reason: 'no_media',
      engines: Array.from({ length: 20 }, () => 'http://h/?key=[hidden]'),
    });
    const long = `http://me:${'w'.repeat(500)}@e1/`;
    bus.emit('client.left', { reason: long });
    assert.equal([...bus.newestFirst()][0]?.details['reason'], 'http://[hidden]@e1/');
  });

  test('is a sentence for people', () => {
    const details = { reason: 'no_media', engines: ['e1', 'e2'], duration_seconds: 3 };
    assert.match(
      messageOf({ type: 'stream.failed', details }),
      /refused\. \(reason no_media, engines e1 e2, duration_seconds 3\)$/,
    );
    assert.doesNotMatch(messageOf({ type: 'stream.lingering', details: {} }), /\(/);
  });
});

describe('listeners', () => {
  test('hear each event once, in order, though one of them tells another event meanwhile', () => {
    const bus = busWith();
    const heard: string[] = [];
    bus.subscribe(({ type }) => {
      if (type === 'stream.lingering') bus.emit('stream.resumed', {});
    });
    bus.subscribe(({ type }) => heard.push(type));
    bus.emit('stream.lingering', {});
    assert.deepEqual(heard, ['stream.lingering', 'stream.resumed']);
  });

  test('that throw keep neither the others nor whoever tells from going on', () => {
    const { bus, lines } = loggingBus();
    let heard = 0;
    bus.subscribe(() => {
      throw new Error('broken');
    });
    bus.subscribe(() => heard++);
    bus.emit('stream.lingering', {});
    bus.emit('stream.resumed', {});
    assert.equal(heard, 2);
    assert.equal(lines.length, 2);
    assert.equal(lines[0]?.['event'], 'stream.lingering');
  });

  test('that answer each event with another do not go on for ever', () => {
    const { bus, lines } = loggingBus();
    bus.subscribe(() => bus.emit('stream.resumed', {}));
    bus.emit('stream.lingering', {});
    assert.equal(lines.length, 1);
    bus.emit('stream.lingering', {});
    assert.equal(lines.length, 2, 'it goes on to deliver afterwards');
  });

  test('hear nothing after they have left', () => {
    const bus = busWith();
    let heard = 0;
    const leave = bus.subscribe(() => heard++);
    bus.emit('stream.lingering', {});
    leave();
    bus.emit('stream.lingering', {});
    assert.equal(heard, 1);
  });
});

describe('the log', () => {
  test('has a line for an event whose component writes none', () => {
    const { bus, lines } = loggingBus();
    const cause = bus.emit('stream.source_over', { reason: 'source_ended' }, { session: 's1', engine: 'e1' });
    bus.emit('stream.retry_budget_spent', { reason: 'no_media' }, { session: 's1', causeId: cause });
    assert.equal(lines.length, 1);
    const { time, msg, ...rest } = lines[0]!;
    assert.deepEqual(rest, {
      level: 'error',
      event: 'stream.retry_budget_spent',
      session: 's1',
      causeId: cause,
      reason: 'no_media',
    });
  });
});

test('ids go on behind those that were stored, whatever the clock says by now; not behind the first event', () => {
  const clock = new ManualClock(1_000);
  const bus = busWith({ clock });
  bus.resumeBehind(5_000_000);
  assert.equal(bus.emit('client.skipped', {}), 5_000_001);
  bus.resumeBehind(9_000_000);
  assert.equal(bus.emit('client.skipped', {}), 5_000_002);
  const later = busWith({ clock });
  later.resumeBehind(7);
  assert.equal(later.emit('client.skipped', {}), 1_000_000);
});
