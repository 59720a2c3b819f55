// What users get wrong about engines in Docker: acemux as a whole says it in its log, as an event and in its API, in a sentence and
// with what to do. The daemon is a real one.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { chownSync, copyFileSync, readFileSync } from 'node:fs';
import { createServer } from 'node:https';
import { join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { REASONS, type ReasonCode } from '../../src/base/reasons.ts';
import { INSTANCE_LABEL } from '../../src/fleet/providers/docker/engine-labels.ts';
import { SimulatedGluetun } from '../../src/simulator/gluetun/simulated-gluetun.ts';
import type { AcemuxEvent, EventType } from '../../src/telemetry/events/event.ts';
import { AcemuxHome, AcemuxInProcess, eventually } from '../support/docker/acemux-on-docker.ts';
import { makeCertificates } from '../support/docker/certificates.ts';
import { dockerHouse } from '../support/docker/docker-house.ts';
import { whyNoDocker } from '../support/docker/docker-machine.ts';
import { undoAfter } from '../support/undo.ts';

const skip = whyNoDocker() ?? false;
const house = dockerHouse();

interface Told {
  readonly reason: ReasonCode;
  /** What the sentence says of this very case. */
  readonly says: RegExp;
  readonly event: EventType;
  /** Where the sentence is in the event: `detail`, if left out. */
  readonly saidIn?: string;
}

/** The log, the event and `/events` say the same thing. Returns the event. */
async function isTold(
  acemux: AcemuxInProcess,
  { reason, says, event, saidIn = 'detail' }: Told,
): Promise<AcemuxEvent> {
  const { todo } = REASONS[reason];
  const isIt = ({ details }: Pick<AcemuxEvent, 'details'>): boolean =>
    details['reason'] === reason && details['todo'] === todo && says.test(String(details[saidIn]));
  // What happened while it started, too.
  const all = (): AcemuxEvent[] => [...acemux.app.events.newestFirst()].filter(({ type }) => type === event);
  await eventually(`${event} with ${reason}`, () => all().some(isIt), 30_000).catch((error: unknown) => {
    assert.fail(`${error}: ${JSON.stringify(acemux.events.map(({ type, details }) => [type, details]))}`);
  });
  const line = acemux.lines
    .map((text): Record<string, unknown> => JSON.parse(text))
    .find(
      (entry) => entry['reason'] === reason && entry['todo'] === todo && says.test(JSON.stringify(entry)),
    );
  assert.ok(line, 'the log has it, too');
  const reply = JSON.stringify(await acemux.get(`/events?type=${event}`));
  assert.ok(reply.includes(JSON.stringify(todo)) && says.test(reply), reply);
  const found = all().find(isIt);
  assert.ok(found);
  return found;
}

/** … and so does the status, as long as no engine can be made for it. */
async function isInStatus(
  acemux: AcemuxInProcess,
  reasons: readonly ReasonCode[],
  says: RegExp,
): Promise<void> {
  let details: Record<string, unknown> = {};
  await eventually(`the status says ${reasons.join(' or ')}`, async () => {
    const { provisioning } = await acemux.object('/orchestrator/status');
    details = Object(Object(provisioning).blocked_reason_details);
    return reasons.some((reason) => reason === details['reason']);
  });
  assert.match(String(details['message']), says);
  const reason = reasons.find((each) => each === details['reason']);
  assert.ok(reason);
  assert.equal(details['todo'], REASONS[reason].todo);
}

async function begin(t: TestContext, given: Readonly<Record<string, string>>): Promise<AcemuxInProcess> {
  const home = await AcemuxHome.build(t, house(), { MIN_REPLICAS: '1', ...given });
  return AcemuxInProcess.start(t, home);
}

describe('what is set wrongly is said in log, event and API, with what to do', {
  skip,
  concurrency: 4,
}, () => {
  const wrong: readonly {
    readonly what: string;
    readonly given: Readonly<Record<string, string>>;
    readonly reason: ReasonCode;
    readonly says: RegExp;
  }[] = [
    {
      what: 'an image that nobody has',
      given: { ENGINE_IMAGE: 'localhost:1/no-such-engine:1' },
      reason: 'docker_pull_failed',
      says: /localhost:1/,
    },
    {
      what: 'an image whose name is none',
      given: { ENGINE_IMAGE: 'UPPER/case:1' },
      reason: 'docker_image_invalid',
      says: /UPPER/,
    },
    {
      what: 'more CPUs than there are',
      given: { ENGINE_CPU_LIMIT: '1000' },
      reason: 'docker_limits',
      says: /CPUs/,
    },
    {
      what: 'a network that does not exist',
      given: { DOCKER_NETWORK: 'no-such-network' },
      reason: 'docker_network_missing',
      says: /no-such-network/,
    },
  ];
  for (const { what, given, reason, says } of wrong) {
    test(what, async (t) => {
      const acemux = await begin(t, given);
      await isTold(acemux, { reason, says, event: 'engine.create_failed' });
      await isInStatus(acemux, [reason, 'engine_creation_paused'], says);
      assert.deepEqual(await acemux.home.containers(), []);
    });
  }

  test('a flag that the engine does not know', async (t) => {
    const acemux = await begin(t, { ENGINE_FLAGS: '--no-such-flag' });
    const says = /unrecognized arguments: --no-such-flag/;
    const told = await isTold(acemux, {
      reason: 'engine_exited',
      says,
      event: 'engine.gone',
      saidIn: 'log_tail',
    });
    assert.equal(told.details['exit_code'], 2);
    await isInStatus(acemux, ['engine_creation_paused'], /no-such-flag|exit code 2/);
  });

  test('certificates of another authority; and the right ones are read without a restart', async (t) => {
    const [theirs, ours] = [makeCertificates(t, ['127.0.0.1']), makeCertificates(t, ['127.0.0.1'])];
    const [key, cert] = ['server-key.pem', 'server-cert.pem'].map((name) =>
      readFileSync(join(theirs.clientFolder, name)),
    );
    let calls = 0;
    const daemon = createServer({ key, cert }, (_, response) => {
      calls++;
      response.end();
    });
    let ended = 0;
    daemon.on('connection', (socket) => socket.on('close', () => ended++));
    daemon.listen(0, '127.0.0.1');
    await once(daemon, 'listening');
    undoAfter(t, () => new Promise((resolve) => daemon.close(resolve)));
    const address = daemon.address();
    assert.ok(typeof address === 'object' && address);
    const acemux = await begin(t, {
      DOCKER_HOST: `tcp://127.0.0.1:${address.port}`,
      DOCKER_CERT_PATH: ours.clientFolder,
      DOCKER_TLS_VERIFY: '1',
    });
    const says = /certificate|self.signed|TLS/i;
    await isTold(acemux, { reason: 'docker_tls', says, event: 'fleet.blocked' });
    await isInStatus(acemux, ['docker_tls'], says);
    assert.equal(calls, 0);
    for (const name of ['ca.pem', 'cert.pem', 'key.pem'])
      copyFileSync(join(theirs.clientFolder, name), join(ours.clientFolder, name));
    // What was under way had the old ones; that many more tries without a call show that they are kept.
    const before = ended;
    await eventually('it tries again', () => calls > 0 || ended >= before + 4);
    assert.notEqual(calls, 0, 'the daemon is trusted');
  });

  test('containers with labels that mean nothing, and engines of another acemux, are left alone', async (t) => {
    const home = await AcemuxHome.build(t, house(), {
      MIN_REPLICAS: '0',
      CONTAINER_LABEL: house().unique('ours=yes'),
    });
    const [name = '', value = ''] = (home.environment['CONTAINER_LABEL'] ?? '').split('=');
    const node = ['-e', 'setInterval(() => {}, 1e6)'];
    const half = house().unique('half');
    await house().container(t, { name: half, node, labels: { [INSTANCE_LABEL]: home.instance } });
    const foreign = house().unique('foreign');
    const labels = { [name]: value, [INSTANCE_LABEL]: 'somebody-elses' };
    const id = await house().container(t, { name: foreign, node, labels });
    const acemux = await AcemuxInProcess.start(t, home);
    const one = { reason: 'docker_not_ours', event: 'engine.left_alone' } as const;
    const told = await isTold(acemux, { ...one, says: /carries our label and no ports of an engine/ });
    assert.equal(told.details['container'], half);
    const other = await isTold(acemux, { ...one, says: /carries CONTAINER_LABEL and is not of this acemux/ });
    assert.equal(other.details['container'], foreign);
    const inStatus = async (): Promise<string[]> => {
      const { left_alone: all } = await acemux.object('/orchestrator/status');
      assert.ok(Array.isArray(all) && all.every(({ todo }) => todo === REASONS.docker_not_ours.todo));
      return all.map(({ container }) => container).sort();
    };
    assert.deepEqual(await inStatus(), [foreign, half].sort());
    assert.deepEqual(await acemux.engines(), []);
    assert.equal((await house().client.inspect(id, AbortSignal.timeout(5_000)))?.state, 'running');
  });

  test('a Gluetun that asks for a password', async (t) => {
    const gluetun = new SimulatedGluetun({ auth: { kind: 'basic', user: 'who', password: 'knows' } });
    const port = await gluetun.start();
    undoAfter(t, () => gluetun.stop());
    const acemux = await begin(t, {
      ENGINE_PROVIDER: 'static',
      ENGINES: '127.0.0.1:1?vpn=one',
      VPNS: `one?control_url=http://127.0.0.1:${port}`,
    });
    await isTold(acemux, { reason: 'vpn_unauthorized', says: /401/, event: 'vpn.control_failed' });
    const status = JSON.stringify(await acemux.get('/vpn/status'));
    assert.match(status, /vpn_unauthorized/);
    assert.match(status, /GLUETUN_API_KEY/);
  });
});

/** By itself: while it runs, this whole process is somebody who may not use Docker. */
test('a socket that acemux may not use is said to be so in log, event and API, with what to do', {
  skip,
}, async (t) => {
  const home = await AcemuxHome.build(t, house(), { MIN_REPLICAS: '1' });
  const nobody = 65_534;
  chownSync(home.dataDir, nobody, nobody);
  chownSync(join(home.dataDir, 'instance.id'), nobody, nobody);
  process.seteuid?.(nobody);
  try {
    const acemux = await AcemuxInProcess.start(t, home);
    const says = /may not be used \(EACCES\)/;
    await isTold(acemux, { reason: 'docker_forbidden', says, event: 'fleet.blocked' });
    await isInStatus(acemux, ['docker_forbidden'], says);
    await acemux.stop();
  } finally {
    process.seteuid?.(0);
  }
});
