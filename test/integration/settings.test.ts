import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { TokenSigner } from '../../src/access/signed-token.ts';
import { FOLLOW_INTERVAL_MS, rotateSigningSecrets } from '../../src/access/signing-secrets.ts';
import { createLog } from '../../src/telemetry/log.ts';
import { JumpClock } from '../support/jump-clock.ts';
import { BYTES_PER_SECOND, ID, type Rig, startRig, until } from '../support/rig.ts';
import { startScaling, streamId } from '../support/scaling-house.ts';
import type { Viewer } from '../support/viewer.ts';

const KEY = 'the-admin-key-of-this-test';
const ACCESS = { access: { apiKey: KEY } };
const OTHER = streamId(1);
const THIRD = streamId(2);

type Body = Readonly<Record<string, unknown>>;

async function call(
  rig: Rig,
  method: string,
  place: string,
  body?: object,
): Promise<{ status: number; body: Body }> {
  const reply = await fetch(`${rig.url}${place}`, {
    method,
    headers: { Authorization: `Bearer ${KEY}`, ...(body && { 'Content-Type': 'application/json' }) },
    ...(body && { body: JSON.stringify(body) }),
  });
  return { status: reply.status, body: Object(await reply.json()) };
}

async function put(rig: Rig, key: string, value: unknown): Promise<Body> {
  const { status, body } = await call(rig, 'PUT', `/settings/${key}`, { value });
  assert.equal(status, 200, JSON.stringify(body));
  return body;
}

