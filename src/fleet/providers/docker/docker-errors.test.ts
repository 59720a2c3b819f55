import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AcemuxError } from '../../../base/reasons.ts';
import type { DockerEndpoint } from './docker-endpoint.ts';
import { DockerRefusal, explainFailure, isAway } from './docker-errors.ts';

const socket: DockerEndpoint = { kind: 'socket', path: '/run/docker.sock' };
const remote: DockerEndpoint = { kind: 'tcp', host: '::1', port: 2376, tlsFolder: '/certs' };

function failure(code: string, message = 'failed'): Error {
  return Object.assign(new Error(message), { code });
}

test('each failure of a connection has its reason', () => {
  const reasons: readonly (readonly [string, DockerEndpoint, boolean, string])[] = [
    ['EACCES', socket, false, 'docker_forbidden'],
    ['EPERM', socket, false, 'docker_forbidden'],
    ['ENOENT', socket, false, 'docker_unreachable'],
    ['ECONNREFUSED', remote, true, 'docker_unreachable'],
    ['ENOTFOUND', remote, true, 'docker_unreachable'],
    ['CERT_HAS_EXPIRED', remote, true, 'docker_tls'],
    ['UNABLE_TO_VERIFY_LEAF_SIGNATURE', remote, true, 'docker_tls'],
    ['ERR_TLS_CERT_ALTNAME_INVALID', remote, true, 'docker_tls'],
    ['ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED', remote, true, 'docker_tls'],
    ['EPROTO', remote, true, 'docker_tls'],
    ['HPE_INVALID_CONSTANT', remote, false, 'docker_protocol'],
    ['', socket, false, 'docker_unreachable'],
  ];
  for (const [code, endpoint, usesTls, reason] of reasons) {
    const explained = explainFailure(failure(code), endpoint, usesTls);
    assert.equal(explained.code, reason, code);
    assert.ok(isAway(explained), code);
  }
});

test('the sentence names the address as DOCKER_HOST would', () => {
  assert.equal(
    explainFailure(failure('ECONNREFUSED'), remote, true).message,
    'Docker at tcp://[::1]:2376 can’t be reached: nobody listens there (ECONNREFUSED).',
  );
});

test('of several addresses that were tried the first one speaks', () => {
  const both = new AggregateError([failure('ECONNREFUSED'), failure('ETIMEDOUT')]);
  assert.match(explainFailure(both, remote, false).message, /ECONNREFUSED/);
});

test('a refusal is an answer: the daemon is there', () => {
  const refusal = new DockerRefusal(409, 'in use', 'POST /containers/create');
  assert.equal(explainFailure(refusal, socket, false), refusal);
  assert.ok(!isAway(refusal));
  assert.ok(!isAway(new AcemuxError('docker_image_missing')));
});
