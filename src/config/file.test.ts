import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import fc from 'fast-check';
import { fileLayer, readConfigFile } from './file.ts';

function temporaryFolder(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'acemux-config-'));
  t.after(() => rmSync(folder, { recursive: true }));
  return folder;
}

function errorsOf(text: string): readonly string[] {
  return fileLayer({ name: 'etc/my.yaml', text }).errors;
}

describe('reading the file', () => {
  test('without a name takes acemux.yaml of the working directory, or nothing', (t) => {
    const folder = temporaryFolder(t);
    assert.equal(readConfigFile(undefined, folder), undefined);
    writeFileSync(join(folder, 'acemux.yaml'), 'log:\n');
    assert.deepEqual(readConfigFile(undefined, folder), { name: 'acemux.yaml', text: 'log:\n' });
  });

  test('fails when a named file is missing, a folder, or too large', (t) => {
    const folder = temporaryFolder(t);
    const refused = { code: 'config_invalid' };
    const missing = join(folder, 'none.yaml');
    assert.throws(() => readConfigFile(missing, folder), {
      ...refused,
      message: `The configuration file ${missing} cannot be read: it does not exist.`,
    });
    assert.throws(() => readConfigFile(folder, folder), { ...refused, message: /: it is a folder\.$/ });
    writeFileSync(join(folder, 'large.yaml'), '#'.repeat(1024 * 1024 + 1));
    assert.throws(() => readConfigFile(join(folder, 'large.yaml'), folder), { ...refused, message: /1 MiB/ });
  });
});

describe('what the file says', () => {
  test('is found by path, with the line for messages', () => {
    const { values, errors } = fileLayer({
      name: '/etc/acemux/my.yaml',
      text: '# mine\nserver:\n  port: 9000\nengines:\n  static:\n    - a:1\n    - {host: b, port: 2}\n',
    });
    assert.deepEqual(errors, []);
    assert.deepEqual([...values.keys()], ['server.port', 'engines.static']);
    assert.equal(values.get('server.port')?.raw, 9000);
    assert.deepEqual(values.get('engines.static')?.raw, ['a:1', { host: 'b', port: 2 }]);
    assert.equal(values.get('engines.static')?.origin.text, 'my.yaml line 5');
  });

  test('is nothing for keys and sections without a value', () => {
    for (const text of ['', '# only a comment', 'server:\n', 'server:\n  port:\n', 'server: {port: null}']) {
      assert.deepEqual(fileLayer({ name: 'a', text }), { values: new Map(), errors: [], warnings: [] });
    }
  });

  test('with unknown names is refused with the line and the nearest known one', () => {
    assert.deepEqual(errorsOf('servr:\n  port: 1\n'), [
      'my.yaml line 1: servr is no key; did you mean server?',
    ]);
    assert.match(
      errorsOf('server:\n  prot: 1\n').join(),
      /line 2: server\.prot is no key; did you mean server\.port\?/,
    );
    assert.match(errorsOf('PUBLIC_URL: x').join(), /did you mean server\.public_url\?/);
    assert.match(errorsOf('log:\n  colours: x').join(), /known here: log\.level, log\.format/);
  });

  test('that is no YAML, or twice the same key, is refused with the line', () => {
    assert.match(errorsOf('server:\n  port: 1\n  port: 2\n').join(), /^my\.yaml line 3: /);
    assert.match(errorsOf('server: [\n').join(), /^my\.yaml line \d: /);
  });

  test('with something else where keys belong is refused', () => {
    assert.match(errorsOf('just text').join(), /line 1: the file must hold keys/);
    assert.match(errorsOf('log:\n\nserver: 5\n').join(), /line 3: section server must hold keys/);
  });

  test('through an anchor does not count: a file of anchors can grow without bound', () => {
    const { values } = fileLayer({ name: 'a', text: 'server:\n  host: &x h\nlog:\n  level: *x\n' });
    assert.deepEqual([...values.keys()], ['server.host']);
  });

  test('may be any text without a crash', () => {
    const pieces = fc.constantFrom(
      'server',
      ':',
      '\n',
      '  ',
      'port',
      '- ',
      '{',
      '[',
      '"',
      '&a',
      '*a',
      '#',
      '8',
      '\t',
      '?',
    );
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.array(pieces).map((each) => each.join('')),
        ),
        (text) => {
          assert.ok(Array.isArray(errorsOf(text)));
        },
      ),
    );
  });
});
