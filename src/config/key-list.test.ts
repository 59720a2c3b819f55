import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { AcemuxError } from '../base/reasons.ts';
import { keyList } from './key-list.ts';
import { loadConfig } from './load.ts';

const SECRET = 'the-secret-of-this-test';
const DIGEST = createHash('sha256').update(SECRET).digest('hex');

function read(raw: unknown) {
  const result = keyList().parse(raw);
  assert.ok(result.ok, result.ok ? '' : result.problem);
  return result.value;
}

test('a key has a name and a role, and is kept as its digest, whether it was written so or not', () => {
  const expected = [{ name: 'living-room', role: 'viewer', digest: DIGEST, limits: {} }];
  assert.deepEqual(read(`living-room?role=viewer&key=${SECRET}`), expected);
  assert.deepEqual(read(`living-room?role=viewer&sha256=${DIGEST.toUpperCase()}`), expected);
  assert.deepEqual(read([{ name: 'living-room', role: 'viewer', key: SECRET }]), expected);
  assert.deepEqual(read([`living-room?role=viewer&key=${SECRET}`]), expected);
});

test('a key may have limits of its own', () => {
  const limits = {
    ...{ streams_max: 1, viewers_max: 2, starts_per_minute: 3, bytes_per_second: 4_000_000 },
    on_limit: 'refuse',
  };
  const written = new URLSearchParams(Object.entries(limits).map(([name, value]) => [name, String(value)]));
  assert.deepEqual(read(`tv?role=viewer&key=${SECRET}&${written}`)[0]?.limits, limits);
  assert.deepEqual(read([{ name: 'tv', role: 'viewer', key: SECRET, ...limits }])[0]?.limits, limits);
});

test('several keys are several items, and what is printed is read to the same again', () => {
  const keys = read(
    `tv?role=viewer&key=${SECRET}&streams_max=2,prometheus?role=metrics&key=another-long-text`,
  );
  assert.deepEqual(
    keys.map(({ name, role }) => [name, role]),
    [
      ['tv', 'viewer'],
      ['prometheus', 'metrics'],
    ],
  );
  const printed = keyList().print(keys);
  assert.deepEqual(read(printed), keys);
  assert.ok(!JSON.stringify(printed).includes(SECRET));
  assert.deepEqual(read(''), []);
});

test('what is wrong is refused, by a sentence that holds no key', () => {
  const long = 'x'.repeat(20);
  for (const wrong of [
    7,
    'tv',
    'tv?role=viewer',
    `tv?key=${long}`,
    `tv?role=root&key=${long}`,
    'tv?role=viewer&key=short',
    `tv?role=viewer&key=${long}&sha256=${DIGEST}`,
    `tv?role=viewer&sha256=${DIGEST.slice(1)}`,
    `tv?role=viewer&key=with a space in ${long}`,
    `?role=viewer&key=${long}`,
    `admin?role=viewer&key=${long}`,
    `a/b?role=viewer&key=${long}`,
    `tv?role=viewer&key=${long}&colour=red`,
    `tv?role=viewer&key=${long}&streams_max=0`,
    `tv?role=viewer&key=${long}&streams_max=two`,
    `tv?role=viewer&key=${long}&on_limit=explode`,
    `tv?role=viewer&key=${long},tv?role=viewer&key=${long}y`,
    `tv?role=viewer&key=${long},radio?role=viewer&key=${long}`,
    [{ name: 'tv', role: 'viewer', key: 12_345_678_901_234_567n }],
    [{ name: 'tv', role: 'viewer', key: long, streams_max: true }],
  ]) {
    const result = keyList().parse(wrong);
    assert.ok(!result.ok, String(wrong));
    assert.ok(!result.problem.includes(long) && !result.problem.includes(DIGEST.slice(1)), result.problem);
  }
});

test('the configuration tells of its keys nowhere what they are', () => {
  const environment = { KEYS: `tv?role=viewer&key=${SECRET}` };
  assert.equal(loadConfig({ environment }).config.access.keys[0]?.name, 'tv');
  assert.throws(
    () => loadConfig({ environment: { KEYS: `tv?role=root&key=${SECRET}` } }),
    (error) =>
      error instanceof AcemuxError && /access\.keys/.test(error.message) && !error.message.includes(SECRET),
  );
});

test('an API_KEY that can be guessed is warned of, without being told', () => {
  const { warnings } = loadConfig({ environment: { API_KEY: 'hunter2' } });
  assert.ok(warnings.some((warning) => /access\.api_key.*16 characters/.test(warning)));
  assert.ok(!warnings.join().includes('hunter2'));
  assert.deepEqual(loadConfig({ environment: { API_KEY: SECRET } }).warnings, []);
});
