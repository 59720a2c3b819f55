import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Replies } from '../api/replies.ts';
import { conditionOf } from './condition.ts';

type Overview = Replies['GET /overview'];

const ENGINE: Overview['engines'][number] = {
  container_id: 'e1',
  container_name: 'engine one',
  provider: 'static',
  state: 'healthy',
  detail: null,
  draining: false,
  suspected: false,
  stream_count: 0,
  forwarded: false,
  vpn_container: null,
  vpn_state: null,
};
const STREAM: Overview['streams'][number] = {
  id: 's1',
  stream_id: '0123456789abcdef0123456789abcdef01234567',
  key_type: 'content_id',
  infohash: null,
  is_live: true,
  state: 'playing',
  container_id: 'e1',
  client_count: 3,
  paused_count: 0,
  idle_seconds: 0,
  created_at: '',
  started_at: null,
  ended_at: null,
  reason: null,
  bytes_in: 0,
  bytes_out: 0,
  media_bytes_per_second: null,
  peers: null,
  speed_down: null,
  buffer_pieces: null,
  codecs: null,
  width: null,
  height: null,
  splices: 0,
  warnings: [],
};
const overview = (changes: Partial<Overview>): Overview => ({
  at: '',
  phase: 'ready',
  streams: [],
  engines: [ENGINE, { ...ENGINE, container_id: 'e2' }],
  streams_per_engine_max: 10,
  ...changes,
});
const reason = (code: string) => ({ what: `What ${code} is.`, todo: 'Do this.' });
const of = (changes: Partial<Overview>) => conditionOf(overview(changes), undefined, reason);

test('health is one sentence', () => {
  assert.equal(of({}).headline, 'All well: nobody watches, 2 engines free.');
  assert.equal(
    of({ streams: [STREAM, { ...STREAM, state: 'ended', client_count: 9 }], engines: [ENGINE] }).headline,
    'All well: 3 viewers on 1 stream, the engine is free.',
  );
  assert.equal(of({ engines: [] }).headline, 'acemux runs, and has no engine to play from yet.');
  assert.equal(
    of({ engines: [{ ...ENGINE, state: 'unhealthy' }] }).headline,
    'One thing needs a look: nobody watches, no engine free.',
  );
});

test('what is grave comes first, and each problem says where to look', () => {
  const { gravity, problems } = of({
    engines: [
      { ...ENGINE, state: 'degraded' },
      { ...ENGINE, container_id: 'e2', state: 'unhealthy', detail: 'refuses connections' },
    ],
    streams: [
      { ...STREAM, warnings: ['no_keyframe'] },
      { ...STREAM, id: 's2', container_id: null },
    ],
  });
  assert.equal(gravity, 'trouble');
  assert.deepEqual(
    problems.map(({ gravity: each, link }) => [each, link]),
    [
      ['trouble', '#/streams/s2'],
      ['trouble', '#/engines/e2'],
      ['watch', '#/streams/s1'],
      ['watch', '#/engines/e1'],
    ],
  );
  assert.match(problems[1]?.what ?? '', /refuses connections/);
  assert.match(problems[2]?.what ?? '', /What no_keyframe is/);
});

test('engines that a VPN has cut off are one problem, not one each', () => {
  const behind = { ...ENGINE, state: 'unhealthy', vpn_container: 'gluetun', vpn_state: 'down' };
  const { problems } = of({ engines: [behind, { ...behind, container_id: 'e2' }] });
  assert.deepEqual(
    problems.map(({ what }) => what),
    ['The VPN gluetun is down; behind it: 2 engines.'],
  );
});

test('a stream that starts has no source yet, and that is no problem', () => {
  assert.equal(of({ streams: [{ ...STREAM, state: 'starting', container_id: null }] }).gravity, 'well');
});