/** Waits until the stream's details are so. */
async function untilDetail(rig: Rig, id: string, isSo: (detail: Body) => boolean): Promise<void> {
  for (let tries = 0; !isSo(await rig.json(`/proxy/sessions/${id}`)); tries++) {
    assert.ok(tries < 200, `this never came to hold: ${isSo}`);
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
}

test('what is changed while acemux runs is done from then on', async (t) => {
  let logged = '';
  const rig = await startRig(t, {
    engines: [{}, {}],
    config: ACCESS,
    log: createLog({ level: 'info', format: 'json' }, { write: (line) => (logged += line) }),
  });
  const one = rig.watch();
  await one.received(BYTES_PER_SECOND);

  await t.test('the level of the log', async () => {
    assert.doesNotMatch(logged, /"level":"debug"/);
    const set = await put(rig, 'log_level', 'debug');
    assert.deepEqual([set['layer'], set['value'], set['applies']], ['setting', 'debug', 'now']);
    await put(rig, 'timeshift.seconds', '60s');
    await rig.watch(`id=${OTHER}`).received(BYTES_PER_SECOND);
    const [line = '{}'] = logged.split('\n').filter((each) => each.includes('"msg":"engine chosen"'));
    const { level, candidates } = JSON.parse(line);
    assert.equal(level, 'debug');
    const parts = Object(candidates[0].parts);
    assert.deepEqual(
      Object.keys(parts).filter((part) => typeof parts[part] === 'number'),
      ['forwarded', 'streams', 'vpn', 'failures', 'played', 'preferred'],
      'it says what its score is made of',
    );
    await call(rig, 'DELETE', '/settings/log_level');
    const { length } = logged;
    await put(rig, 'stream_idle_timeout', '250s');
    assert.doesNotMatch(logged.slice(length), /"level":"debug"/);
  });

  await t.test('time-shift, of streams that begin from then on', async () => {
    assert.equal((await rig.json(`/proxy/sessions/${ID}`))['timeshift'], null);
    const kept = Object((await rig.json(`/proxy/sessions/${OTHER}`))['timeshift']);
    assert.equal(kept.window_seconds, 60);
  });

  await t.test('buffers, and how far behind live viewers begin', async () => {
    await put(rig, 'stream_buffer_seconds', 45);
    await put(rig, 'stream_buffer_size', '32MiB');
    await put(rig, 'prebuffer_seconds', 1);
    const settings = Object((await rig.json(`/proxy/sessions/${ID}`))['settings']);
    assert.deepEqual(
      [settings.buffer_seconds, settings.buffer_size_bytes, settings.prebuffer_seconds],
      [45, 32 * 1024 * 1024, 1],
    );
    await put(rig, 'prebuffer_streams', [`${ID}=3`]);
    assert.equal(Object((await rig.json(`/proxy/sessions/${ID}`))['settings']).prebuffer_seconds, 3);
  });

  await t.test('the insurance of streams that play', async () => {
    await put(rig, 'standby', 'warm');
    await untilDetail(rig, ID, (detail) => detail['standby_container_id'] !== null);
    await put(rig, 'standby_streams', [`${ID}=off`]);
    await untilDetail(rig, ID, (detail) => detail['standby_container_id'] === null);
    await call(rig, 'DELETE', '/settings/standby');
  });

  await t.test('how many streams an engine plays, and how long is waited for a place', async () => {
    await put(rig, 'max_streams_per_engine', 1);
    await put(rig, 'engine_selection_timeout', 0);
    assert.equal(await rig.watch(`id=${THIRD}`).status(), 503);
    await put(rig, 'engine_selection_timeout', '1h');
    const waiting = rig.watch(`id=${THIRD}`);
    await until(() => rig.app.fleet.waitingCount === 1);
    await put(rig, 'max_streams_per_engine', 2);
    await waiting.received(BYTES_PER_SECOND);
  });

  await t.test('who is let in: nobody who watches has to go, and whoever comes is judged by it', async () => {
    const answer = async (id = ID): Promise<unknown> => {
      const reply = await fetch(`${rig.url}/ace/getstream?id=${id}`);
      if (reply.status !== 200) return Object(await reply.json()).code;
      await reply.body?.cancel();
      return 200;
    };
    for (const [key, value, refusal] of [
      ['max_viewers', 1, 'too_many_viewers'],
      ['max_streams_per_address', 1, 'too_many_streams_of_address'],
      ['bytes_per_second_per_viewer', 20_000, 'bandwidth_below_stream'],
      ['egress_max', 20_000, 'overloaded'],
    ] as const) {
      await put(rig, key, value);
      assert.equal(await answer(key === 'max_streams_per_address' ? streamId(3) : ID), refusal);
      await put(rig, key, null);
      assert.equal(await answer(), 200, key);
    }
    await one.received(BYTES_PER_SECOND);
  });

  await t.test('how long a stream without viewers is kept', async () => {
    await put(rig, 'stream_idle_timeout', 0);
    one.leave();
    await until(() => rig.app.sessions.find(ID) === undefined);
  });

  await t.test('what is wrong, locked or not for this is refused with the reason', async () => {
    const codes = async (method: string, place: string, body?: object): Promise<unknown[]> => {
      const reply = await call(rig, method, place, body);
      return [reply.status, reply.body['code']];
    };
    assert.deepEqual(await codes('PUT', '/settings/log.level', { value: 'loud' }), [400, 'setting_invalid']);
    assert.deepEqual(await codes('PUT', '/settings/nothing', { value: 1 }), [404, 'setting_unknown']);
    assert.deepEqual(await codes('PUT', '/settings/port', { value: 1 }), [409, 'setting_fixed']);
    assert.deepEqual(await codes('PUT', '/settings/log.level', {}), [400, 'bad_request']);
    assert.equal((await fetch(`${rig.url}/settings`)).status, 401);
  });

  await t.test('all settings are told, secrets masked, and each change is in the audit', async () => {
    const all: readonly Body[] = Object((await call(rig, 'GET', '/settings')).body);
    const byKey = new Map(Object.values(all).map((setting) => [setting['key'], setting]));
    assert.equal(byKey.get('access.api_key')?.['value'], '********');
    assert.equal(byKey.get('server.port')?.['is_changeable'], false);
    assert.equal(byKey.get('streams.idle_timeout')?.['changed_by'], 'admin from 127.0.0.1');
    const audit = Object.values(Object((await call(rig, 'GET', '/settings/audit?limit=1')).body));
    assert.deepEqual(
      audit.map((change) => [Object(change).key, Object(change).value, Object(change).previous]),
      [['streams.idle_timeout', '0s', '250s']],
    );
  });
});

test('what is changed for what begins from then on is done with that, and not before', async (t) => {
  const clock = new JumpClock();
  const told: string[] = [];
  const receiver = createServer((request, response) => {
    told.push(String(request.headers['x-acemux-event']));
    response.end();
  }).listen(0, '127.0.0.1');
  await once(receiver, 'listening');
  t.after(() => {
    receiver.closeAllConnections();
    receiver.close();
  });
  const address = receiver.address();
  assert.ok(typeof address === 'object' && address);
  const rig = await startRig(t, {
    engines: [{}, {}],
    clock,
    config: {
      ...ACCESS,
      health: { checkIntervalMs: 200 },
      webhooks: { urls: [`http://127.0.0.1:${address.port}/`] },
    },
    endsWhileSearching: true,
  });
  const [one, two] = rig.engines;
  assert.ok(one && two);
  const hang = (): void => {
    for (const { faults } of rig.engines) faults.set({ fault: { kind: 'halfDead' } });
  };
  const mend = (): void => {
    for (const { faults } of rig.engines) faults.clear();
  };
  /** A probe that is under way when the clock is put forward has failed; the next one has not. */
  const areWell = (): Promise<void> =>
    until(() =>
      rig.app.fleet.snapshot().every(({ state, isSuspected }) => state === 'healthy' && !isSuspected),
    );
  const asked = (): number => one.sessions().length + two.sessions().length;
  /** From now on what the request waits for is up to the clock. */
  const isAsked = (): Promise<void> => until(() => asked() === 1);

  /** Ends all that plays. */
  const end = async (): Promise<void> => {
    mend();
    rig.forgetViewers();
    for (const { sessionId } of rig.app.sessions.list()) await call(rig, 'DELETE', `/streams/${sessionId}`);
    await rig.enginesFree();
    await areWell();
  };

  await t.test('which events webhooks are sent', async () => {
    await put(rig, 'webhook_events', ['system.settings_changed']);
    await until(() => told.includes('system.settings_changed'));
    const isCounted = async (): Promise<boolean> =>
      /^acemux_webhooks_total\{outcome="delivered"\} [1-9]/m.test(
        await (await fetch(`${rig.url}/metrics`)).text(),
      );
    for (let tries = 0; !(await isCounted()); tries++) {
      assert.ok(tries < 200, 'no webhook is counted');
      await new Promise((resolve) => setTimeout(resolve, 25));
    }
  });

  await t.test('by which secret URLs are signed, when another process has made a new one', async () => {
    const [newest = ''] = await rotateSigningSecrets(rig.dataDir);
    const byNewest = new TokenSigner([newest]);
    const isFollowed = async (): Promise<boolean> => {
      const { body } = await call(rig, 'POST', '/signed-urls', { id: ID });
      return byNewest.read(new URL(String(body['url'])).searchParams.get('token') ?? '').ok;
    };
    assert.equal(await isFollowed(), false);
    clock.jump(FOLLOW_INTERVAL_MS);
    for (let tries = 0; !(await isFollowed()); tries++) {
      assert.ok(tries < 200, 'the old secret goes on signing');
      await new Promise((resolve) => setTimeout(resolve, 25));
    }
  });

  await t.test('how long time-shift keeps of one stream', async () => {
    await put(rig, 'timeshift.streams', [`${OTHER}=120`]);
    await rig.watch(`id=${OTHER}`).received(188);
    const kept = Object((await rig.json(`/proxy/sessions/${OTHER}`))['timeshift']);
    assert.equal(kept.window_seconds, 120);
  });

  await t.test('how many streams linger that nobody watches', async () => {
    await put(rig, 'max_lingering_sessions', 1);
    await rig.watch(`id=${THIRD}`).received(188);
    rig.forgetViewers();
    await until(() => rig.app.sessions.list().every(({ state }) => state === 'lingering'));
    clock.jump(11_000);
    await until(() => rig.app.sessions.list().length === 1);
    await end();
  });

  /** Puts the clock forward until it is so, by less than this altogether. */
  const jumpUntil = async (condition: () => boolean, withinMs: number): Promise<void> => {
    for (let jumpedMs = 0; !condition(); jumpedMs += 200) {
      assert.ok(jumpedMs < withinMs, `not within ${withinMs} ms: ${condition}`);
      clock.jump(200);
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  };
  const statusOf = (viewer: Viewer): { value: number | undefined } => {
    const seen: { value: number | undefined } = { value: undefined };
    void viewer.status().then((status) => {
      seen.value = status;
    });
    return seen;
  };

  await t.test('when the headers of a start are sent that takes long', async () => {
    await put(rig, 'early_headers_after', '2s');
    hang();
    // It is known to be live.
    const status = statusOf(rig.watch(`id=${OTHER}`));
    await isAsked();
    await jumpUntil(() => status.value !== undefined, 4_000);
    assert.equal(status.value, 200);
    await end();
    await put(rig, 'early_headers_after', 0);
  });

  await t.test('after how long a second engine is asked', async () => {
    await put(rig, 'hedge_after', '2s');
    hang();
    rig.watch(`id=${OTHER}`);
    await isAsked();
    await jumpUntil(() => asked() === 2, 4_000);
    await end();
    await put(rig, 'hedge_after', 0);
  });

  await t.test('how long a place is waited for', async () => {
    await put(rig, 'max_streams_per_engine', 1);
    await put(rig, 'engine_selection_timeout', '2s');
    const playing = [rig.watch(`id=${OTHER}`), rig.watch(`id=${THIRD}`)];
    await Promise.all(playing.map((viewer) => viewer.received(188)));
    const status = statusOf(rig.watch(`id=${streamId(3)}`));
    await until(() => rig.app.fleet.waitingCount === 1);
    // Without the change it would be five seconds.
    await jumpUntil(() => status.value !== undefined, 4_000);
    assert.equal(status.value, 503);
    await end();
    for (const key of ['max_streams_per_engine', 'engine_selection_timeout']) {
      await call(rig, 'DELETE', `/settings/${key}`);
    }
  });

  await t.test('how long one engine is waited for, and how long all together', async () => {
    await put(rig, 'empty_stream_timeout', '2s');
    hang();
    const opened = (): number => one.counters.sessionsOpened + two.counters.sessionsOpened;
    const before = opened();
    const status = statusOf(rig.watch(`id=${OTHER}`));
    await isAsked();
    await jumpUntil(() => opened() === before + 2, 10_000);
    await jumpUntil(() => status.value !== undefined, 10_000);
    assert.equal(status.value, 504);
    await end();
    await put(rig, 'empty_stream_timeout', '20s');
    await put(rig, 'start_timeout', '20s');
    hang();
    const later = statusOf(rig.watch(`id=${OTHER}`));
    await isAsked();
    await jumpUntil(() => later.value !== undefined, 25_000);
    assert.equal(later.value, 504);
    await end();
    await call(rig, 'DELETE', '/settings/empty_stream_timeout');
    await call(rig, 'DELETE', '/settings/start_timeout');
  });
});

test('a change is kept over a restart', async (t) => {
  const dataDir = await mkdtemp(path.join(tmpdir(), 'acemux-test-'));
  t.after(() => rm(dataDir, { recursive: true }));
  await t.test('it is made', async (t) => {
    await put(await startRig(t, { config: ACCESS, dataDir }), 'stream_buffer_seconds', 45);
  });
  await t.test('and is there', async (t) => {
    const rig = await startRig(t, { config: ACCESS, dataDir });
    const { body } = await call(rig, 'GET', '/settings/stream_buffer_seconds');
    assert.deepEqual([body['value'], body['layer']], ['45s', 'setting']);
    await rig.watch().received(BYTES_PER_SECOND);
    assert.equal(Object((await rig.json(`/proxy/sessions/${ID}`))['settings']).buffer_seconds, 45);
  });
});

test('the fleet grows and shrinks by what is changed', async (t) => {
  const { rig, running } = await startScaling(t, {
    max: 4,
    startMs: 20,
    config: { ...ACCESS, fleet: { minFree: 0 } },
  });
  await put(rig, 'min_free_replicas', 2);
  await until(() => running.size === 2);
  await put(rig, 'min_replicas', 3);
  await until(() => running.size === 3);
  await put(rig, 'max_replicas', 3);
  await put(rig, 'engine_grace_period', 0);
  await put(rig, 'min_free_replicas', 0);
  await put(rig, 'min_replicas', 1);
  await until(() => running.size === 1);
});
