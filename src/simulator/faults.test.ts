import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { describe, test } from 'node:test';
import type { Fault } from './faults.ts';
import { ID_A, ID_B, locationOf, type Rig, startRig } from './testing/rig.ts';

const VERSION = '/webui/api/service?method=get_version';

/** What connecting gives: `open`, or the error’s code. */
function connecting(rig: Rig): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect(rig.address.port, rig.address.host);
    socket.on('connect', () => {
      socket.destroy();
      resolve('open');
    });
    socket.on('error', (error) => resolve('code' in error ? String(error.code) : error.message));
  });
}

/** Turns of the clock and of the loop after which anything that was coming would have come. */
async function quietFor(rig: Rig, durationMs: number): Promise<void> {
  await rig.clock.advance(durationMs);
  for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
}

describe('item 30', () => {
  test('refuse: connections are refused, and accepted again on the same port when it is cleared', async (t) => {
    const rig = await startRig(t);
    const session = await rig.start();
    const reader = await rig.read(session);
    const have = (await reader.body(188)).length;
    rig.engine.faults.set({ fault: { kind: 'refuse' }, durationMs: 3_000 });
    assert.equal(await connecting(rig), 'ECONNREFUSED');
    await rig.clock.advance(3_000);
    await rig.engine.settled();
    assert.equal(await connecting(rig), 'open');
    assert((await reader.body(have + 500_000)).length > have, 'what was open goes on');
  });

  test('reset: connections are accepted and reset', async (t) => {
    const rig = await startRig(t);
    rig.engine.faults.set({ fault: { kind: 'reset' } });
    assert.equal(await rig.raw(VERSION).end(), 'reset');
  });

  test('http503: everything is answered 503', async (t) => {
    const rig = await startRig(t);
    const session = await rig.start();
    rig.engine.faults.set({ fault: { kind: 'http503' } });
    for (const target of [
      VERSION,
      session.stat_url,
      session.playback_url,
      `/ace/getstream?id=${ID_B}&format=json`,
    ]) {
      assert.equal((await rig.get(target)).status, 503);
    }
    assert.equal(rig.engine.counters.sessionsOpened, 1);
  });
});

describe('item 31', () => {
  test('hangConnect: a connection is accepted and never answered', async (t) => {
    const rig = await startRig(t);
    rig.engine.faults.set({ fault: { kind: 'hangConnect' } });
    const client = rig.raw(VERSION);
    await quietFor(rig, 60_000);
    assert.deepEqual([client.received.length, client.ended], [0, undefined]);
    assert.equal(rig.engine.journal.entries().length, 0);
  });

  test('hangBeforeHeaders: each route hangs alone, and the others answer', async (t) => {
    const rig = await startRig(t);
    const session = await rig.start();
    const content = await rig.contentPath(session);
    const targets = {
      redirect: session.playback_url,
      content,
      stat: session.stat_url,
      stop: `${session.command_url}?method=stop`,
      service: VERSION,
      start: `/ace/getstream?id=${ID_B}&pid=2&format=json`,
    } as const;
    for (const route of ['redirect', 'content', 'stat', 'stop', 'service', 'start'] as const) {
      const id = rig.engine.faults.set({ fault: { kind: 'hangBeforeHeaders', routes: [route] } });
      const hung = rig.raw(targets[route]);
      const target = targets[route].replace(/^http:\/\/[^/]+/, '');
      await rig.engine.journal.waitFor((entry) => entry.target === target && entry.route === route);
      assert.equal((await rig.get(route === 'service' ? session.stat_url : VERSION)).status, 200);
      await quietFor(rig, 1_000);
      assert.deepEqual([hung.received.length, hung.ended], [0, undefined], route);
      rig.engine.faults.clear(id);
    }
    assert.equal(rig.engine.sessions().length, 2, 'the stop did nothing, the start opened its session');
  });
});

describe('item 32: hangMidStream', () => {
  test('the body stops after so many bytes, the connection stays, stat goes on with speed 0', async (t) => {
    const rig = await startRig(t);
    const session = await rig.start();
    rig.engine.faults.set({ fault: { kind: 'hangMidStream', afterBytes: 10_001, status: 'buf' } });
    const reader = await rig.read(session);
    await reader.body(10_001);
    await quietFor(rig, 5_000);
    assert.equal((await reader.body(0)).length, 10_001);
    assert.equal(reader.ended, undefined);
    const { response } = JSON.parse((await rig.get(session.stat_url)).text);
    assert.deepEqual([response.status, response.speed_down], ['buf', 0]);
  });

  test('set while it plays it strikes at once or after so long, and cleared it goes on where it was', async (t) => {
    const rig = await startRig(t);
    const reader = await rig.read(await rig.start());
    await reader.body(188);
    rig.engine.faults.set({ fault: { kind: 'hangMidStream', afterMs: 1_000 }, durationMs: 10_000 });
    const before = rig.engine.counters.mediaBytesSent;
    await rig.clock.advance(9_000);
    const hung = rig.engine.counters.mediaBytesSent;
    assert(Math.abs(hung - before - 500_000) < 30_000, `${hung - before} bytes in the last second`);
    await rig.clock.advance(2_000);
    await reader.body(hung + 4_000_000);
  });
});

