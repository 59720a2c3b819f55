/** The lists of the references: of that on engines sections 9 and 10, of that on containers and VPNs section 6. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { namedTests } from './support/test-titles.ts';

const SIMULATOR_ITEMS = 55;
/** Of the reference on containers and VPNs, section 6: what may happen to a fleet. */
const FLEET_FAULTS = 46;
const named = namedTests();

test('every item of section 9, what a faithful simulator must do, has a test that bears its number', () => {
  const shown = new Set<number>();
  for (const { file, title } of named) {
    if (!file.startsWith('src/simulator/')) continue;
    const [, from, to = from] = /^items? (\d+)(?: to (\d+))?\b/.exec(title) ?? [];
    for (let item = Number(from); item <= Number(to); item++) shown.add(item);
  }
  const all = Array.from({ length: SIMULATOR_ITEMS }, (_, index) => index + 1);
  assert.deepEqual(
    all.filter((item) => !shown.has(item)),
    [],
    'name its test `item N: …`',
  );
});

test('every fault of section 6, what happens to containers and VPNs, has a test that bears its number', () => {
  const shown = new Set<number>();
  for (const { title } of named) {
    const [, from, between, to = from] = /^faults? (\d+)(?: (to|and) (\d+))?:/.exec(title) ?? [];
    if (from === undefined) continue;
    shown.add(Number(from)).add(Number(to));
    for (let fault = Number(from); between === 'to' && fault < Number(to); fault++) shown.add(fault);
  }
  const all = Array.from({ length: FLEET_FAULTS }, (_, index) => index + 1);
  assert.deepEqual(
    all.filter((fault) => !shown.has(fault)),
    [],
    'name its test `fault N: …`',
  );
});

test('docs/fleet.md says of every fault of section 6 what a viewer sees and how long until the fleet is whole, once', () => {
  const page = readFileSync(join(import.meta.dirname, '../docs/fleet.md'), 'utf8');
  const [, table = ''] = page.split('\n## Each fault\n');
  const rows = [...table.matchAll(/^\| (\d+): [^|]+\|([^|]+)\|([^|]+)\|$/gm)];
  assert.deepEqual(
    rows.map(([, fault]) => Number(fault)),
    Array.from({ length: FLEET_FAULTS }, (_, index) => index + 1),
  );
  for (const [row, , sees = '', whole = ''] of rows) assert.ok(sees.trim() && whole.trim(), row);
});

