/** The nginx configuration of deploy/ in front of acemux, with TLS, as docs/security.md has it. */
import assert from 'node:assert/strict';
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:https';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { ID, type Rig, startRig } from '../support/rig.ts';

const ROOT = join(import.meta.dirname, '..', '..');
const KEY = 'the-key-of-the-house';
const why = ['nginx', 'openssl'].find((name) => spawnSync(name, ['-v'], { stdio: 'ignore' }).error);
const skip = why !== undefined && `${why} is installed for the tests by root on Linux only`;

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  assert.ok(typeof address === 'object' && address);
  server.close();
  await once(server, 'close');
  return address.port;
}

/** Runs nginx with the server block of deploy/nginx.conf; only ports and paths are this machine's. */
async function startNginx(t: TestContext, rig: Rig): Promise<number> {
  const folder = mkdtempSync(join(tmpdir(), 'acemux-nginx-'));
  const port = await freePort();
  const [key, certificate] = [join(folder, 'privkey.pem'), join(folder, 'fullchain.pem')];
  const subject = ['-subj', '/CN=tv.example.org', '-days', '1'];
  const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1'];
  execFileSync(
    'openssl',
    ['req', '-x509', ...curve, '-nodes', ...subject, '-keyout', key, '-out', certificate],
    {
      stdio: 'ignore',
    },
  );
  const block = readFileSync(join(ROOT, 'deploy', 'nginx.conf'), 'utf8')
    .replace('listen 443 ssl', `listen 127.0.0.1:${port} ssl`)
    .replace('/etc/ssl/acemux', folder)
    .replace('/etc/ssl/acemux', folder)
    .replace('/var/log/nginx', folder)
    .replace('http://127.0.0.1:8000', `http://127.0.0.1:${rig.app.port}`);
  const paths = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'];
  const temporary = paths.map((name) => `${name}_temp_path ${folder};`).join(' ');
  const file = join(folder, 'nginx.conf');
  writeFileSync(
    file,
    `daemon off; master_process off; pid ${folder}/pid; error_log ${folder}/error.log;\n` +
      `events {}\nhttp { ${temporary}\n${block}\n}\n`,
  );
  execFileSync('nginx', ['-t', '-q', '-c', file, '-e', `${folder}/error.log`]);
  const nginx = spawn('nginx', ['-c', file, '-e', `${folder}/error.log`], { stdio: 'ignore' });
  const over = once(nginx, 'exit');
  t.after(async () => {
    nginx.kill('SIGTERM');
    await over;
    assert.doesNotMatch(
      readFileSync(join(folder, 'acemux.log'), 'utf8'),
      new RegExp(KEY),
      'a key in its log',
    );
    rmSync(folder, { recursive: true });
  });
  return port;
}

interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly body: Buffer;
}

/** Reads up to `bytes` and leaves. Until nginx listens, it is asked again. */
async function ask(port: number, path: string, options: object = {}, bytes = 1_000_000): Promise<Answer> {
  const given = {
    host: '127.0.0.1',
    port,
    path,
    rejectUnauthorized: false,
    servername: 'tv.example.org',
    agent: false,
  };
  const headers = { Host: 'tv.example.org', ...Object(options).headers };
  try {
    return await new Promise((resolve, reject) => {
      const asked = request({ ...given, ...options, headers }, (response) => {
        const chunks: Buffer[] = [];
        const finish = (): void => {
          asked.destroy();
          resolve({
            status: response.statusCode ?? 0,
            headers: response.headers,
            body: Buffer.concat(chunks),
          });
        };
        response.on('data', (chunk: Buffer) => {
          chunks.push(chunk);
          if (Buffer.concat(chunks).length >= bytes) finish();
        });
        response.once('end', finish);
        response.on('error', () => {});
      });
      asked.once('error', reject);
      asked.end(Object(options).body);
    });
  } catch (error) {
    if (!(error instanceof Error) || !('code' in error) || error.code !== 'ECONNREFUSED') throw error;
    await new Promise((resolve) => setTimeout(resolve, 20));
    return ask(port, path, options, bytes);
  }
}

const HOUSE = {
  config: {
    server: { trustedProxies: ['127.0.0.1'], publicUrl: 'https://tv.example.org' },
    access: { apiKey: KEY, playAllow: ['127.0.0.0/8'] },
  },
} as const;

test('nginx with TLS in front, as deploy/nginx.conf has it: acemux knows who asks, and nobody talks it into more', {
  skip,
}, async (t) => {
  const rig = await startRig(t, HOUSE);
  const port = await startNginx(t, rig);

  const stream = await ask(port, `/ace/getstream?id=${ID}&token=${KEY}`, {}, 188 * 100);
  assert.equal(stream.status, 200);
  assert.equal(stream.body[0], 0x47);

  const spoofed = await ask(port, '/whoami', { headers: { 'X-Forwarded-For': '203.0.113.9' } });
  assert.equal(
    JSON.parse(spoofed.body.toString()).address,
    '127.0.0.1',
    'nginx says who it is, not the client',
  );

  const body = JSON.stringify({ key: KEY });
  const headers = { 'Content-Type': 'application/json', 'Content-Length': body.length };
  const login = await ask(port, '/login', { method: 'POST', headers, body });
  assert.equal(login.status, 200);
  assert.match(String(login.headers['set-cookie']), /; HttpOnly; SameSite=Strict; Secure$/);
  const Cookie = String(login.headers['set-cookie']).split(';')[0];
  assert.equal((await ask(port, '/keys', { headers: { Cookie } })).status, 200);

  const rebinding = await ask(port, '/whoami', { headers: { Host: 'evil.example' } });
  assert.equal(JSON.parse(rebinding.body.toString()).code, 'host_not_allowed');
});

test('the same nginx, not in TRUSTED_PROXIES: the reply says what to add', { skip }, async (t) => {
  const rig = await startRig(t, { config: { server: { publicUrl: 'https://tv.example.org' } } });
  const port = await startNginx(t, rig);
  const refused = await ask(port, `/ace/getstream?id=${ID}`);
  assert.equal(refused.status, 403);
  const { code, detail } = JSON.parse(refused.body.toString());
  assert.equal(code, 'proxy_not_trusted');
  assert.match(detail, /add 127\.0\.0\.1 to TRUSTED_PROXIES/);
});
