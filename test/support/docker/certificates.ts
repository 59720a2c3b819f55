import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { undoAfter } from '../undo.ts';

/** An authority, and what it has signed for a daemon and for a client; gone when the test is over. */
export interface Certificates {
  /** What DOCKER_CERT_PATH would be. */
  readonly clientFolder: string;
  /** The flags of dockerd. */
  readonly daemonFlags: readonly string[];
}

/** For a daemon that is reached at one of these addresses. */
export function makeCertificates(t: TestContext, addresses: readonly string[]): Certificates {
  const folder = mkdtempSync(join(tmpdir(), 'acemux-certificates-'));
  undoAfter(t, () => rmSync(folder, { recursive: true }));
  const run = (...args: readonly string[]): void => {
    const { status, stderr } = spawnSync('openssl', args, { cwd: folder, encoding: 'utf8' });
    assert.equal(status, 0, stderr);
  };
  const ec = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  run(
    'req',
    '-x509',
    ...ec,
    '-subj',
    '/CN=test authority',
    '-days',
    '2',
    '-keyout',
    'ca.key',
    '-out',
    'ca.pem',
  );
  const names = addresses.map((address) => `IP:${address}`).join(',');
  writeFileSync(join(folder, 'server.ext'), `subjectAltName=${names}\nextendedKeyUsage=serverAuth\n`);
  writeFileSync(join(folder, 'client.ext'), 'extendedKeyUsage=clientAuth\n');
  const sign = (who: string, key: string, cert: string): void => {
    run('req', ...ec, '-subj', `/CN=${who}`, '-keyout', key, '-out', 'request.pem');
    const ca = ['-CA', 'ca.pem', '-CAkey', 'ca.key', '-CAcreateserial', '-days', '2'];
    run('x509', '-req', '-in', 'request.pem', ...ca, '-extfile', `${who}.ext`, '-out', cert);
  };
  sign('server', 'server-key.pem', 'server-cert.pem');
  sign('client', 'key.pem', 'cert.pem');
  const daemonFlags = [
    '--tlsverify',
    ...['--tlscacert', join(folder, 'ca.pem')],
    ...['--tlscert', join(folder, 'server-cert.pem'), '--tlskey', join(folder, 'server-key.pem')],
  ];
  return { clientFolder: folder, daemonFlags };
}
