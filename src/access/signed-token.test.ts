import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { canonicalForm, type Grant, looksSigned, TokenSigner } from './signed-token.ts';

const SECRETS = ['the-first-secret', 'the-second-secret'] as const;
const signer = new TokenSigner(SECRETS);
const STREAM = '0123456789abcdef0123456789abcdef01234567';
const GRANT: Grant = {
  expiresAtMs: 1_800_000_000_000,
  stream: STREAM,
  address: '192.0.2.0/24',
  keyId: 'config:living room',
  limits: {
    streamsMax: 2,
    viewersMax: undefined,
    startsPerMinute: undefined,
    bytesPerSecond: 1_000_000,
    onLimit: 'refuse',
  },
};
const PLAIN: Grant = {
  expiresAtMs: 1_800_000_000_000,
  stream: undefined,
  address: undefined,
  keyId: undefined,
  limits: undefined,
};

const PLAIN_OBJECT = { noNullPrototype: true } as const;
const grants: fc.Arbitrary<Grant> = fc.record(
  {
    expiresAtMs: fc.integer({ min: 0, max: 250_000_000_000 }).map((seconds) => seconds * 1000),
    stream: fc.option(
      fc.string({ unit: fc.constantFrom(...'0123456789abcdef'), minLength: 40, maxLength: 40 }),
      { nil: undefined },
    ),
    address: fc.option(fc.ipV4(), { nil: undefined }),
    keyId: fc.option(fc.string({ minLength: 1, maxLength: 40 }), { nil: undefined }),
    limits: fc.option(
      fc.record(
        {
          streamsMax: fc.integer({ min: 1 }),
          viewersMax: fc.constant(undefined),
          startsPerMinute: fc.option(fc.integer({ min: 1 }), { nil: undefined }),
          bytesPerSecond: fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }),
          onLimit: fc.constantFrom('replace_oldest', 'refuse', undefined),
        },
        PLAIN_OBJECT,
      ),
      { nil: undefined },
    ),
  },
  PLAIN_OBJECT,
);

/** A token as this signer's holder would make it of any text. */
function signText(text: string, secret: string = SECRETS[0]): string {
  const mac = createHmac('sha256', secret).update(`acemux signed url\n${text}`).digest('base64url');
  return `s1.${Buffer.from(text).toString('base64url')}.${mac}`;
}

test('what was signed is read again, whatever it says', () => {
  fc.assert(
    fc.property(grants, (grant) => {
      const token = signer.sign(grant);
      assert.ok(looksSigned(token));
      assert.match(token, /^[\w.-]+$/, 'it needs no escaping in a URL');
      const read = signer.read(token);
      assert.ok(read.ok);
      assert.deepEqual(read.grant, grant);
    }),
  );
});

test('the canonical form is the one that the documentation tells', () => {
  assert.equal(
    canonicalForm(GRANT),
    `expires=1800000000&stream=${STREAM}&address=192.0.2.0%2F24&key=config%3Aliving%20room&streams_max=2&` +
      'bytes_per_second=1000000&on_limit=refuse',
  );
  assert.equal(canonicalForm(PLAIN), 'expires=1800000000');
  assert.equal(signer.sign(GRANT), signText(canonicalForm(GRANT)));
});

test('all secrets are accepted, the first one signs, and one that was rotated out is worth nothing', () => {
  const rotated = new TokenSigner(['a-new-secret', SECRETS[0]]);
  assert.ok(rotated.read(signer.sign(GRANT)).ok);
  assert.equal(signer.read(rotated.sign(GRANT)).ok, false);
  const twice = new TokenSigner(['newest', 'a-new-secret']);
  assert.equal(twice.read(signer.sign(GRANT)).ok, false);
  assert.ok(twice.read(rotated.sign(GRANT)).ok);
});

test('a token has a name for logs that is the same at each use, and not the token', () => {
  const token = signer.sign(GRANT);
  const [one, other] = [signer.read(token), signer.read(token)];
  assert.ok(one.ok && other.ok);
  assert.equal(one.id, other.id);
  assert.match(one.id, /^[0-9a-f]{16}$/);
  assert.ok(!token.includes(one.id));
});

describe('a token is refused that', () => {
  test('was changed anywhere, by one character or more', () => {
    const token = signer.sign(GRANT);
    const alphabet = [...'ABCXYZabcxyz0123456789-_.+/= '];
    fc.assert(
      fc.property(fc.nat(token.length - 1), fc.constantFrom(...alphabet), (at, character) => {
        const forged = token.slice(0, at) + character + token.slice(at + 1);
        return signer.read(forged).ok === (forged === token);
      }),
      { numRuns: 1000 },
    );
  });

  test('was cut short, at whichever place, or went on', () => {
    const token = signer.sign(GRANT);
    for (let end = 0; end < token.length; end++) assert.equal(signer.read(token.slice(0, end)).ok, false);
    for (const more of ['=', 'A', '.', ' ', '\n', '.AAAA', '%00']) {
      assert.equal(signer.read(token + more).ok, false);
    }
  });

  test('is put together from two others', () => {
    const [, one = ''] = signer.sign(GRANT).split('.');
    const [, , mac = ''] = signer.sign(PLAIN).split('.');
    assert.equal(signer.read(`s1.${one}.${mac}`).ok, false);
  });

  test('is any text at all', () => {
    fc.assert(fc.property(fc.string(), (text) => !signer.read(text).ok));
    fc.assert(fc.property(fc.base64String(), (text) => !signer.read(`s1.${text}.${text}`).ok));
    assert.equal(signer.read(`s1.${'A'.repeat(100_000)}.${'A'.repeat(43)}`).ok, false);
  });

  test('is signed by the empty secret, or by another', () => {
    for (const secret of ['', 'guessed', `${SECRETS[0]} `]) {
      assert.equal(signer.read(signText(canonicalForm(GRANT), secret)).ok, false);
    }
  });

  test('says something that acemux does not write, even where it is signed', () => {
    for (const text of [
      '',
      `stream=${STREAM}`,
      'expires=',
      'expires=-1',
      'expires=1e9',
      'expires=1800000000.5',
      'expires=0x10',
      'expires=99999999999999',
      'expires=1800000000&expires=1900000000',
      'expires=1800000000&more=1',
      'expires=1800000000&stream=abc',
      `expires=1800000000&stream=${STREAM.toUpperCase()}`,
      `stream=${STREAM}&expires=1800000000`,
      'expires=1800000000&streams_max=0',
      'expires=1800000000&streams_max=two',
      'expires=1800000000&on_limit=explode',
      'expires=1800000000&',
    ]) {
      assert.equal(signer.read(signText(text)).ok, false, text);
    }
    assert.ok(signer.read(signText('expires=1800000000')).ok, 'the test signs as acemux does');
  });

  test('has the same bytes in another spelling', () => {
    // The last character of 43 carries two bits that say nothing.
    const token = signer.sign(GRANT);
    const last = token.at(-1) ?? '';
    const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
    const other = alphabet[alphabet.indexOf(last) ^ 1] ?? '';
    const forged = token.slice(0, -1) + other;
    assert.deepEqual(
      Buffer.from(forged.split('.')[2] ?? '', 'base64url'),
      Buffer.from(token.split('.')[2] ?? '', 'base64url'),
    );
    assert.equal(signer.read(forged).ok, false);
  });
});
