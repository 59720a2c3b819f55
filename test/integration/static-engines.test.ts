// The list of engines in the file changes while acemux runs, and is read again as at SIGHUP.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startApp } from '../../src/app.ts';
import { loadConfig } from '../../src/config/load.ts';
import { silentLog } from '../../src/telemetry/log.ts';
import { startEngine } from '../support/doctor-rig.ts';
import { temporaryFolder } from '../support/passing-stream.ts';
import { until } from '../support/rig.ts';
import { undoAfter } from '../support/undo.ts';
import { Viewer } from '../support/viewer.ts';

test('engines that are added to the file or taken out of it come and go when it is read again, and what plays on the others plays on', async (t) => {
  const [stays, goes, comes] = [await startEngine(t), await startEngine(t), await startEngine(t)];
  const folder = await temporaryFolder(t);
  let text = '';
  const write = (engines: readonly string[]): void => {
    text = `engines: { provider: static, static: ${JSON.stringify(engines)} }`;
  };
  const environment = { HOST: '127.0.0.1', PORT: '0', DATA_DIR: folder, PREBUFFER_SECONDS: '0' };
  const read = () => loadConfig({ environment, file: { name: 'acemux.yaml', text } });
  write([addressOf(stays), addressOf(goes)]);
  const loaded = read();
  const app = await startApp(loaded.config, { log: silentLog(), loaded, reload: read });
  undoAfter(t, () => app.stop());
  const ports = (): number[] => app.fleet.snapshot().map(({ port }) => port);
  await until(() => app.fleet.readiness().healthy === 2);

  const viewer = new Viewer(`${app.url}/ace/getstream?infohash=${'d'.repeat(40)}`);
  undoAfter(t, async () => viewer.leave());
  await viewer.received(188 * 500);
  const playing = app.sessions.find('d'.repeat(40))?.engine?.id;
  const isOn = app.fleet.snapshot().find(({ id }) => id === playing)?.port;
  const [kept, dropped] = isOn === stays.port ? [stays, goes] : [goes, stays];
  write([addressOf(kept), addressOf(comes)]);
  assert.deepEqual(ports().toSorted(), [stays.port, goes.port].toSorted(), 'not before it is read');
  app.reloadConfig();
  await until(() => !ports().includes(dropped.port) && ports().includes(comes.port));
  await viewer.received(188 * 1_500);
  assert.equal(viewer.ended, undefined);
  assert.equal(app.sessions.find('d'.repeat(40))?.engine?.id, playing, 'on the engine that is in both lists');

  // What is no list changes nothing.
  write(['no port']);
  app.reloadConfig();
  assert.deepEqual(ports().toSorted(), [kept.port, comes.port].toSorted());
});

function addressOf({ host, port }: { readonly host: string; readonly port: number }): string {
  return `${host}:${port}`;
}
