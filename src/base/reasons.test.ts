import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { AcemuxError, REASONS, reasonOf } from './reasons.ts';
import { reasonsPage } from './reasons-page.ts';

const page = readFileSync(new URL('../../docs/reasons.md', import.meta.url), 'utf8');
const headings = [...page.matchAll(/^## (.+)$/gm)].map((match) => match[1]);

describe('docs/reasons.md', () => {
  test('has a heading for every reason', () => {
    const missing = Object.keys(REASONS).filter((code) => !headings.includes(code));
    assert.deepEqual(missing, [], 'run: npm run docs');
  });

  test('has no heading that is not a reason', () => {
    const unknown = headings.filter((heading) => heading === undefined || !(heading in REASONS));
    assert.deepEqual(unknown, [], 'run: npm run docs');
  });

  test('is what the table says', () => {
    assert.equal(page, reasonsPage(), 'run: npm run docs');
  });
});

describe('the table of reasons', () => {
  test('invariant 11: has codes of lower case words, and whole sentences on what happened and what to do', () => {
    for (const [code, reason] of Object.entries(REASONS)) {
      assert.match(code, /^[a-z]+(_[a-z]+)*$/);
      assert.match(reason.what, /^[A-Z`].*\.$|^acemux .*\.$/, code);
      assert.match(reason.todo, /\.$/, code);
    }
  });

  test('promises a retry only with a reply', () => {
    for (const [code, reason] of Object.entries(REASONS)) {
      if (reason.retryAfterSeconds !== undefined) assert.ok(reason.status, code);
    }
  });

  test('has statuses of errors only', () => {
    for (const [code, { status }] of Object.entries(REASONS)) {
      assert.ok(status === undefined || (status >= 400 && status < 600), code);
    }
  });
});

describe('an AcemuxError', () => {
  test('says what happened this time, or else what its reason says', () => {
    const cause = new Error('below');
    const error = new AcemuxError('no_capacity', 'all 3 engines are full', { cause });
    assert.equal(error.message, 'all 3 engines are full');
    assert.equal(error.cause, cause);
    assert.equal(new AcemuxError('no_capacity').message, REASONS.no_capacity.what);
  });

  test('carries its reason; anything else thrown is a mistake of ours', () => {
    assert.equal(reasonOf(new AcemuxError('draining')), 'draining');
    assert.equal(reasonOf(new TypeError('x')), 'internal');
    assert.equal(reasonOf(undefined), 'internal');
  });
});
