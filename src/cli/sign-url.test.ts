import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { CommandRecorder } from '../../test/support/command-io.ts';
import { TokenSigner } from '../access/signed-token.ts';
import { signUrl } from './sign-url.ts';

const ID = '0123456789abcdef0123456789abcdef01234567';

function makeDir(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'acemux-sign-'));
  t.after(() => rmSync(folder, { recursive: true }));
  return folder;
}

async function run(dataDir: string, argv: readonly string[], environment = {}) {
  const io = new CommandRecorder({ DATA_DIR: dataDir, ...environment });
  const code = await signUrl.run(argv, io);
  return { code, output: io.output.trim(), errors: io.errors };
}

const secretsIn = (folder: string): string[] =>
  readFileSync(join(folder, 'signing.key'), 'utf8').trim().split('\n');

function grantOf(url: string, folder: string) {
  const read = new TokenSigner(secretsIn(folder)).read(new URL(url).searchParams.get('token') ?? '');
  assert.ok(read.ok, url);
  return read.grant;
}

test('prints a URL that the secret in DATA_DIR has signed, for a day', async (t) => {
  const folder = makeDir(t);
  const { code, errors, output } = await run(folder, ['--id', `acestream://${ID}`]);
  assert.equal(code, 0);
  assert.match(errors, new RegExp(`${folder} had no signing.key`), 'perhaps it is the wrong folder');
  assert.equal((await run(folder, [])).errors, '');
  assert.match(
    output,
    new RegExp(`^http://127\\.0\\.0\\.1:8000/ace/getstream\\?id=${ID}&token=s1\\.[\\w.-]+$`),
  );
  const { expiresAtMs, ...rest } = grantOf(output, folder);
  assert.deepEqual(rest, { stream: ID, address: undefined, keyId: undefined, limits: undefined });
  const seconds = (expiresAtMs - Date.now()) / 1000;
  assert.ok(seconds > 86_000 && seconds <= 86_401, String(seconds));
});

test('says all that a signed URL can say', async (t) => {
  const folder = makeDir(t);
  const flags = ['--infohash', ID, '--expires', '90s', '--address', '10.0.0.0/8', '--key', 'tv', '--hls'];
  const limits = [
    '--limit',
    'streams_max=2',
    '--limit',
    'on_limit=refuse',
    '--url',
    'https://tv.example.org/',
  ];
  const { output } = await run(folder, [...flags, ...limits], {
    KEYS: 'tv?role=viewer&key=a-long-random-text',
  });
  assert.match(output, new RegExp(`^https://tv\\.example\\.org/ace/manifest\\.m3u8\\?infohash=${ID}&token=`));
  const grant = grantOf(output, folder);
  assert.equal(grant.address, '10.0.0.0/8');
  assert.equal(grant.keyId, 'config:tv');
  assert.equal(grant.limits?.streamsMax, 2);
  assert.equal(grant.limits?.onLimit, 'refuse');
  assert.equal((await run(folder, ['--key', 'key_0123'])).code, 0, 'the id of a key that was made by API');
});

test('what cannot be signed is a mistake in the command line, and nothing is printed', async (t) => {
  const folder = makeDir(t);
  for (const argv of [
    ['--id', 'abc'],
    ['--id', ID, '--infohash', ID],
    ['--expires', 'tomorrow'],
    ['--expires', '0s'],
    ['--address', 'my house'],
    ['--limit', 'streams_max=0'],
    ['--limit', 'streams_max'],
    ['--limit', 'colour=red'],
    ['--key', 'Living room'],
    ['--idd', ID],
  ]) {
    const { code, errors, output } = await run(folder, argv);
    assert.deepEqual([code, output], [2, ''], argv.join(' '));
    assert.ok(errors.length > 20);
  }
  assert.deepEqual(readdirSync(folder), []);
});

test('--rotate lets a new secret sign, and says what is still accepted', async (t) => {
  const folder = makeDir(t);
  const { output: before } = await run(folder, []);
  const { code, output } = await run(folder, ['--rotate']);
  assert.equal(code, 0);
  assert.match(output, /from now on.*; 1 earlier ones are still accepted/);
  const { output: after } = await run(folder, []);
  const [newest = ''] = secretsIn(folder);
  const token = (url: string): string => new URL(url).searchParams.get('token') ?? '';
  assert.ok(new TokenSigner([newest]).read(token(after)).ok);
  assert.ok(!new TokenSigner([newest]).read(token(before)).ok);
  grantOf(before, folder);
});
