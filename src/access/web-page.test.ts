import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { RequestHeaders } from './client-address.ts';
import { decideWebAccess, type WebRequest } from './web-page.ts';

const HOST = '192.168.1.4:8000';
/** All but playing and health. */
const CLOSED_TO_PAGES = ['entry', 'overview', 'metrics', 'view', 'operate', 'admin'] as const;

function decide(change: Partial<WebRequest>): string {
  return decideWebAccess({
    area: 'view',
    method: 'GET',
    hosts: () => [HOST],
    headers: {},
    publicUrl: 'https://tv.example.org/ace',
    ...change,
  });
}

describe('a name that a request was sent to', () => {
  for (const host of [
    '127.0.0.1:8000',
    '192.168.1.4',
    '203.0.113.9:80',
    '[::1]:8000',
    '[fd00::7]',
    'localhost:8000',
    'panel.localhost',
    'nas',
    'NAS:8000',
    'acemux_1',
    'nas.local',
    'nas.lan:8000',
    'nas.home.arpa',
    'host.docker.internal:8000',
    'nas.local.',
    'tv.example.org',
    'TV.example.org:8443',
  ]) {
    test(`may be ${host}`, () => {
      for (const area of ['view', 'admin'] as const)
        assert.equal(decide({ area, hosts: () => [host] }), 'allow');
    });
  }

  for (const host of [
    'evil.example',
    'tv.example.org.evil.example',
    'evil.tv.example.org',
    'example.org',
    'nas.local.evil.example',
    'notlocal.evillan',
    '1.2.3.4.evil.example',
    '0x7f.1',
    '[::1].evil.example',
    '[evil]',
    'a@nas',
    'nas/x',
    'a:b:c',
    ' ',
  ]) {
    test(`may not be ${host}, except for playing and for supervisors`, () => {
      for (const area of CLOSED_TO_PAGES) {
        assert.equal(decide({ area, hosts: () => [host] }), 'host_not_allowed');
        assert.equal(decide({ area, hosts: () => ['nas', host] }), 'host_not_allowed', 'every name counts');
      }
      for (const area of ['play', 'open'] as const)
        assert.equal(decide({ area, hosts: () => [host] }), 'allow');
    });
  }

  test('of PUBLIC_URL is none where there is no PUBLIC_URL', () => {
    assert.equal(decide({ hosts: () => ['tv.example.org'], publicUrl: undefined }), 'host_not_allowed');
  });

  test('may be missing: every browser sends one', () => assert.equal(decide({ hosts: () => [] }), 'allow'));
});

const OWN = `http://${HOST}`;
const FOREIGN = 'https://evil.example';
/** What a request carries; who may read with it, who may change something. */
const PAGES: readonly (readonly [string, RequestHeaders, reads: boolean, changes: boolean])[] = [
  ['a program', {}, true, true],
  ['a page of acemux', { 'sec-fetch-site': 'same-origin', origin: OWN }, true, true],
  ['a page of acemux, without TLS', { origin: OWN }, true, true],
  ['a page of acemux under its public name', { origin: 'https://tv.example.org' }, true, true],
  ['a person who typed the address', { 'sec-fetch-site': 'none', 'sec-fetch-mode': 'navigate' }, true, true],
  ['a page of another host', { 'sec-fetch-site': 'cross-site', origin: FOREIGN }, false, false],
  ['a page of another host, without TLS', { origin: FOREIGN }, false, false],
  ['a page of another port', { origin: 'http://192.168.1.4:9000' }, false, false],
  ['a page that hides where it is from', { origin: 'null' }, false, false],
  ['a page of a neighbouring name', { 'sec-fetch-site': 'same-site', origin: FOREIGN }, true, false],
  ['a value that nobody knows', { 'sec-fetch-site': 'galactic' }, false, false],
  ['a picture in a page of another host', { 'sec-fetch-site': 'cross-site' }, false, false],
  [
    'a link in a page of another host',
    { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document' },
    true,
    false,
  ],
  [
    'a frame in a page of another host',
    { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'iframe' },
    false,
    false,
  ],
];

describe('a request from', () => {
  for (const [who, headers, reads, changes] of PAGES) {
    const word = (may: boolean): string => (may ? 'allow' : 'cross_site');
    test(`${who} may ${reads ? '' : 'not '}read and may ${changes ? '' : 'not '}change`, () => {
      for (const area of CLOSED_TO_PAGES) {
        for (const method of ['GET', 'HEAD']) {
          assert.equal(decide({ area, headers, method }), word(reads), `${method} ${area}`);
        }
      }
      for (const area of [...CLOSED_TO_PAGES, 'play', 'open'] as const) {
        for (const method of ['POST', 'PUT', 'PATCH', 'DELETE']) {
          assert.equal(decide({ area, headers, method }), word(changes), `${method} ${area}`);
        }
      }
    });

    test(`${who} may play`, () => {
      for (const method of ['GET', 'HEAD', 'OPTIONS']) {
        assert.equal(decide({ area: 'play', headers, method }), 'allow');
        assert.equal(decide({ area: 'open', headers, method }), 'allow');
      }
    });
  }
});
