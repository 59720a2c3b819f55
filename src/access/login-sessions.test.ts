import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { ManualClock } from '../base/manual-clock.ts';
import { LINK_MAX_MS, LoginSessions, SESSION_IDLE_MS, SESSION_MAX_MS } from './login-sessions.ts';

function make(): { clock: ManualClock; logins: LoginSessions } {
  const clock = new ManualClock();
  return { clock, logins: new LoginSessions(clock) };
}

test('a session is its key until it is closed', () => {
  const { logins } = make();
  const [one, other] = [logins.open('key_1'), logins.open('key_2')];
  assert.match(one, /^[\w-]{43}$/);
  assert.equal(logins.find(one), 'key_1');
  assert.equal(logins.find(other), 'key_2');
  logins.close(one);
  assert.equal(logins.find(one), undefined, 'a cookie that is sent again is worth nothing');
  assert.equal(logins.find(other), 'key_2');
});

test('no other text is a session, nor a link', () => {
  const { logins } = make();
  const [id, link] = [logins.open('key_1'), logins.createLink('key_1')];
  fc.assert(
    fc.property(fc.string(), (text) => logins.find(text) === undefined && logins.redeem(text) === undefined),
  );
  assert.equal(logins.find(link), undefined);
  assert.equal(logins.redeem(id), undefined);
  assert.equal(logins.find(id.slice(0, -1)), undefined);
});

test('a session that nobody uses ends', async () => {
  const { clock, logins } = make();
  const id = logins.open('key_1');
  await clock.advance(SESSION_IDLE_MS - 1);
  assert.equal(logins.find(id), 'key_1');
  await clock.advance(SESSION_IDLE_MS);
  assert.equal(logins.find(id), undefined);
});

test('a session that is used all the time ends, too', async () => {
  const { clock, logins } = make();
  const id = logins.open('key_1');
  for (let atMs = 0; atMs + 3_600_000 < SESSION_MAX_MS; atMs += 3_600_000) {
    await clock.advance(3_600_000);
    assert.equal(logins.find(id), 'key_1');
  }
  await clock.advance(3_600_000);
  assert.equal(logins.find(id), undefined);
});

test('a link opens once', () => {
  const { logins } = make();
  const link = logins.createLink('admin');
  assert.equal(logins.redeem(link), 'admin');
  assert.equal(logins.redeem(link), undefined);
});

test('a link opens within ten minutes', async () => {
  const { clock, logins } = make();
  const [early, late] = [logins.createLink('admin'), logins.createLink('admin')];
  await clock.advance(LINK_MAX_MS - 1);
  assert.equal(logins.redeem(early), 'admin');
  await clock.advance(1);
  assert.equal(logins.redeem(late), undefined);
});

test('there are at most so many: the oldest ends', () => {
  const { logins } = make();
  const first = logins.open('key_1');
  for (let count = 0; count < 1000; count++) logins.open('key_2');
  assert.equal(logins.find(first), undefined);
  const link = logins.createLink('key_1');
  for (let count = 0; count < 100; count++) logins.createLink('key_2');
  assert.equal(logins.redeem(link), undefined);
});

test('what was logged in with a key, and the links to do so, end with the key; others stay', () => {
  const logins = new LoginSessions(new ManualClock());
  const [gone, kept] = [logins.open('k1'), logins.open('k2')];
  const [deadLink, goodLink] = [logins.createLink('k1'), logins.createLink('k2')];
  logins.closeOfKey('k1');
  assert.deepEqual([logins.find(gone), logins.find(kept)], [undefined, 'k2']);
  assert.deepEqual([logins.redeem(deadLink), logins.redeem(goodLink)], [undefined, 'k2']);
});
