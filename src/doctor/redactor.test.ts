import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { Redactor } from './redactor.ts';

const HASH = '0123456789abcdef0123456789abcdef01234567';

/** Every text of a value, keys included. */
function textsOf(value: unknown): string[] {
  if (typeof value === 'string') return [value];
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, member]) => [key, ...textsOf(member)]);
}

function assertHidden(secrets: readonly string[], shown: unknown): void {
  for (const text of textsOf(shown)) {
    for (const secret of secrets) {
      const hidden = !text.includes(secret) && !text.toLowerCase().includes(secret.toLowerCase());
      assert.ok(hidden, `${JSON.stringify(secret)} stands in ${JSON.stringify(text)}`);
    }
  }
}

/** Names as broadcasts have them, long enough to be told from the words around them; no part of a placeholder. */
const name = fc
  .tuple(
    fc.constantFrom('Zq', 'ßØ', '频道', 'İq', 'q"\\'),
    fc.string({ unit: 'grapheme', minLength: 2, maxLength: 20 }),
  )
  .map(([start, rest]) => `${start}${rest}`.trim())
  .filter((text) => text.length >= 4);
const hex = (length: number): fc.Arbitrary<string> =>
  fc.string({ unit: fc.constantFrom(...'0123456789abcdef'), minLength: length, maxLength: length });
const known = fc.record({ name, id: hex(40), token: hex(32), pid: fc.uuid() });
const looksSecret = fc.oneof(hex(40), hex(32), fc.uuid(), fc.ipV4(), fc.webUrl(), fc.emailAddress());
/** Words around a secret, none of which holds one by chance. */
const words = fc.constantFrom('', ' ', 'failed to load ', '<b>', ', reason: ', '"', '/', '=');

describe('what engines say', () => {
  test('keeps no secret in any place of a JSON reply', () => {
    const field = fc.constantFrom(
      'error',
      'message',
      'status',
      'reason',
      'name',
      'filename',
      'x',
      'infohash',
      'url',
    );
    fc.assert(
      fc.property(known, looksSecret, field, words, words, (told, unknown, key, before, after) => {
        const secrets = [...Object.values(told), unknown];
        const redactor = new Redactor();
        redactor.know('name', told.name);
        redactor.know('id', told.id);
        redactor.know('token', told.token);
        redactor.know('pid', told.pid);
        for (const secret of secrets) {
          const reply = {
            [key]: `${before}${secret}${after}`,
            response: [{ [key]: secret, [secret]: { deeper: [secret.toUpperCase(), secret] } }],
          };
          assertHidden([secret], redactor.json(reply));
          assertHidden([secret], redactor.body(Buffer.from(JSON.stringify(reply))));
        }
      }),
    );
  });

  test('keeps no secret in messages, paths, queries, headers and playlists', () => {
    fc.assert(
      fc.property(known, looksSecret, words, words, (told, unknown, before, after) => {
        const redactor = new Redactor();
        redactor.know('name', told.name);
        redactor.know('infohash', told.id);
        for (const secret of [told.name, told.id, told.token, unknown]) {
          const text = `${before}${secret}${after}`;
          const encoded = encodeURIComponent(secret);
          const targets = [
            `/ace/r/${encoded}/${encoded}`,
            `/x?id=${encoded}&${encoded}=1`,
            `http://${encoded}/a`,
          ];
          const shown = [
            redactor.text(text),
            redactor.text(encoded),
            targets.map((target) => redactor.target(target)),
            redactor.headers([
              ['Server', text],
              ['X-Name', text],
              ['Location', targets[0] ?? ''],
              ['Set-Cookie', text],
            ]),
            redactor.body(
              Buffer.from(
                `#EXTM3U\n#EXTINF:-1,${text}\n#EXT-X-MEDIA:NAME="${text}"\n${targets[2]}\n#${text}`,
              ),
            ),
          ];
          assertHidden([secret, encoded], shown);
        }
      }),
    );
  });

  test('hides what stands in fields that it does not know, whatever it is', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        assert.deepEqual(new Redactor().json({ publisher: `q${text}` }), { publisher: '<text-1>' });
      }),
    );
  });
});

describe('what is no secret', () => {
  const redactor = new Redactor();

  test('stays: words of the protocol, numbers, versions, the form of replies', () => {
    const reply = {
      response: { status: 'dl', peers: 14, livepos: { pos: '1700000000' }, is_live: 1 },
      error: 'unknown playback session id',
    };
    assert.deepEqual(redactor.json(reply), reply);
    assert.equal(redactor.text('BaseHTTP/0.6 Python/3.8.10'), 'BaseHTTP/0.6 Python/3.8.10');
    assert.equal(redactor.text('Sun, 22 Nov 2026 21:53:13 GMT'), 'Sun, 22 Nov 2026 21:53:13 GMT');
    assert.equal(
      redactor.target('/server/api?api_version=3&method=get_status'),
      '/server/api?api_version=3&method=get_status',
    );
    const headers: [string, string][] = [
      ['Content-Type', 'video/mp2t'],
      ['Accept-Ranges', 'none'],
    ];
    assert.deepEqual(redactor.headers(headers), headers);
  });

  test('an address is one, with its port or in brackets', () => {
    for (const address of ['10.0.0.7', 'fe80::1', '2001:db8:0:0:0:0:0:1']) {
      assert.match(redactor.text(`refused by ${address}`), /^refused by <address-\d>$/, address);
    }
  });
});

test('the same secret has the same placeholder everywhere', () => {
  const redactor = new Redactor();
  redactor.know('name', 'Ünïque Channel');
  const spellings = ['Ünïque Channel', 'ünïque channel', encodeURIComponent('Ünïque Channel')];
  for (const spelling of spellings) assert.equal(redactor.text(`no ${spelling}!`), 'no <name-1>!');
  redactor.know('infohash', HASH);
  assert.equal(redactor.text(`${HASH.toUpperCase()} and ${HASH}`), '<infohash-1> and <infohash-1>');
  assert.equal(
    redactor.target(`http://10.0.0.7:6878/ace/r/${HASH}/${'a'.repeat(32)}`),
    'http://<address-1>/ace/r/<infohash-1>/<token-1>',
  );
  assert.equal(redactor.target(`/ace/stat/${HASH}/${'a'.repeat(32)}`), '/ace/stat/<infohash-1>/<token-1>');
});

test('the form of headers names what differs from reply to reply', () => {
  const shape = new Redactor().headerShape([
    ['Date', 'Sun, 22 Nov 2026 21:53:13 GMT'],
    ['Location', '/content/x/0.123456789'],
    ['Content-Length', '17'],
    ['Server', 'x/1'],
  ]);
  assert.deepEqual(shape, [
    ['Date', '{date}'],
    ['Location', '{location}'],
    ['Content-Length', '{length}'],
    ['Server', 'x/1'],
  ]);
});

test('any bytes at all are taken, in bounded room', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 2_000 }), (bytes) => {
      const redactor = new Redactor();
      assert.ok(JSON.stringify(redactor.body(Buffer.from(bytes))).length < 5_000);
      redactor.target(Buffer.from(bytes).toString('latin1'));
    }),
  );
});
