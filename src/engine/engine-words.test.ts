import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { REASONS } from '../base/reasons.ts';
import { failureInStatus, failureInWords, saysPlaybackUnknown } from './engine-words.ts';

describe('an engine’s error', () => {
  const cases: readonly (readonly [unknown, string])[] = [
    ['failed to load content', 'content_unknown'],
    ['Failed to load content: timeout', 'content_unknown'],
    [{ message: 'cannot get transport file', code: 0 }, 'content_unknown'],
    ['unknown playback session id', 'playback_unknown'],
    ['access denied', 'engine_broken'],
    ['', 'engine_broken'],
    [{ code: 7 }, 'engine_broken'],
    [0, 'engine_broken'],
  ];
  for (const [error, code] of cases) {
    test(`${JSON.stringify(error)} is ${code}`, () => assert.equal(failureInWords(error).code, code));
  }

  test('that misses an option is paid_option_missing, whatever it says', () => {
    const failure = failureInWords('Buy it!', { reason: 'missing_option', option: 'proxyServer' });
    assert.equal(failure.code, 'paid_option_missing');
    assert.match(failure.message, /Buy it!/);
  });

  test('is told with what to do about it', () => {
    for (const text of ['failed to load content', 'failed to load content.']) {
      const { message } = failureInWords(text);
      assert.equal(message, `The engine says: failed to load content. ${REASONS.content_unknown.todo}`);
    }
  });

  test('is repeated short, on one line and without addresses', () => {
    const { message } = failureInWords(`a\nb http://10.0.0.7:6878/ace/r/secret ${'x'.repeat(1_000)}`);
    assert.ok(message.length < 300);
    assert.match(message, /a b \[address\]/);
    assert.doesNotMatch(message, /secret|\n/);
  });
});

describe('a reply that is not JSON', () => {
  const cases: readonly (readonly [number, string, string])[] = [
    [500, 'failed to load content', 'content_unknown'],
    [500, "Internal Server Error, couldn't find resource", 'content_unknown'],
    [500, 'Internal Server Error', 'engine_broken'],
    [503, 'Service Unavailable', 'engine_busy'],
    [429, '', 'engine_busy'],
    [403, '', 'engine_broken'],
    [404, 'not here', 'engine_protocol'],
    [200, '<html>', 'engine_protocol'],
    [200, '', 'engine_protocol'],
  ];
  for (const [status, text, code] of cases) {
    test(`${status} “${text}” is ${code}`, () => assert.equal(failureInStatus(status, text).code, code));
  }
});

test('an unknown playback is told from other texts', () => {
  assert.ok(saysPlaybackUnknown('{"response": null, "error": "unknown playback session id"}'));
  assert.ok(!saysPlaybackUnknown('preloading'));
});
