import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { ID_A, ID_B, startRig } from './testing/rig.ts';

describe('item 17: another pid on the same infohash', () => {
  test('the old session ends, and its reader by EOF, reset or silence', async (t) => {
    for (const supersededReader of ['eof', 'reset', 'silence'] as const) {
      const rig = await startRig(t, { profile: { supersededReader } });
      const old = await rig.start(`id=${ID_A}&pid=1`);
      const reader = await rig.read(old);
      await reader.body(188);
      const young = await rig.start(`id=${ID_A}&pid=2`);
      assert.notEqual(young.stat_url, old.stat_url);
      assert.match((await rig.get(old.stat_url)).text, /unknown playback session id/);
      if (supersededReader !== 'silence') assert.equal(await reader.end(), supersededReader);
      else assert.equal(reader.ended, undefined);
      assert.equal(rig.engine.counters.sessionsSuperseded, 1);
      assert.equal(rig.engine.counters.sessionsAtOnceMax.get(young.infohash), 2, 'the overlap can be proved');
    }
  });

  test('switch `share`: both flow, show one session id, and a stop of either ends both', async (t) => {
    const rig = await startRig(t, { profile: { secondSession: 'share' } });
    const one = await rig.start(`id=${ID_A}&pid=1`);
    const two = await rig.start(`id=${ID_A}&pid=2`);
    assert.notEqual(one.command_url, two.command_url);
    assert.notEqual(one.playback_session_id, two.playback_session_id);
    const readers = [await rig.read(one), await rig.read(two)];
    for (const reader of readers) await reader.body(188);
    for (const session of [one, two]) {
      const { response } = JSON.parse((await rig.get(session.stat_url)).text);
      assert.equal(response.playback_session_id, two.playback_session_id);
    }
    await rig.get(`${two.command_url}?method=stop`);
    for (const reader of readers) assert.equal(await reader.end(), 'eof');
    assert.match((await rig.get(one.stat_url)).text, /unknown playback session id/);
  });
});

test('item 18: the same pid, or none twice, gets the session it has', async (t) => {
  for (const pid of ['', '&pid=1']) {
    const rig = await startRig(t);
    const one = await rig.start(`id=${ID_A}${pid}`);
    assert.deepEqual(await rig.start(`id=${ID_A}${pid}`), one);
    assert.equal(rig.engine.counters.sessionsOpened, 1);
  }
});

test('item 19: the same pid on another infohash stops the old session; another pid does not', async (t) => {
  const rig = await startRig(t);
  const old = await rig.start(`id=${ID_A}&pid=1`);
  const reader = await rig.read(old);
  await reader.body(188);
  const beside = await rig.start(`id=${'c'.repeat(40)}&pid=2`);
  await rig.start(`id=${ID_B}&pid=1`);
  assert.equal(await reader.end(), 'eof');
  assert.match((await rig.get(old.stat_url)).text, /unknown playback session id/);
  assert.match((await rig.get(beside.stat_url)).text, /"error": null/);
});

test('item 19: `sid` is the old name of pid', async (t) => {
  const rig = await startRig(t);
  assert.deepEqual(await rig.start(`id=${ID_A}&sid=1`), await rig.start(`id=${ID_A}&pid=1`));
});

describe('item 20: a second reader of one address', () => {
  test('gets a second status line among its headers, and the first reads on', async (t) => {
    const rig = await startRig(t);
    const session = await rig.start();
    const first = await rig.read(session);
    const have = (await first.body(188)).length;
    const second = await rig.read(session);
    await second.end();
    assert.match(second.received.toString(), /^HTTP\/1\.1 200 OK\r\nHTTP\/1\.1 200 OK\r\n/);
    await rig.clock.advance(1_000);
    assert((await first.body(have + 100_000)).length > have);
    assert.equal(rig.engine.counters.corruptReplies, 1);
    assert.equal(rig.engine.counters.readersAtOnceMax, 2);
  });

  test('cuts the first, by the switch or by stop_prev_read_thread=1', async (t) => {
    const bySwitch = await startRig(t, { profile: { secondReader: 'cut-first' } });
    const byRequest = await startRig(t);
    for (const [rig, query] of [
      [bySwitch, ''],
      [byRequest, '&stop_prev_read_thread=1'],
    ] as const) {
      const session = await rig.start(`id=${ID_A}&pid=1${query}`);
      const first = await rig.read(session);
      await first.body(188);
      const second = await rig.read(session);
      assert.equal(await first.end(), 'eof');
      await second.body(188);
      assert.equal(rig.engine.counters.corruptReplies, 0);
    }
  });

  test('is the first again when the one before has left', async (t) => {
    const rig = await startRig(t);
    const session = await rig.start();
    const first = await rig.read(session);
    await first.body(188);
    first.destroy();
    while (rig.engine.sessions()[0]?.readers !== 0) await new Promise((resolve) => setImmediate(resolve));
    await (await rig.read(session)).body(188);
    assert.equal(rig.engine.counters.corruptReplies, 0);
  });
});

describe('item 21: a session without a reader', () => {
  test('expires after 60 s, but not while it is read', async (t) => {
    const rig = await startRig(t);
    const session = await rig.start();
    const reader = await rig.read(session);
    await reader.body(188);
    await rig.clock.advance(61_000);
    assert.equal(rig.engine.sessions().length, 1);
    reader.destroy();
    while (rig.engine.sessions()[0]?.readers !== 0) await new Promise((resolve) => setImmediate(resolve));
    await rig.clock.advance(59_999);
    assert.equal(rig.engine.sessions().length, 1);
    await rig.clock.advance(1);
    assert.match((await rig.get(session.stat_url)).text, /unknown playback session id/);
  });

  test('lives as long as set_player_activity_timeout says', async (t) => {
    const rig = await startRig(t);
    const session = await rig.start();
    await rig.get(`${session.command_url}?method=set_player_activity_timeout&timeout=5`);
    await rig.clock.advance(5_000);
    assert.equal(rig.engine.counters.sessionsExpired, 1);
  });
});
