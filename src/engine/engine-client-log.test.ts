import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { RecordingClock } from '../../test/support/recording-clock.ts';
import { replyJson, startWireServer, type WireRequest } from '../../test/support/wire-server.ts';
import { createLog } from '../telemetry/log.ts';
import { EngineClient } from './engine-client.ts';

const ID = '1'.repeat(40);
const INFOHASH = '2'.repeat(40);

type Line = Readonly<Record<string, unknown>>;

/** A client whose log is kept, and an engine that answers stops as it is told. */
async function rig(t: TestContext, answers: { readonly start: unknown; readonly stop: unknown }) {
  const server = await startWireServer(t, (request: WireRequest) => {
    replyJson(request, request.path === '/ace/getstream' ? answers.start : answers.stop);
  });
  const lines: Line[] = [];
  const write = (line: string): boolean => {
    lines.push(Object(JSON.parse(line)));
    return true;
  };
  const log = createLog({ level: 'info', format: 'json' }, { write });
  const client = new EngineClient({ address: server.address, clock: new RecordingClock(), log });
  t.after(() => client.close());
  const find = (message: string): Line => {
    const line = lines.find(({ msg }) => msg === message);
    assert.ok(line, `${message} is not among ${JSON.stringify(lines)}`);
    return line;
  };
  const engineAddress = `${server.address.host}:${server.address.port}`;
  return { client, find, server, engineAddress };
}

const response = {
  playback_url: `/ace/r/${INFOHASH}/token`,
  stat_url: `/ace/stat/${INFOHASH}/token`,
  command_url: `/ace/cmd/${INFOHASH}/token`,
  infohash: INFOHASH,
  playback_session_id: 'session',
};

test('a start and its stop are logged with engine, name, pid, infohash and playback session', async (t) => {
  const answers = { start: { response, error: null }, stop: { response: 'ok', error: null } };
  const { client, find, server, engineAddress } = await rig(t, answers);
  const playback = await client.start({ kind: 'id', hash: ID, parameters: {} }).playback;
  const playerPid = server.requests[0]?.query.get('pid');
  const playing = { engineAddress, infohash: INFOHASH, playbackSessionId: 'session' };
  const { kind, hash, ...started } = find('playback started');
  assert.deepEqual([kind, hash], ['id', ID]);
  assert.deepEqual({ ...started, ...playing, playerPid }, started);
  await client.stopPlayback(playback);
  const stopped = find('playback stopped');
  assert.deepEqual({ ...stopped, ...playing }, stopped);
});

test('a start that failed and a stop that failed are logged with their reason', async (t) => {
  const start = { response, error: 'failed to load content' };
  const { client, find, engineAddress } = await rig(t, { start, stop: { response: null, error: 'oops' } });
  await assert.rejects(client.start({ kind: 'id', hash: ID, parameters: {} }).playback);
  const notStarted = find('playback not started');
  assert.deepEqual(
    [notStarted['engineAddress'], notStarted['hash'], notStarted['reason']],
    [engineAddress, ID, 'content_unknown'],
  );
  assert.equal(find('playback not stopped')['reason'], 'engine_broken');
});