describe('item 33: cut', () => {
  test('the body ends by FIN or RST after exactly so many bytes', async (t) => {
    for (const how of ['fin', 'rst'] as const) {
      const rig = await startRig(t);
      const session = await rig.start();
      rig.engine.faults.set({
        fault: { kind: 'cut', how, afterBytes: 20_000 },
        target: { infohash: session.infohash },
      });
      const reader = await rig.read(session);
      if (how === 'fin') assert.equal((await reader.body(20_000)).length, 20_000);
      assert.equal(await reader.end(), how === 'fin' ? 'eof' : 'reset');
      assert.equal(rig.engine.counters.mediaBytesSent, 20_000);
      assert.equal(rig.engine.sessions().length, 1, 'the session lives on');
    }
  });

  test('a cut that is set while it plays comes after so long; other sessions are not touched', async (t) => {
    const rig = await startRig(t);
    const struck = await rig.start(`id=${ID_A}&pid=1`);
    const spared = await rig.start(`id=${ID_B}&pid=2`);
    const readers = [await rig.read(struck), await rig.read(spared)];
    for (const reader of readers) await reader.body(188);
    const session = struck.playback_url.split('/').at(-1) ?? '';
    rig.engine.faults.set({ fault: { kind: 'cut', how: 'fin', afterMs: 500 }, target: { session } });
    await rig.clock.advance(499);
    assert.equal(rig.engine.sessions().find((one) => one.token === session)?.readers, 1);
    await rig.clock.advance(1);
    assert.equal(await readers[0]?.end(), 'eof');
    assert.equal(readers[1]?.ended, undefined);
  });
});

test('item 34: halfDead: everything answers and no byte ever comes', async (t) => {
  for (const headersWaitForMedia of [true, false]) {
    const rig = await startRig(t, { profile: { headersWaitForMedia } });
    rig.engine.faults.set({ fault: { kind: 'halfDead' } });
    const session = await rig.start();
    const reader = await rig.read(session);
    await rig.engine.journal.waitFor((entry) => entry.route === 'content');
    await quietFor(rig, 50_000);
    assert.equal((await rig.get(VERSION)).status, 200);
    assert.match((await rig.get(session.stat_url)).text, /"status": "dl"/);
    assert.equal(rig.engine.counters.mediaBytesSent, 0);
    assert.equal(reader.received.length > 0, !headersWaitForMedia);
  }
});

test('item 36: slowStart: headers after X, first byte after Y, then a byte a second', async (t) => {
  const rig = await startRig(t);
  rig.engine.faults.set({
    fault: { kind: 'slowStart', headersMs: 4_000, firstByteMs: 2_000, dribble: true },
  });
  const reader = await rig.read(await rig.start());
  await rig.engine.journal.waitFor((entry) => entry.route === 'content');
  await quietFor(rig, 3_999);
  assert.equal(reader.received.length, 0);
  await rig.clock.advance(1);
  await reader.head();
  await rig.clock.advance(1_999);
  assert.equal(rig.engine.counters.mediaBytesSent, 0);
  await rig.clock.advance(1);
  assert.equal(rig.engine.counters.mediaBytesSent, 1);
  await rig.clock.advance(3_000);
  assert.equal(rig.engine.counters.mediaBytesSent, 4);
});

test('item 37: zeroPeers and peersNoData: prebuf for ever, until the channel comes to life', async (t) => {
  for (const [fault, peers] of [
    [{ kind: 'zeroPeers' }, 0],
    [{ kind: 'peersNoData', peers: 9 }, 9],
  ] as const) {
    const rig = await startRig(t);
    const id = rig.engine.faults.set({ fault });
    const session = await rig.start();
    const reader = await rig.read(session);
    await rig.engine.journal.waitFor((entry) => entry.route === 'content');
    await quietFor(rig, 60_000);
    const { response } = JSON.parse((await rig.get(session.stat_url)).text);
    assert.deepEqual([response.status, response.peers, response.downloaded], ['prebuf', peers, 0]);
    assert.equal(reader.received.length, 0);
    rig.engine.faults.clear(id);
    await reader.body(188);
  }
});