/** Section 10, what a proxy must do: by item, files and the titles in them, … for what is filled in. */
const PROXY_ITEMS: Readonly<Record<number, Readonly<Record<string, readonly string[]>>>> = {
  1: {
    'src/engine/engine-client.test.ts': [
      'asks with format=json, a pid of its own and the parameters that belong to the stream',
    ],
    'src/http/stream-request.test.ts': [
      'the parameters that belong to a stream are passed on, all others are dropped',
    ],
  },
  2: {
    'src/engine/reply.test.ts': [
      'gives an answer whatever it is, and never another address',
      'may have numbers as text, booleans, and relative URLs',
    ],
    'src/engine/http-call.test.ts': ['a reply that is too large is given up, however it is sent'],
  },
  3: {
    'src/engine/reply.test.ts': [
      'with an error is a failure even if it has a playback, which is to be stopped',
      'of a playback that is gone is playback_unknown, with status 200 as with 404',
    ],
  },
  4: {
    'src/engine/rewrite.test.ts': [
      'moves … to the configured address',
      'refuses the scheme of …',
      'never leads anywhere else, whatever an engine sends',
    ],
    'src/engine/engine-client.test.ts': [
      'invariant 9: acemux calls only configured engines, whatever their replies name',
    ],
  },
  5: {
    'src/engine/media.test.ts': [
      'the redirect to the media is followed, its host replaced and its endless body left unread',
      'a redirect in a circle is engine_protocol after five',
    ],
  },
  6: {
    'src/engine/transport.test.ts': [
      'looks like a player’s, on a connection of its own, to the configured address only',
    ],
    'test/integration/engine-client.test.ts': ['is asked for as an engine wants to be asked'],
  },
  7: {
    'src/engine/transport.test.ts': [
      'looks like a player’s, on a connection of its own, to the configured address only',
      'ends its connection when its signal aborts',
    ],
    'src/engine/http-call.test.ts': ['a reply that drips for ever ends with the call’s signal'],
  },
  8: { 'test/integration/one-engine.test.ts': ['one engine plays twelve streams at once'] },
  9: {
    'test/integration/identity.test.ts': [
      'invariant 1: all names of a broadcast that race for … become one session',
      'invariant 1: names that come one after the other on … join what plays',
    ],
  },
  10: {
    'test/integration/play.test.ts': [
      'invariant 1: ten racing requests, under both names of the stream, cost one engine session',
    ],
    'test/integration/many-viewers.test.ts': [
      '… viewers of one stream all get the broadcast byte for byte, from one engine session',
    ],
  },
  11: {
    'src/session/directory.test.ts': [
      'invariant 1: a stream that is still being stopped is not asked for again before that is done',
    ],
    'src/session/source-loss.test.ts': [
      'and ends is followed by the same engine where there is no other, after all is stopped there',
    ],
    'src/session/source-loop.test.ts': [
      'does not wait for an engine that stops slowly: the next one is asked at once',
    ],
    'src/engine/engine-client.test.ts': ['resolves when the engine hangs, after its limit'],
  },
  12: {
    'test/integration/play.test.ts': [
      'invariant 5: when the last viewer has left, the playback is stopped after the idle time',
    ],
    'src/engine/engine-client.test.ts': ['that fails but has opened a playback stops it before it tells'],
    'src/session/directory.test.ts': [
      'invariant 5: stopping ends every session, waits for every engine and leaves no timer',
    ],
  },
  13: {
    'src/engine/start-attempt.test.ts': [
      'an abandoned start rejects at once, and what it opens later is stopped',
    ],
    'test/integration/play.test.ts': [
      'invariant 5: a start that everybody has left is finished in the background and stopped',
    ],
  },
  14: {
    'src/engine/transport.test.ts': ['that does not connect in time is unreachable'],
    'src/engine/engine-client.test.ts': [
      'that hangs is engine_timeout after the reply’s limit',
      'resolves when the engine hangs, after its limit',
    ],
    'src/session/source-attempt.test.ts': ['with … peers and media opened …, it is …'],
    'test/integration/quiet-sources.test.ts': [
      'invariant 7: a source that is silent for long keeps its viewers, and costs no timer once they are gone',
    ],
  },
  15: {
    'test/integration/early-headers.test.ts': [
      'a slow start of a live stream answers 200 with null packets, and goes on with tables and a keyframe',
    ],
  },
  16: {
    'src/session/session.test.ts': ['bytes that never become watchable end the start at its deadline'],
    'src/session/source-attempt.test.ts': [
      'bytes that come while it is asked how it stands still count',
      'an engine that does not say how it stands either is just silent',
    ],
    'test/integration/bad-engines.test.ts': [
      'invariant 8: an engine may answer anything when asked …: its stream plays all the same',
    ],
  },
  17: {
    'src/session/stat-poll.test.ts': [
      'an engine is asked at once, and again 2 s after each answer',
      'a question that fails leaves the last answer, and is followed by another',
    ],
    'src/engine/engine-client.test.ts': ['does not count as a viewer'],
    'src/engine/reply.test.ts': ['is idle with zeros when it is empty, as the first one can be'],
  },
  18: { 'test/integration/play.test.ts': ['invariant 9: HEAD, health and lists never touch an engine'] },
  19: {
    'test/integration/slow-viewers.test.ts': [
      'invariant 4: however their sockets stall, trickle and burst, viewers get whole packets with every break announced, and memory is the ring’s',
    ],
    'src/session/ring.test.ts': ['never holds more bytes than it may, and says that they cut it'],
    'src/engine/media.test.ts': [
      'media that nobody reads hold the engine back instead of filling the memory',
    ],
  },
  20: {
    'src/mpegts/align.test.ts': ['after bytes were lost in the middle the packets are found again'],
    'test/integration/play.test.ts': [
      'invariant 3: whole packets, PAT and PMT first, video from a random access point, and then the broadcast byte for byte',
    ],
  },
  21: {
    'src/session/session.test.ts': [
      'when the source of a playing session ends, another engine goes on, behind a break that is flagged',
    ],
  },
  22: {
    'src/fleet/health/suspicion.test.ts': [
      'a dead channel, however often it is asked for and wherever, speaks against no engine',
      'three different streams that fail with no success between speak against it',
    ],
    'src/fleet/registry.test.ts': ['a busy engine is forgiven two misses, and one hit heals'],
    'src/fleet/fleet-control.test.ts': ['drain an engine, and put it back'],
  },
  23: {
    'src/engine/media.test.ts': ['403, and the words for it, mean that the playback is gone'],
    'src/engine/hls-media.test.ts': [
      'is over when three segments in a row are gone, when the engine has stopped it, and when nobody listens',
    ],
    'src/session/playback-contest.test.ts': [
      'a stream whose playback is gone a third time within five minutes says that somebody else plays it there',
    ],
    'src/session/source-loss.test.ts': [
      'and ends is followed by the same engine where there is no other, after all is stopped there',
      'and is lost again and again is asked for after ever longer pauses',
    ],
  },
  24: {
    'test/integration/play.test.ts': [
      'invariant 6: no engine carries more streams than it may, however many start at once',
    ],
    'src/fleet/fleet.test.ts': ['ends after the selection’s limit, and says whether engines are full or ill'],
  },
  25: {
    'src/engine/engine-client-log.test.ts': [
      'a start and its stop are logged with engine, name, pid, infohash and playback session',
      'a start that failed and a stop that failed are logged with their reason',
    ],
  },
  26: {
    'test/integration/recorded.test.ts': [
      'parts of it are what they are in the file, and several parts are the whole',
      'two readers are two engine sessions; a third one without a place is 503 no_capacity',
    ],
  },
  27: {
    'test/integration/leases.test.ts': [
      'a program written for an engine starts, plays and stops a stream, as it does with an engine',
    ],
    'src/http/routes/ace-status.test.ts': [
      'stat_url is a place of acemux itself that exists, and names no engine',
    ],
  },
  28: {
    'src/engine/transport.test.ts': ['answered by … fails as …', 'with malformed chunks fails as syntax'],
    'src/engine/media.test.ts': ['the reply of a second reader, with two status lines, is engine_protocol'],
    'test/integration/bad-engines-fuzz.test.ts': [
      'invariant 8: a reply damaged anyhow (…) is taken or refused, and another stream goes on',
    ],
  },
  29: {
    'src/session/session.test.ts': [
      'a name unknown as one kind is tried as the other, and the kind that worked is remembered',
    ],
  },
};

test('every item of section 10, what a proxy must do, has tests that exist', () => {
  const exists = new Set(named.map(({ file, title }) => `${file}: ${title}`));
  assert.deepEqual(
    Object.keys(PROXY_ITEMS).map(Number),
    Array.from({ length: 29 }, (_, index) => index + 1),
  );
  const claims = Object.values(PROXY_ITEMS).flatMap((files) => Object.entries(files));
  const missing = claims.flatMap(([file, titles]) =>
    titles.map((title) => `${file}: ${title}`).filter((claim) => !exists.has(claim)),
  );
  assert.deepEqual(missing, [], 'say here which test shows it now');
});
