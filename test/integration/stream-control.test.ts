import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BYTES_PER_SECOND, ID, type Rig, startRig } from '../support/rig.ts';
import { checkStream } from '../support/ts-checker.ts';

const KEY = 'the-admin-key-of-this-test';
const AS_ADMIN = { Authorization: `Bearer ${KEY}`, 'Content-Type': 'application/json' };

interface Answer {
  readonly status: number;
  readonly body: Readonly<Record<string, unknown>>;
}

async function send(rig: Rig, method: string, path: string, body?: object): Promise<Answer> {
  const reply = await fetch(`${rig.url}${path}`, {
    method,
    headers: AS_ADMIN,
    ...(body && { body: JSON.stringify(body) }),
    ...(!body && { headers: { Authorization: AS_ADMIN.Authorization } }),
  });
  return { status: reply.status, body: Object(await reply.json()) };
}

/** Resolves with the next event of this type. */
function happened(rig: Rig, type: string): Promise<unknown> {
  return new Promise((resolve) => {
    const stop = rig.app.events.subscribe((event) => {
      if (event.type !== type) return;
      stop();
      resolve(event);
    });
  });
}

test('an operator sees everything about a stream, moves it, changes what holds for it, and disconnects a viewer', async (t) => {
  const rig = await startRig(t, { engines: [{}, {}], config: { access: { apiKey: KEY } } });
  const [one, other] = [rig.watch(), rig.watch()];
  await Promise.all([one, other].map((viewer) => viewer.received(BYTES_PER_SECOND)));

  await t.test('what is known of it: media, memory, attempts, viewers, what has happened', async () => {
    const detail = await rig.json(`/proxy/sessions/${ID}`);
    const media = Object(detail['media']);
    assert.deepEqual(media.codecs, ['avc1.4d401e', 'mp4a.40.2']);
    assert.deepEqual([media.width, media.height, media.frames_per_second], [640, 360, 25]);
    assert.ok(media.gop_seconds > 0 && media.gop_longest_seconds >= media.gop_seconds);
    const buffer = Object(detail['buffer']);
    assert.ok(buffer.head_position >= buffer.keyframes.at(-1).position);
    assert.equal(buffer.keyframes[0].kind, 'idr');
    const [attempt] = Object(detail['attempts']);
    assert.equal(attempt.container_id, detail['container_id']);
    assert.ok(attempt.first_byte_after_seconds >= attempt.opened_after_seconds);
    assert.equal(attempt.over_after_seconds, null);
    const clients: Record<string, unknown>[] = Object(detail['clients']);
    assert.equal(clients.length, 2);
    for (const client of clients) {
      assert.deepEqual([client['output'], client['address']], ['ts', '127.0.0.1']);
      assert.ok(Number(client['bytes_sent']) >= BYTES_PER_SECOND);
      assert.ok(Number(client['position']) <= Number(buffer.head_position));
      assert.equal(Number(client['lag_bytes']), buffer.head_position - Number(client['position']));
    }
    const timeline: { readonly type: string }[] = Object(detail['timeline']);
    assert.deepEqual(
      timeline.map(({ type }) => type),
      ['stream.begun', 'stream.started'],
    );
    const listed: readonly Record<string, unknown>[] = Object(
      await (await fetch(`${rig.url}/api/v1/clients`)).json(),
    );
    assert.deepEqual(
      listed.map(({ id }) => id),
      clients.map(({ id }) => id),
    );
  });

  await t.test('it goes on at another engine, and no viewer notices', async () => {
    const { container_id: from } = await rig.json(`/proxy/sessions/${ID}`);
    const spliced = happened(rig, 'stream.spliced');
    assert.equal((await send(rig, 'POST', `/streams/${ID}/move`)).status, 200);
    const event = Object(await spliced);
    assert.notEqual(event.engine, from);
    assert.equal(event.details.from_engine, from);
    const back = happened(rig, 'stream.spliced');
    assert.equal((await send(rig, 'POST', `/streams/${ID}/move`, { container_id: from })).status, 200);
    assert.equal(Object(await back).engine, from);
    await one.receivedMore(BYTES_PER_SECOND);
    const whole = one.media.subarray(0, one.media.length - (one.media.length % 188));
    assert.deepEqual(checkStream(whole).problems, []);
  });

  await t.test('where it can’t go it stays, and says so', async () => {
    const { container_id: here } = await rig.json(`/proxy/sessions/${ID}`);
    const refused = await send(rig, 'POST', `/streams/${ID}/move`, { container_id: here });
    assert.deepEqual([refused.status, refused.body['code']], [409, 'move_impossible']);
    const unknown = await send(rig, 'POST', `/streams/${ID}/move`, { container_id: 'nobody' });
    assert.deepEqual([unknown.status, unknown.body['code']], [404, 'engine_unknown']);
    assert.equal((await send(rig, 'POST', `/streams/${ID}/move`, { container_id: 1 })).status, 404);
  });

  await t.test(
    'its buffers, its insurance and what is kept of it on disk change while it plays',
    async () => {
      const changes = {
        buffer_seconds: 30,
        buffer_size_bytes: 8 * 1024 * 1024,
        prebuffer_seconds: 2,
        standby: 'warm',
        timeshift_seconds: 60,
      };
      const changed = await send(rig, 'PATCH', `/streams/${ID}`, changes);
      const { timeshift_seconds: window, ...settings } = changes;
      assert.deepEqual([changed.status, changed.body['settings']], [200, settings]);
      const detail = await rig.json(`/proxy/sessions/${ID}`);
      assert.deepEqual(detail['settings'], settings);
      assert.equal(Object(detail['timeshift']).window_seconds, window);
      assert.equal((await send(rig, 'PATCH', `/streams/${ID}`, {})).status, 400);
      assert.equal((await send(rig, 'PATCH', `/streams/${ID}`, { standby: 'cold' })).status, 400);
      await send(rig, 'PATCH', `/streams/${ID}`, { timeshift_seconds: 0, standby: 'off' });
      assert.equal((await rig.json(`/proxy/sessions/${ID}`))['timeshift'], null);
    },
  );

  await t.test('one viewer is disconnected, the other plays on', async () => {
    const [client] = Object((await rig.json(`/proxy/sessions/${ID}`))['clients']);
    assert.equal((await fetch(`${rig.url}/clients/${client.id}`, { method: 'DELETE' })).status, 401);
    assert.equal((await send(rig, 'DELETE', `/clients/${client.id}`)).status, 200);
    const ended = await Promise.race([one.end().then(() => one), other.end().then(() => other)]);
    await (ended === one ? other : one).receivedMore(BYTES_PER_SECOND);
    const again = await send(rig, 'DELETE', `/clients/${client.id}`);
    assert.deepEqual([again.status, again.body['code']], [404, 'client_unknown']);
  });

  await t.test('an HLS viewer that was disconnected is not let in again under its address', async () => {
    const master = await (await fetch(`${rig.url}/ace/manifest.m3u8?id=${ID}`)).text();
    const address = new URL(master.trim().split('\n').at(-1) ?? '', `${rig.url}/ace/manifest.m3u8`);
    assert.equal((await fetch(address)).status, 200);
    const clients: Record<string, unknown>[] = Object(await (await fetch(`${rig.url}/clients`)).json());
    const hls = clients.find(({ output }) => output === 'hls');
    assert.equal((await send(rig, 'DELETE', `/clients/${hls?.['id']}`)).status, 200);
    const refused = await fetch(address);
    assert.deepEqual([refused.status, Object(await refused.json()).code], [403, 'kicked_by_operator']);
  });
});
