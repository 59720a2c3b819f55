import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { AcemuxError } from '../base/reasons.ts';
import { parseMediaFilesReply, parseSearchReply } from './content-reply.ts';
import type { TextReply } from './http-call.ts';
import { engineRoot } from './rewrite.ts';
import type { MediaFiles } from './types.ts';

const ID = 'a'.repeat(40);
const INFOHASH = '2c0f1d6a9b3e4c5d8f7a6b5c4d3e2f1a0b9c8d7e';
const root = engineRoot({ host: '10.0.0.7', port: 6878 });
const byId = { kind: 'id', hash: ID } as const;

/** The example of reference 2.8. */
const full = {
  files: [{ index: 0, infohash: INFOHASH, filename: 'Example TV', mime: 'video/mp2t', size: 0 }],
  name: 'Example TV',
  infohash: INFOHASH,
  transport_type: 'bt',
  type: 'live',
  transport_file_cache_key: 'key',
};

function text(body: unknown, statusCode = 200): TextReply {
  return { statusCode, location: undefined, text: typeof body === 'string' ? body : JSON.stringify(body) };
}

function filesOf(result: unknown): MediaFiles {
  return parseMediaFilesReply(text({ result }), byId, root);
}

describe('the reply to get_media_files', () => {
  test('tells the infohash, live or recorded, the name and the files', () => {
    assert.deepEqual(filesOf(full), {
      infohash: INFOHASH,
      isLive: true,
      name: 'Example TV',
      transportType: 'bt',
      files: [{ index: 0, name: 'Example TV', mime: 'video/mp2t', sizeBytes: 0 }],
    });
  });

  test('may be brief, say nothing of live, and hold numbers as text', () => {
    const files = [{ index: '3', filename: 'one.ts' }, { filename: 'two.ts' }];
    assert.deepEqual(filesOf({ infohash: INFOHASH.toUpperCase(), type: 'other', files }), {
      infohash: INFOHASH,
      isLive: undefined,
      name: undefined,
      transportType: undefined,
      files: [
        { index: 3, name: 'one.ts', mime: undefined, sizeBytes: undefined },
        { index: 1, name: 'two.ts', mime: undefined, sizeBytes: undefined },
      ],
    });
    assert.equal(filesOf({ ...full, type: 'vod' }).isLive, false);
  });

  test('may name the infohash at a file only, or not at all if that was what was asked for', () => {
    const { infohash: _, ...lacking } = full;
    assert.equal(filesOf(lacking).infohash, INFOHASH);
    const asked = { kind: 'infohash', hash: INFOHASH } as const;
    assert.equal(parseMediaFilesReply(text({ result: {} }), asked, root).infohash, INFOHASH);
  });

  test('holds texts of strangers: no line breaks, no addresses, and not much of it', () => {
    const name = `TV\r\nforged\u202e http://10.0.0.7:6878/ace/x (10.0.0.7:6878) ${'x'.repeat(5_000)}`;
    const { name: shown = '', files } = filesOf({ ...full, name, files: [{ filename: name }] });
    for (const each of [shown, files[0]?.name ?? '']) {
      assert.match(each, /^TV forged {2,}\(\) x+$/);
      assert.ok(each.length <= 300);
    }
  });

  test('of endless lists is cut', () => {
    const files = Array.from({ length: 5_000 }, (_, index) => ({ index, filename: 'x' }));
    assert.equal(filesOf({ ...full, files }).files.length, 1_000);
  });

  const failures: readonly (readonly [string, TextReply, string])[] = [
    ['unknown', text({ error: { message: 'cannot get transport file', code: 0 } }), 'content_unknown'],
    ['unknown, as text', text({ result: null, error: 'cannot get transport file' }), 'content_unknown'],
    ['unknown, with 404', text({ error: { message: 'cannot get transport file' } }, 404), 'content_unknown'],
    ['denied', text({ error: { message: 'access denied', code: 0 } }), 'engine_refuses_call'],
    ['denied, as text', text({ result: null, error: 'access denied' }), 'engine_refuses_call'],
    ['no such method', text({ error: { message: 'unknown method', code: 0 } }), 'engine_refuses_call'],
    ['no such page', text('Not Found', 404), 'engine_refuses_call'],
    ['forbidden', text('<html>', 403), 'engine_refuses_call'],
    ['busy', text('busy', 503), 'engine_busy'],
    ['broken', text({ error: { message: 'oops' } }), 'engine_broken'],
    ['a page', text('<html></html>'), 'engine_protocol'],
    ['a list', text([]), 'engine_protocol'],
    ['nothing', text({ result: null }), 'engine_protocol'],
    ['no infohash', text({ result: { '0': 'Example TV' } }), 'engine_protocol'],
    ['a redirect', { statusCode: 302, location: 'http://x/', text: '' }, 'engine_protocol'],
  ];
  for (const [name, reply, code] of failures) {
    test(`${name} is ${code}`, () => {
      assert.throws(() => parseMediaFilesReply(reply, byId, root), { code });
    });
  }
});

