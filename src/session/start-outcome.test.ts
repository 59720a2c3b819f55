import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AcemuxError } from '../base/reasons.ts';
import { asksAnother, furthest } from './start-outcome.ts';

test('of two failures the one that got further speaks, whichever came first', () => {
  const refused = new AcemuxError('engine_unreachable');
  const silent = new AcemuxError('no_media');
  assert.equal(furthest(refused, silent), silent);
  assert.equal(furthest(silent, refused), silent);
  assert.equal(furthest(undefined, refused), refused);
});

test('an engine that fails is followed by another, three at most', () => {
  assert.equal(asksAnother([]), true);
  assert.equal(asksAnother(['engine_unreachable']), true);
  assert.equal(asksAnother(['engine_unreachable', 'no_media']), true);
  assert.equal(asksAnother(['engine_unreachable', 'no_media', 'engine_broken']), false);
});

test('unknown content is asked for on one other engine only', () => {
  assert.equal(asksAnother(['content_unknown']), true);
  assert.equal(asksAnother(['content_unknown', 'content_unknown']), false);
});

test('what every engine would answer is asked once', () => {
  assert.equal(asksAnother(['paid_option_missing']), false);
  assert.equal(asksAnother(['vod_not_yet']), false);
  assert.equal(asksAnother(['not_mpegts']), false);
});

test('of content that has been watched, what an engine makes of it does not keep others from being asked', () => {
  assert.equal(asksAnother(['not_mpegts'], true), true);
  assert.equal(asksAnother(['vod_not_yet', 'content_scrambled'], true), true);
  assert.equal(asksAnother(['not_mpegts', 'not_mpegts', 'not_mpegts'], true), false);
});
