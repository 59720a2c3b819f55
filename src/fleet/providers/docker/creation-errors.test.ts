import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AcemuxError } from '../../../base/reasons.ts';
import { explainCreation, saysPortTaken, takenPorts } from './creation-errors.ts';
import { DockerRefusal } from './docker-errors.ts';

/** What Docker 20.10 to 28 say, word by word. */
const WORDS: readonly (readonly ['create' | 'start', string, string])[] = [
  ['create', 'No such image: engine:9', 'docker_image_missing'],
  ['create', 'Conflict. The container name "/a" is already in use by container "b".', 'docker_name_taken'],
  ['create', 'invalid reference format', 'docker_image_invalid'],
  ['create', 'Minimum memory limit allowed is 6MB', 'docker_limits'],
  ['create', 'Range of CPUs is from 0.01 to 2.00, as there are only 2 CPUs available', 'docker_limits'],
  ['create', 'mkdir /var/lib/docker/overlay2/x: no space left on device', 'docker_disk_full'],
  ['start', 'network ace not found', 'docker_network_missing'],
  [
    'start',
    'driver failed programming external connectivity on endpoint a (b): Bind for 127.0.0.1:19000 failed: port is already allocated',
    'docker_ports_taken',
  ],
  [
    'start',
    'Error starting userland proxy: listen tcp4 127.0.0.1:19000: bind: address already in use',
    'docker_ports_taken',
  ],
  ['start', 'cannot join network of a non running container: abc', 'docker_vpn_not_running'],
  ['start', 'No such container: abc', 'docker_vpn_not_running'],
  [
    'start',
    'OCI runtime create failed: exec: "python": executable file not found in $PATH',
    'docker_start_failed',
  ],
  ['create', 'something new', 'docker_refused'],
];

test('Docker’s words have their reasons, and are passed on', () => {
  for (const [step, said, code] of WORDS) {
    const explained = explainCreation(new DockerRefusal(500, said, 'POST /x'), step);
    assert.ok(explained instanceof AcemuxError);
    assert.equal(explained.code, code, said);
    assert.ok(explained.message.includes(said));
  }
});

test('what is no refusal stays what it is', () => {
  const away = new AcemuxError('docker_unreachable');
  assert.equal(explainCreation(away, 'start'), away);
});

test('the port that is named is the bad one; where none is named, all are', () => {
  const error = new AcemuxError('docker_ports_taken', 'Bind for 0.0.0.0:19000 failed');
  assert.deepEqual(takenPorts(error, [19_000, 45_000]), [19_000]);
  assert.deepEqual(takenPorts(error, [1900, 45_000]), [1900, 45_000]);
});

test('an engine’s last words tell whether a port was taken', () => {
  assert.ok(saysPortTaken(['starting', 'OSError: [Errno 98] Address already in use']));
  assert.ok(!saysPortTaken(['starting', 'unrecognized arguments: --x']));
});
