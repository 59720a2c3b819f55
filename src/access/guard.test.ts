import assert from 'node:assert/strict';
import { test } from 'node:test';
import { NO_LISTS, readAddressLists } from './address-lists.ts';
import type { ClientAddress } from './client-address.ts';
import {
  type AccessMode,
  type AccessRequest,
  AREAS,
  type Area,
  type Credential,
  decideAccess,
  type SignedProblem,
} from './guard.ts';
import { ROLES, type Role } from './roles.ts';

const HOUSE: ClientAddress = { address: '192.168.1.5', isPrivate: true, isBehindUnknownProxy: false };
const STRANGER: ClientAddress = { address: '203.0.113.9', isPrivate: false, isBehindUnknownProxy: false };
const PROXIED: ClientAddress = { address: '192.168.1.2', isPrivate: false, isBehindUnknownProxy: true };
const CLIENTS = [HOUSE, STRANGER, PROXIED];
const NONE: Credential = { kind: 'none' };
const WRONG: Credential = { kind: 'wrong' };
const key = (role: Role): Credential => ({ kind: 'key', role });
const signed = (problem?: SignedProblem): Credential => ({ kind: 'signed', problem });

const EVERY_AREA = Object.keys(AREAS) as Area[];
const MODES: readonly AccessMode[] = ['private', 'key', 'open'];

function decide(area: Area, mode: AccessMode, changes: Partial<AccessRequest> = {}): string {
  const policy = { play: mode, view: mode };
  const asked = { client: STRANGER, credential: NONE, isUnguessable: false, lists: NO_LISTS };
  return decideAccess({ area, policy, ...asked, ...changes });
}

/** What each key opens where no address and no setting stands in for it. */
const OPENS: Readonly<Record<Role | 'none' | 'signed', readonly Area[]>> = {
  admin: ['open', 'entry', 'play', 'overview', 'metrics', 'view', 'operate', 'admin'],
  operator: ['open', 'entry', 'play', 'overview', 'metrics', 'view', 'operate'],
  viewer: ['open', 'entry', 'play', 'overview'],
  metrics: ['open', 'entry', 'metrics'],
  signed: ['open', 'entry', 'play'],
  none: ['open', 'entry'],
};

test('each role may do what the table says, and nothing else, wherever it comes from', () => {
  const credentials: Readonly<Record<keyof typeof OPENS, Credential>> = {
    ...{ admin: key('admin'), operator: key('operator'), viewer: key('viewer'), metrics: key('metrics') },
    signed: signed(),
    none: NONE,
  };
  for (const [who, opens] of Object.entries(OPENS)) {
    const credential = credentials[who as keyof typeof OPENS];
    // Whoever comes with a key is who that key says, where others need none, too.
    const modes = credential.kind === 'key' ? MODES : (['key'] as const);
    for (const [client, mode] of modes.flatMap((each) => CLIENTS.map((client) => [client, each] as const))) {
      const opened = EVERY_AREA.filter((area) => decide(area, mode, { client, credential }) === 'allow');
      assert.deepEqual(opened, opens, `${who} ${mode} ${client.address}`);
    }
  }
  assert.deepEqual(Object.keys(OPENS).sort(), [...ROLES, 'none', 'signed'].sort(), 'no role is missing');
});

test('private: the house needs no key to play and to look, strangers do', () => {
  for (const area of ['play', 'overview', 'metrics', 'view'] as const) {
    assert.equal(decide(area, 'private', { client: HOUSE }), 'allow');
    assert.equal(decide(area, 'private', { client: HOUSE, credential: WRONG }), 'allow');
    assert.equal(decide(area, 'private'), 'key_required');
    assert.equal(decide(area, 'private', { credential: WRONG }), 'key_wrong');
  }
});

test('open: nobody needs a key to play and to look', () => {
  for (const area of ['play', 'overview', 'metrics', 'view'] as const) {
    for (const client of CLIENTS) assert.equal(decide(area, 'open', { client }), 'allow');
  }
});

test('play and view have policies of their own', () => {
  const policy = { play: 'open', view: 'key' } as const;
  assert.equal(decide('play', 'key', { policy }), 'allow');
  assert.equal(decide('view', 'open', { policy }), 'key_required');
});

test('what changes something always needs a key: no address and no mode stands in for it', () => {
  for (const mode of MODES) {
    for (const area of ['operate', 'admin'] as const) {
      assert.equal(decide(area, mode, { client: HOUSE }), 'key_required');
      assert.equal(decide(area, mode, { client: HOUSE, credential: WRONG }), 'key_wrong');
      assert.equal(decide(area, mode, { client: HOUSE, credential: key('viewer') }), 'role_not_enough');
      assert.equal(decide(area, mode, { client: HOUSE, credential: signed() }), 'role_not_enough');
    }
  }
});

test('who comes through a proxy that is not trusted is never private, and hears why', () => {
  for (const area of ['play', 'view'] as const) {
    assert.equal(decide(area, 'private', { client: PROXIED }), 'proxy_not_trusted');
    assert.equal(decide(area, 'private', { client: PROXIED, credential: WRONG }), 'key_wrong');
    assert.equal(decide(area, 'private', { client: PROXIED, credential: key('admin') }), 'allow');
    // Trusting the proxy would not help here.
    assert.equal(decide(area, 'key', { client: PROXIED }), 'key_required');
  }
  assert.equal(decide('admin', 'private', { client: PROXIED }), 'key_required');
});

test('a signed URL that is over, changed or for something else plays nothing', () => {
  for (const problem of ['signed_url_wrong', 'signed_url_expired', 'signed_url_elsewhere'] as const) {
    assert.equal(decide('play', 'private', { credential: signed(problem) }), problem);
    assert.equal(decide('play', 'private', { credential: signed(problem), client: HOUSE }), 'allow');
  }
});

test('an address that nobody can guess is as good as a key, for what it is an address of', () => {
  assert.equal(decide('play', 'key', { isUnguessable: true }), 'allow');
  assert.equal(decide('play', 'key', { isUnguessable: true, credential: WRONG }), 'allow');
});

test('lists keep addresses out, whatever they come with, each from its own areas', () => {
  const none = { allow: [], deny: [] };
  const partOf = (area: Area): string | undefined => AREAS[area].lists;
  for (const part of ['play', 'view', 'admin'] as const) {
    const lists = readAddressLists({
      ...{ play: none, view: none, admin: none },
      [part]: { allow: [], deny: ['192.168.0.0/16'] },
    });
    const given = { client: HOUSE, credential: key('admin'), isUnguessable: true, lists };
    for (const area of EVERY_AREA) {
      const expected = partOf(area) === part ? 'address_not_allowed' : 'allow';
      assert.equal(decide(area, 'open', given), expected, `${part} ${area}`);
    }
    const proxied = { ...given, client: PROXIED };
    const area = EVERY_AREA.find((each) => partOf(each) === part);
    assert.equal(decide(area ?? 'open', 'open', proxied), 'proxy_not_trusted', 'nobody knows who that is');
  }
});

test('health stays open for supervisors, whatever is listed', () => {
  const all = { allow: ['192.0.2.1'], deny: ['0.0.0.0/0'] };
  const lists = readAddressLists({ play: all, view: all, admin: all });
  assert.equal(decide('open', 'key', { lists }), 'allow');
});
