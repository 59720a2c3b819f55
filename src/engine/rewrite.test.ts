import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { AcemuxError } from '../base/reasons.ts';
import { authorityOf, engineRoot, rewriteToEngine } from './rewrite.ts';

const root = engineRoot({ host: '10.0.0.7', port: 6878 });

describe('rewriteToEngine', () => {
  const cases: readonly (readonly [string, string])[] = [
    ['http://127.0.0.1:6878/ace/r/a/b?x=1&y=2', '/ace/r/a/b?x=1&y=2'],
    ['http://engine_container:1234/ace/stat/a', '/ace/stat/a'],
    ['https://evil.example/ace/cmd/a', '/ace/cmd/a'],
    ['http://user:password@evil.example/a', '/a'],
    ['http://[fe80::1%25eth0]:6878/a', '/a'],
    ['http://a host that is none/a', '/a'],
    ['http://evil.example', '/'],
    ['http://evil.example?x=1', '/?x=1'],
    ['http://evil.example//other.example/a', '//other.example/a'],
    ['http://evil.example\\@other.example/a', '/@other.example/a'],
    ['//evil.example/a', '/a'],
    ['\\\\evil.example\\a', '/a'],
    ['/ace/stat/a?x=%20y', '/ace/stat/a?x=%20y'],
    ['ace/stat/a', '/ace/stat/a'],
    ['HTTP://EVIL.EXAMPLE/Path', '/Path'],
  ];
  for (const [raw, target] of cases) {
    test(`moves ${raw} to the configured address`, () => {
      assert.equal(rewriteToEngine(raw, root).href, `http://10.0.0.7:6878${target}`);
    });
  }

  for (const raw of ['ftp://10.0.0.7/a', 'file:///etc/passwd', 'javascript:alert(1)', 'acestream://abc']) {
    test(`refuses the scheme of ${raw}`, () => {
      assert.throws(() => rewriteToEngine(raw, root), { code: 'engine_protocol' });
    });
  }

  test('refuses an endless URL', () => {
    assert.throws(() => rewriteToEngine(`/${'a'.repeat(10_000)}`, root), { code: 'engine_protocol' });
  });

  test('never leads anywhere else, whatever an engine sends', () => {
    const part = fc.constantFrom(
      'http:',
      'https:',
      '//',
      '/',
      '\\',
      '@',
      ':',
      '?',
      '#',
      '[',
      ']',
      '..',
      '\t',
      'evil.example',
    );
    const hostile = fc.oneof(
      fc.string(),
      fc.webUrl(),
      fc.array(part, { maxLength: 8 }).map((parts) => parts.join('')),
    );
    fc.assert(
      fc.property(hostile, (raw) => {
        try {
          const url = rewriteToEngine(raw, root);
          assert.equal(url.origin, root.origin);
          assert.equal(url.username + url.password, '');
        } catch (error) {
          assert.ok(error instanceof AcemuxError);
          assert.equal(error.code, 'engine_protocol');
        }
      }),
    );
  });
});

describe('an address', () => {
  test('writes an IPv6 literal in brackets, given with or without them', () => {
    assert.equal(authorityOf({ host: '::1', port: 6878 }), '[::1]:6878');
    assert.equal(authorityOf({ host: '[::1]', port: 6878 }), '[::1]:6878');
    assert.equal(engineRoot({ host: '::1', port: 6878 }).href, 'http://[::1]:6878/');
  });
});