describe('the reply to a search', () => {
  const item = {
    status: 2,
    languages: ['eng'],
    name: 'Example TV',
    countries: ['us'],
    infohash: INFOHASH,
    channel_id: 4711,
    availability: 1.0,
    availability_updated_at: 1_700_000_000,
    categories: ['sport'],
    bitrate: 812_500,
    disabled: false,
  };

  test('tells channels and the broadcasts that carry them', () => {
    const icons = [{ url: 'http://pictures.example.org/x.png', type: 0 }];
    const reply = text({
      result: { total: 1, results: [{ name: 'Example TV', icons, items: [item] }], time: 0.004 },
    });
    assert.deepEqual(parseSearchReply(reply, root), {
      total: 1,
      seconds: 0.004,
      channels: [
        {
          name: 'Example TV',
          icons,
          items: [
            {
              infohash: INFOHASH,
              name: 'Example TV',
              status: 2,
              languages: ['eng'],
              countries: ['us'],
              categories: ['sport'],
              channelId: 4711,
              availability: 1,
              availabilityUpdatedAt: 1_700_000_000,
              bitrate: 812_500,
            },
          ],
        },
      ],
    });
  });

  test('keeps no link into this house, and nothing that cannot be played', () => {
    const hidden = [
      'http://10.0.0.7:6878/x.png',
      'http://127.0.0.1/x.png',
      'http://[::1]/x.png',
      'http://gluetun:6878/x.png',
      'http://nas.local/x.png',
      'http://user:secret@pictures.example.org/x.png',
      'file:///etc/passwd',
      'javascript:alert(1)',
      7,
    ];
    const icons = hidden.map((url) => ({ url, type: 0 }));
    const dead = [{ ...item, disabled: true }, { ...item, infohash: 'x' }, 'nothing'];
    const results = [
      { name: 'a', icons, items: [...dead, item] },
      { name: 'b', icons, items: dead },
    ];
    const { channels } = parseSearchReply(text({ result: { total: 'x', results } }), root);
    assert.equal(channels.length, 1);
    assert.deepEqual([channels[0]?.icons, channels[0]?.items.length], [[], 1]);
  });

  test('denied is engine_refuses_call', () => {
    assert.throws(() => parseSearchReply(text({ error: 'access denied' }), root), {
      code: 'engine_refuses_call',
    });
    assert.throws(() => parseSearchReply(text('nothing here', 404), root), { code: 'engine_refuses_call' });
  });
});

test('any reply gives an answer or one of our errors, and never the engine’s address', () => {
  const anyReply = fc.record({
    statusCode: fc.integer({ min: 100, max: 599 }),
    location: fc.constant(undefined),
    text: fc.oneof(
      fc.string(),
      fc.json(),
      fc.jsonValue().map((value) => JSON.stringify({ result: { files: [value], results: [value] } })),
    ),
  });
  fc.assert(
    fc.property(anyReply, (reply) => {
      for (const parse of [
        () => parseMediaFilesReply(reply, byId, root),
        () => parseSearchReply(reply, root),
      ]) {
        try {
          assert.ok(!JSON.stringify(parse()).includes('10.0.0.7:6878'));
        } catch (error) {
          assert.ok(error instanceof AcemuxError, String(error));
        }
      }
    }),
  );
});