test('item 38: a start is answered with an error, or with what is no JSON at all', async (t) => {
  const rig = await startRig(t);
  const start = `/ace/getstream?id=${ID_A}&format=json`;
  const reply = async (fault: Fault): Promise<string> => {
    const id = rig.engine.faults.set({ fault });
    const { status, text } = await rig.get(start);
    assert.equal(status, 200);
    rig.engine.faults.clear(id);
    return text;
  };
  assert.equal(
    await reply({
      kind: 'errorJson',
      error: 'no',
      extraData: { reason: 'missing_option', option: 'proxyServer' },
    }),
    '{"response": null, "error": "no", "extra_data": {"reason": "missing_option", "option": "proxyServer"}}',
  );
  assert.equal(await reply({ kind: 'errorJson', error: 'no' }), '{"response": null, "error": "no"}');
  const invalid = await reply({ kind: 'invalidJson' });
  assert.throws(() => JSON.parse(invalid));
  assert.equal(await reply({ kind: 'emptyBody' }), '');
  assert.match(await reply({ kind: 'htmlBody' }), /^<html>/);
  assert((await reply({ kind: 'hugeBody' })).length > 1024 * 1024);
  assert.equal(rig.engine.counters.sessionsOpened, 0);
  await rig.start();
});

test('item 45: the media address answers an error for a while, then plays', async (t) => {
  for (const status of [404, 500, 502, 503] as const) {
    const rig = await startRig(t);
    const session = await rig.start();
    rig.engine.faults.set({ fault: { kind: 'mediaStatus', status }, durationMs: 2_000 });
    const reply = await rig.get(await rig.contentPath(session));
    assert.deepEqual([reply.status, reply.text], [status, 'preloading']);
    await rig.clock.advance(2_000);
    await (await rig.read(session)).body(188);
  }
});

describe('item 46: redirects', () => {
  test('have neither a length nor Connection: close, and a body that the server’s closing ends', async (t) => {
    const rig = await startRig(t, { delays: { redirectCloseMs: 700 } });
    const session = await rig.start();
    const client = rig.raw(session.playback_url);
    const head = await client.head();
    assert.match(head, /Access-Control-Allow-Origin: \*/);
    assert.doesNotMatch(head, /content-length|connection|transfer-encoding/i);
    assert.equal((await client.body(1)).toString(), `Redirect to ${locationOf(head)}`);
    await quietFor(rig, 699);
    assert.equal(client.ended, undefined);
    await rig.clock.advance(1);
    assert.equal(await client.end(), 'eof');
  });

  test('redirectBodyHang: it is never closed', async (t) => {
    const rig = await startRig(t);
    const session = await rig.start();
    rig.engine.faults.set({ fault: { kind: 'redirectBodyHang' } });
    const client = rig.raw(session.playback_url);
    await client.head();
    await quietFor(rig, 50_000);
    assert.equal(client.ended, undefined);
  });

  test('redirectLoop, redirectOtherHost, redirectForeign', async (t) => {
    const rig = await startRig(t);
    const session = await rig.start();
    const redirectUnder = async (fault: Fault, target: string): Promise<string> => {
      const id = rig.engine.faults.set({ fault });
      const { status, head } = await rig.get(target);
      assert.equal(status, 302);
      rig.engine.faults.clear(id);
      return locationOf(head);
    };
    assert.equal(await redirectUnder({ kind: 'redirectLoop' }, session.playback_url), session.playback_url);
    const other = { kind: 'redirectOtherHost', host: 'engine-internal:6878' } as const;
    assert.match(
      await redirectUnder(other, session.playback_url),
      /^http:\/\/engine-internal:6878\/content\//,
    );
    const url = 'https://origin.example/live.m3u8';
    const start = `/ace/getstream?id=${ID_B}&format=json`;
    assert.equal(await redirectUnder({ kind: 'redirectForeign', url }, start), url);
  });
});

test('a fault ends by itself after its duration, and may name one infohash only', async (t) => {
  const rig = await startRig(t);
  const { infohash } = await rig.start(`id=${ID_A}&pid=1`);
  rig.engine.faults.set({
    fault: { kind: 'errorJson', error: 'x' },
    target: { infohash },
    durationMs: 1_000,
  });
  assert.deepEqual(rig.engine.faults.list()[0]?.target, { infohash });
  assert.match((await rig.get(`/ace/getstream?id=${ID_A}&format=json`)).text, /"error": "x"/);
  await rig.start(`id=${ID_B}&pid=2`);
  await rig.clock.advance(1_000);
  assert.deepEqual(rig.engine.faults.list(), []);
  await rig.start(`id=${ID_A}&pid=1`);
});
