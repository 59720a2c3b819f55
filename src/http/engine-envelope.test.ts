import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { MediaFiles } from '../engine/types.ts';
import {
  envelopeOf,
  mediaFilesWords,
  refusalEnvelopeOf,
  searchWords,
  versionWords,
} from './engine-envelope.ts';
import { pythonJson } from './python-json.ts';

test('JSON is written as Python writes it, for those who look for its literals', () => {
  assert.equal(
    pythonJson({ result: { a: [1, 2], b: {} }, error: null }),
    '{"result": {"a": [1, 2], "b": {}}, "error": null}',
  );
  assert.equal(pythonJson({ text: 'a,\n b' }), '{"text": "a,\\n b"}');
  fc.assert(
    fc.property(fc.json(), (json) =>
      assert.deepEqual(JSON.parse(pythonJson(JSON.parse(json))), JSON.parse(json)),
    ),
  );
});

test('a result is in the envelope that was asked for', () => {
  assert.deepEqual(envelopeOf('v3', 1), { result: 1 });
  assert.deepEqual(envelopeOf('old', 1), { result: 1, error: null });
});

test('a refusal speaks to those who know acemux and to those who know engines', () => {
  const body = { detail: 'The engine says: no', code: 'content_unknown' } as const;
  assert.deepEqual(refusalEnvelopeOf('v3', body), {
    ...body,
    error: { message: 'cannot get transport file', code: 0 },
  });
  assert.deepEqual(refusalEnvelopeOf('old', body), {
    ...body,
    result: null,
    error: 'cannot get transport file',
  });
  const other = { detail: 'Wait.', code: 'overloaded', retry_after_seconds: 5 } as const;
  assert.deepEqual(refusalEnvelopeOf('old', other), { ...other, result: null, error: 'Wait.' });
});

test('a version has the number that engines make of it', () => {
  const { platform } = process;
  assert.deepEqual(versionWords('3.2.3'), { code: 3_020_300, platform, version: '3.2.3' });
  assert.deepEqual(versionWords('0.1.0-beta.2'), { code: 10_000, platform, version: '0.1.0-beta.2' });
  assert.equal(versionWords('nonsense').code, 0);
});

test('a content is told as engines tell it: brief, full, or in the older shape', () => {
  const content: MediaFiles = {
    infohash: 'f'.repeat(40),
    isLive: false,
    name: 'Films',
    transportType: 'bt',
    files: [
      { index: 0, name: 'one.ts', mime: 'video/mp2t', sizeBytes: 188 },
      { index: 4, name: 'two.ts', mime: undefined, sizeBytes: undefined },
    ],
  };
  const about = {
    name: 'Films',
    infohash: content.infohash,
    transport_type: 'bt',
    type: 'vod',
    transport_file_cache_key: null,
  };
  const brief = [
    { index: 0, filename: 'one.ts' },
    { index: 4, filename: 'two.ts' },
  ];
  assert.deepEqual(mediaFilesWords(content, 'v3', false), { files: brief, ...about });
  const full = Object(mediaFilesWords(content, 'v3', true));
  assert.deepEqual(full.files[0], {
    index: 0,
    infohash: content.infohash,
    filename: 'one.ts',
    mime: 'video/mp2t',
    size: 188,
  });
  assert.deepEqual(mediaFilesWords(content, 'old', true), { '0': 'one.ts', '4': 'two.ts' });
  assert.equal(Object(mediaFilesWords({ ...content, isLive: undefined }, 'v3', false)).type, null);
});

test('what a search found is told as engines tell it', () => {
  const words = searchWords({
    total: 7,
    seconds: 0.5,
    channels: [
      {
        name: 'TV',
        icons: [{ url: 'http://pictures.example.org/x.png', type: 0 }],
        items: [
          {
            infohash: 'f'.repeat(40),
            name: 'TV 1',
            status: 2,
            languages: ['eng'],
            countries: [],
            categories: ['sport'],
            channelId: 4711,
            availability: 0.9,
            availabilityUpdatedAt: 1_700_000_000,
            bitrate: undefined,
          },
        ],
      },
    ],
  });
  assert.equal(
    pythonJson(words),
    '{"total": 7, "results": [{"name": "TV", "icons": [{"url": "http://pictures.example.org/x.png", "type": 0}], ' +
      `"items": [{"status": 2, "languages": ["eng"], "name": "TV 1", "countries": [], "infohash": "${'f'.repeat(40)}", ` +
      '"channel_id": 4711, "availability": 0.9, "availability_updated_at": 1700000000, "categories": ["sport"], ' +
      '"disabled": false}]}], "time": 0.5}',
  );
});
