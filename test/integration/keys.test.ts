/** Keys in a closed house: how long what was begun by one goes on, and what is told of it; over HTTP. */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { readEvents } from '../support/event-reader.ts';
import { ID, type Rig, startRig, until } from '../support/rig.ts';
import { Viewer } from '../support/viewer.ts';

const LONG = process.env['LONG_TESTS'] === '1';
const CHANGES = LONG ? 100 : 20;
/** So long a player that zaps has two streams open. */
const OVERLAP_MS = 50;
/** It ends them in the same turn of the loop: what still plays then was not ended, and a test must not wait for it. */
const ENDS_WITHIN_MS = 5_000;
const CLOSED = { access: { play: 'key', view: 'key' }, engines: { maxStreamsPerEngine: 5 } } as const;

interface MadeKey {
  readonly id: string;
  readonly key: string;
}

async function asAdmin(
  rig: Rig,
  method: string,
  path: string,
  body?: object,
): Promise<Record<string, unknown>> {
  const key = (await readFile(join(rig.dataDir, 'admin.key'), 'utf8')).trim();
  const headers = { 'X-API-Key': key, ...(body && { 'Content-Type': 'application/json' }) };
  const reply = await fetch(`${rig.url}${path}`, {
    method,
    headers,
    ...(body && { body: JSON.stringify(body) }),
  });
  assert.ok(reply.ok, `${method} ${path}: ${reply.status}`);
  return Object(await reply.json());
}

async function makeKey(rig: Rig, name: string, role: string, limits = {}): Promise<MadeKey> {
  const { id, key } = await asAdmin(rig, 'POST', '/keys', { name, role, limits });
  return { id: String(id), key: String(key) };
}

/** The events of a type so far, the oldest first. */
const told = (rig: Rig, type: string) =>
  rig.app.events
    .newestFirst()
    .filter((event) => event.type === type)
    .toArray()
    .reverse();

describe('a key of a closed house', () => {
  let rig: Rig;
  const ends: (() => unknown)[] = [];
  before(async () => {
    // For all tests of this file: it ends with the last.
    const owner = { after: (end: () => unknown) => void ends.push(end) };
    rig = await startRig(owner, { config: CLOSED });
  });
  after(async () => {
    for (const end of ends.toReversed()) await end();
  });

  test('that is removed ends the streams that are played by it, and others play on', async (t) => {
    const [mine, other] = [await makeKey(rig, 'lodger', 'viewer'), await makeKey(rig, 'family', 'viewer')];
    const stream = `id=${ID}`;
    const stays = rig.watch(`${stream}&token=${other.key}`);
    const goes = rig.watch(`${stream}&token=${mine.key}`);
    const signed = await asAdmin(rig, 'POST', '/signed-urls', {
      id: ID,
      key_id: mine.id,
      expires_in_seconds: 3600,
    });
    const bySignedUrl = rig.watch(new URL(String(signed['url'])).search.slice(1));
    const { response } = Object(await rig.json(`/ace/getstream?${stream}&format=json&token=${mine.key}`));
    const byLease = new Viewer(response.playback_url);
    t.after(() => byLease.leave());
    const manifestUrl = `${rig.url}/ace/manifest.m3u8?${stream}&token=${mine.key}`;
    const manifest = await (await fetch(manifestUrl)).text();
    const playlist = new URL(/^hls\S+$/m.exec(manifest)?.[0] ?? '', manifestUrl);
    assert.equal((await fetch(playlist)).status, 200);
    const ending = [goes, bySignedUrl, byLease];
    await Promise.all([stays, ...ending].map((viewer) => viewer.received(188)));
    assert.equal(rig.app.sessions.clientCount, 5);
    const { keys } = await asAdmin(rig, 'GET', '/keys');
    const counts = Object.values(Object(keys)).map((each) => [Object(each).name, Object(each).viewer_count]);
    assert.deepEqual(counts.slice(1), [
      ['lodger', 4],
      ['family', 1],
    ]);

    await asAdmin(rig, 'DELETE', `/keys/${mine.id}`);
    await until(() => ending.every(({ ended }) => ended !== undefined), ENDS_WITHIN_MS);
    await stays.receivedMore(188 * 100);
    assert.equal(stays.ended, undefined);
    assert.equal(rig.app.sessions.clientCount, 1);
    const left = told(rig, 'client.left').map(({ details }) => details['reason']);
    assert.deepEqual(
      left,
      Array.from({ length: 4 }, () => 'key_revoked'),
    );
    assert.equal((await fetch(playlist)).status, 403);
    assert.equal((await fetch(response.playback_url)).status, 404);
    stays.leave();
  });

  test('that is removed ends the panel that is logged in with it', async (t) => {
    const { id, key } = await makeKey(rig, 'neighbour', 'operator');
    const headers = { 'Content-Type': 'application/json' };
    const login = await fetch(`${rig.url}/login`, { method: 'POST', headers, body: JSON.stringify({ key }) });
    const cookie = { Cookie: login.headers.get('set-cookie')?.split(';')[0] ?? '' };
    const reader = await readEvents(t, `${rig.url}/events/stream`, cookie);
    await asAdmin(rig, 'DELETE', `/keys/${id}`);
    await until(() => reader.response.destroyed, ENDS_WITHIN_MS);
    assert.equal((await fetch(`${rig.url}/streams`, { headers: cookie })).status, 401);
  });

  test('is told of when it is made and when it is removed: which, by whom, from where, and never the key itself', async () => {
    const { id, key } = await makeKey(rig, 'attic', 'viewer');
    await asAdmin(rig, 'DELETE', `/keys/${id}`);
    for (const type of ['access.key_made', 'access.key_removed']) {
      const event = told(rig, type).at(-1);
      assert.deepEqual(event?.details, {
        name: 'attic',
        id,
        role: 'viewer',
        by: 'admin',
        address: '127.0.0.1',
      });
      assert.ok(event.request, 'by which request');
      assert.ok(!JSON.stringify(event).includes(key));
    }
  });

  test(`with one stream and replace_oldest opens another ${OVERLAP_MS} ms before it closes the last: ${CHANGES} of ${CHANGES}`, async () => {
    const { key } = await makeKey(rig, 'zapper', 'viewer', { streams_max: 1, on_limit: 'replace_oldest' });
    const channel = (number: number) => `id=${number.toString(16).padStart(40, 'c')}&token=${key}`;
    let last = rig.watch(channel(0));
    assert.equal(await last.status(), 200);
    for (let change = 1; change <= CHANGES; change++) {
      const next = rig.watch(channel(change % 3));
      await delay(OVERLAP_MS);
      last.leave();
      assert.equal(await next.status(), 200, `change ${change}`);
      await next.received(188);
      last = next;
    }
    assert.equal(last.ended, undefined);
    last.leave();
    await until(() => rig.app.sessions.clientCount === 0);
  });
});
