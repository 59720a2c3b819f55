import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { FakeFleetControl, madeEngine } from '../testing/fleet.ts';
import { ADMIN_KEY, type Call, call, type Reply, startRig } from '../testing/rig.ts';

const AS_ADMIN: Call = { headers: { Authorization: `Bearer ${ADMIN_KEY}` } };

async function rigWith(t: TestContext) {
  const fleetControl = new FakeFleetControl();
  fleetControl.list = [
    madeEngine(),
    madeEngine({ id: 'static-1', name: 'nas', container: undefined, labels: {} }),
  ];
  return { fleetControl, rig: await startRig(t, { fleetControl }) };
}

function codeOf(reply: Reply): unknown[] {
  return [reply.status, Object(reply.json()).code];
}

test('a container is found by its id, its name, and its engine’s id', async (t) => {
  const { rig } = await rigWith(t);
  for (const name of ['c0ffee', 'acemux-engine-1', 'engine-1']) {
    assert.deepEqual((await call(rig, `/containers/${name}`)).json(), {
      id: 'c0ffee',
      name: 'acemux-engine-1',
      image: 'acestream:latest',
      image_id: 'sha256:1234',
      created: '2026-01-02T03:04:03.000Z',
      started_at: '2026-01-02T03:04:04.000Z',
      status: 'running',
      labels: madeEngine().labels,
      ports: { '6878/tcp': [{ HostIp: '10.0.0.7', HostPort: '19000' }] },
      memory_limit_bytes: 536_870_912,
    });
  }
  const none = await call(rig, '/containers/nginx');
  assert.deepEqual(
    [none.status, none.json()],
    [404, { detail: 'container not found', code: 'engine_unknown' }],
  );
});

test('containers are found by a label, which nobody but the admin may ask for', async (t) => {
  const { rig } = await rigWith(t);
  assert.deepEqual(codeOf(await call(rig, '/by-label?key=colour&value=red')), [401, 'key_required']);
  const ids = async (query: string): Promise<unknown> =>
    ((await call(rig, `/by-label?${query}`, AS_ADMIN)).json() as { id: string }[]).map(({ id }) => id);
  assert.deepEqual(await ids('key=colour&value=red'), ['c0ffee']);
  assert.deepEqual(await ids('key=colour&value=blue'), []);
  assert.deepEqual(await ids('key=__proto__&value=x'), []);
  assert.equal((await call(rig, '/by-label?key=colour', AS_ADMIN)).status, 400);
});

test('removing a container drains its engine first, unless it is forced', async (t) => {
  const { rig, fleetControl } = await rigWith(t);
  assert.deepEqual(codeOf(await call(rig, '/containers/c0ffee', { method: 'DELETE' })), [
    401,
    'key_required',
  ]);
  for (const query of ['', '?force=true']) {
    const reply = await call(rig, `/containers/c0ffee${query}`, { ...AS_ADMIN, method: 'DELETE' });
    assert.deepEqual(reply.json(), { deleted: 'c0ffee' });
  }
  assert.deepEqual(fleetControl.asked, [
    ['remove', 'engine-1', false],
    ['remove', 'engine-1', true],
  ]);
});

test('/gc looks for what nobody needs', async (t) => {
  const { rig, fleetControl } = await rigWith(t);
  assert.deepEqual(codeOf(await call(rig, '/gc', { method: 'POST' })), [401, 'key_required']);
  const reply = await call(rig, '/gc', { ...AS_ADMIN, method: 'POST' });
  assert.deepEqual(reply.json(), { status: 'ok' });
  assert.deepEqual(fleetControl.asked, [['gc']]);
});
