import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startRig, until } from '../support/rig.ts';

const ONE_PLACE = { engines: { maxStreamsPerEngine: 1 } };

function idOf(number: number): string {
  return number.toString(16).padStart(40, 'a');
}

test('a stream that everybody leaves while another one waits for its place makes room at once', async (t) => {
  const rig = await startRig(t, { config: ONE_PLACE });
  const first = rig.watch(`id=${idOf(1)}`);
  await first.received(50_000);
  const second = rig.watch(`id=${idOf(2)}`);
  await until(() => rig.app.fleet.waitingCount === 1);
  first.leave();
  await second.received(50_000);
  assert.equal(await second.status(), 200);
  assert.equal(rig.engine.counters.stopsReceived, 1);
});

test('whoever zaps through streams faster than they start gets the last one, although there is one place', async (t) => {
  const engine = { delays: { replyMs: 100, prebufMs: 60_000 } };
  const rig = await startRig(t, { engines: [engine], config: ONE_PLACE });
  const isOpen = (number: number): boolean =>
    rig.app.sessions.find(idOf(number))?.playbackSessionId !== undefined;
  for (const number of [1, 2, 3]) {
    const viewer = rig.watch(`id=${idOf(number)}`);
    await until(() => isOpen(number));
    viewer.leave();
    await until(() => rig.app.sessions.clientCount === 0);
  }
  const last = rig.watch(`id=${idOf(4)}`);
  await until(() => isOpen(4));
  assert.equal(rig.app.sessions.clientCount, 1);
  assert.equal(rig.engine.counters.sessionsOpened, 4);
  assert.equal(rig.engine.counters.stopsReceived, 3);
  last.leave();
});
