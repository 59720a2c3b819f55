import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FakeEngine } from '../test/support/fake-engines.ts';
import { house, ID, media, watch } from '../test/support/session-house.ts';
import { buildHistory, type HistorySources } from './app-history.ts';
import { AcemuxError, type ReasonCode } from './base/reasons.ts';
import { defaultConfig } from './config/config.ts';
import { EventBus } from './telemetry/events/event-bus.ts';
import { silentLog } from './telemetry/log.ts';
import { LoopDelay } from './telemetry/loop-delay.ts';

/** Takes all that is written, and has nothing. */
const FORGETFUL: HistorySources['store'] = {
  health: { place: 'memory', problem: undefined, detail: undefined, sinceMs: 0, waiting: 0, lost: 0 },
  read: async () => [],
  write: async () => 'memory',
  usedBytes: async () => 0,
  shrink: () => {},
};

/** The history of a house of engines, whose events are those that evidence is kept of. */
function witnessed(...engines: FakeEngine[]) {
  const rig = house(...engines);
  const { clock } = rig;
  const events = new EventBus({ bounds: { countMax: 100, bytesMax: 1e6 }, clock, log: silentLog() });
  const history = buildHistory(defaultConfig(), {
    store: FORGETFUL,
    events,
    sessions: () => rig.directory.sessions,
    recordings: () => [],
    engines: () => [],
    loopDelay: new LoopDelay(clock),
    clock,
  });
  history.start();
  Object.assign(rig.observer, {
    attemptFailed: (reason: ReasonCode, _stream: unknown, engine: string, hadPlayed: boolean) =>
      events.emit(
        hadPlayed ? 'stream.source_over' : 'stream.attempt_failed',
        { reason },
        { session: ID, engine },
      ),
  });
  return { rig, history };
}

test('a case of a session that ends before it was read has what viewers had been given', async () => {
  const engines = [new FakeEngine('first'), new FakeEngine('second')] as const;
  const { rig, history } = witnessed(...engines);
  const [first] = engines;
  const attachment = await watch(rig, first);
  first.media.at(-1)?.finish(new AcemuxError('source_failed'));
  await rig.clock.advance(500);
  attachment.leave('client_left');
  const [session] = rig.directory.sessions;
  assert.ok(session);
  // As the directory tells of it: the session is over, and has its ring still.
  Object.assign(rig.observer, { sessionEnded: () => history.noteEnded(session.snapshot()) });
  await rig.directory.stop('shutdown');
  assert.equal(session.ring.head - session.ring.tail, 0);
  const [found] = history.evidence.list();
  assert.ok((found?.media.units.length ?? 0) > 30);
  await history.stop();
});

test('a case of a failed attempt has what its engine had sent, and each engine that failed is one', async () => {
  const engines = [new FakeEngine('first'), new FakeEngine('second'), new FakeEngine('third')] as const;
  const { rig, history } = witnessed(...engines);
  const { clock } = rig;
  const [first, ...others] = engines;
  await watch(rig, first);
  first.media.at(-1)?.finish(new AcemuxError('source_failed'));
  await clock.advance(500);
  for (const engine of others) {
    // What viewers have long had: it waits to be joined, and then it is over.
    engine.media.at(-1)?.push(media(0, 2));
    await clock.advance(0);
    engine.media.at(-1)?.finish(new AcemuxError('source_failed'));
    await clock.advance(500);
  }
  assert.deepEqual(
    history.evidence
      .list()
      .map(({ type, engine, unused }) => [type, engine, (unused?.units.length ?? 0) > 30]),
    [
      ['stream.source_over', 'first', false],
      ['stream.attempt_failed', 'second', true],
      ['stream.attempt_failed', 'third', true],
    ],
  );
  await rig.directory.stop('shutdown');
  await history.stop();
});
