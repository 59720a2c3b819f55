import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Suspicion } from './suspicion.ts';

const MINUTE_MS = 60_000;

test('a dead channel, however often it is asked for and wherever, speaks against no engine', () => {
  const suspicion = new Suspicion();
  for (let start = 0; start < 100; start++) {
    for (const engine of ['one', 'two', 'three']) {
      suspicion.startFailed(engine, 'dead', 'no_media', false, start * 1_000);
      assert.equal(suspicion.isSuspected(engine, start * 1_000), false);
    }
  }
});

test('an engine is suspected once another one delivers what failed on it', () => {
  const suspicion = new Suspicion();
  suspicion.startFailed('one', 'x', 'zero_peers', false, 0);
  suspicion.delivered('two', 'y', 1_000);
  assert.equal(suspicion.isSuspected('one', 1_000), false, 'another stream proves nothing');
  suspicion.delivered('two', 'x', 2_000);
  assert.equal(suspicion.isSuspected('one', 2_000), true);
  assert.equal(suspicion.isSuspected('two', 2_000), false);
});

test('so is one on which a start fails of what plays elsewhere', () => {
  const suspicion = new Suspicion();
  suspicion.startFailed('one', 'x', 'no_media', true, 0);
  assert.equal(suspicion.isSuspected('one', 0), true);
});

test('what another one delivers much later proves nothing', () => {
  const suspicion = new Suspicion();
  suspicion.startFailed('one', 'x', 'no_media', false, 0);
  suspicion.delivered('two', 'x', 2 * MINUTE_MS + 1);
  assert.equal(suspicion.isSuspected('one', 2 * MINUTE_MS + 1), false);
});

test('three different streams that fail with no success between speak against it', () => {
  const suspicion = new Suspicion();
  suspicion.startFailed('one', 'x', 'no_media', false, 0);
  suspicion.startFailed('one', 'y', 'engine_closed', false, 1);
  suspicion.delivered('one', 'z', 2);
  suspicion.startFailed('one', 'x', 'no_media', false, 3);
  suspicion.startFailed('one', 'y', 'engine_closed', false, 4);
  suspicion.startFailed('one', 'y', 'engine_closed', false, 5);
  assert.equal(suspicion.isSuspected('one', 5), false);
  suspicion.startFailed('one', 'z', 'engine_timeout', false, 6);
  assert.equal(suspicion.isSuspected('one', 6), true);
});

test('streams that fail by their own fault do not, however many', () => {
  for (const reason of [
    'content_unknown',
    'engine_occupied',
    'zero_peers',
    'paid_option_missing',
    'foreign_redirect',
    'vod_not_yet',
    'hls_unsupported',
    'not_mpegts',
    'content_scrambled',
  ] as const) {
    const suspicion = new Suspicion();
    for (const stream of ['a', 'b', 'c', 'd']) suspicion.startFailed('one', stream, reason, false, 0);
    assert.equal(suspicion.isSuspected('one', 0), false, reason);
  }
});

test('a stream that dies while it plays speaks against its engine only while others elsewhere go on', () => {
  const suspicion = new Suspicion();
  suspicion.diedPlaying('one', false, 0);
  assert.equal(suspicion.isSuspected('one', 0), false);
  suspicion.diedPlaying('one', true, 0);
  assert.equal(suspicion.isSuspected('one', 0), true);
});

test('a suspicion ends with the next stream delivered, after five minutes, or with the engine', () => {
  const suspicion = new Suspicion();
  suspicion.diedPlaying('one', true, 0);
  assert.equal(suspicion.isSuspected('one', 5 * MINUTE_MS - 1), true);
  assert.equal(suspicion.isSuspected('one', 5 * MINUTE_MS), false);
  suspicion.diedPlaying('one', true, 0);
  suspicion.delivered('one', 'x', 1);
  assert.equal(suspicion.isSuspected('one', 1), false);
  suspicion.diedPlaying('one', true, 0);
  suspicion.forget('one');
  assert.equal(suspicion.isSuspected('one', 1), false);
});
