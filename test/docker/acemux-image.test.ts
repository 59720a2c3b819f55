// acemux' own image, built by the Dockerfile that users have, runs in a container beside an engine and plays.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { assertUnbroken } from '../support/continuity-check.ts';
import { ACEMUX_IMAGE, buildAcemuxImage } from '../support/docker/acemux-image.ts';
import { channel, eventually, SECOND_BYTES } from '../support/docker/acemux-on-docker.ts';
import { dockerHouse } from '../support/docker/docker-house.ts';
import { whyNoDocker } from '../support/docker/docker-machine.ts';
import { undoAfter } from '../support/undo.ts';
import { Viewer } from '../support/viewer.ts';

const skip = whyNoDocker() ?? false;
const house = dockerHouse();

test('the image of acemux is built by its Dockerfile, plays an engine’s stream as no root, is healthy, and ends when told to', {
  skip,
}, async (t) => {
  const beganMs = performance.now();
  await buildAcemuxImage(t, house().socket);
  t.diagnostic(`built within ${Math.round(performance.now() - beganMs)} ms`);

  const engine = await house().container(t, {
    flags: ['--bind-all'],
    env: { READY_AFTER_SECONDS: '0.2', SIMULATE: '--bitrate 2 --prebuffer 0.2' },
  });
  const id = await house().container(t, {
    image: ACEMUX_IMAGE,
    env: { ENGINES: `${await addressOf(engine)}:6878`, PREBUFFER_SECONDS: '1' },
  });
  const url = `http://${await addressOf(id)}:8000`;
  await eventually(
    'acemux is ready',
    async () => (await fetch(`${url}/health/ready`).catch(() => undefined))?.ok === true,
  );
  const viewer = new Viewer(`${url}/ace/getstream?id=${channel(1)}`);
  undoAfter(t, async () => viewer.leave());
  assert.equal(await viewer.status(), 200);
  await viewer.received(2 * SECOND_BYTES);
  assertUnbroken(viewer.media);
  t.diagnostic(`played within ${Math.round(performance.now() - beganMs)} ms`);

  const script = 'console.log([process.getuid(), process.versions.node, fs.readdirSync("/data")].join(" "))';
  const [uid, node, ...data] = (await run(id, ['node', '-e', script])).split(' ');
  assert.deepEqual([uid, node], ['1000', process.versions.node]);
  assert.ok(data.join().length > 0, 'it keeps what it has to in /data');
  await run(id, ['node', '/app/bin/acemux.mjs', 'healthcheck']);

  await house().call('POST', `/containers/${id}/stop?t=20`);
  const { State: state } = Object(await house().call('GET', `/containers/${id}/json`));
  assert.deepEqual([state.ExitCode, await viewer.end()], [0, 'eof']);
});

async function addressOf(id: string): Promise<string> {
  const { NetworkSettings: settings } = Object(await house().call('GET', `/containers/${id}/json`));
  return String(settings.IPAddress || settings.Networks.bridge.IPAddress);
}

/** Runs a command in a container and resolves with what it printed; it ends with 0. */
async function run(id: string, command: readonly string[]): Promise<string> {
  const body = { Cmd: command, AttachStdout: true, AttachStderr: true, Tty: true };
  const { Id: exec } = Object(await house().call('POST', `/containers/${id}/exec`, body));
  const said = await house().text('POST', `/exec/${exec}/start`, { Detach: false, Tty: true });
  const { ExitCode: code } = Object(await house().call('GET', `/exec/${exec}/json`));
  assert.equal(code, 0, `${command.join(' ')}: ${said}`);
  return said.trim();
}
