import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { PMT_PID } from '../../src/simulator/broadcast.ts';
import { VIDEO_PID } from '../../src/simulator/clip.ts';
import { JumpClock } from '../support/jump-clock.ts';
import { BYTES_PER_SECOND, ID, type Rig, type RigOptions, startRig, until } from '../support/rig.ts';
import { inspect, Viewer } from '../support/viewer.ts';

/** A program that was written for an engine: it knows nothing but the engine's replies. */
class EngineProgram {
  readonly #url: string;
  readonly #players: Viewer[] = [];

  constructor(t: TestContext, url: string) {
    this.#url = url;
    t.after(() => {
      for (const player of this.#players) player.leave();
    });
  }

  /** What acexy sends to an engine (reference 11.2). */
  async start(query = `id=${ID}`): Promise<Record<string, string>> {
    const pid = crypto.randomUUID();
    const { response, error } = await this.ask(`${this.#url}/ace/getstream?${query}&format=json&pid=${pid}`);
    assert.equal(error, null);
    return Object(response);
  }

  async ask(url = ''): Promise<{ readonly response: unknown; readonly error: unknown }> {
    const reply = await fetch(url, { headers: { 'Content-Type': 'application/json' } });
    assert.equal(reply.status, 200);
    return Object(await reply.json());
  }

  async stat(url = ''): Promise<Record<string, unknown>> {
    return Object((await this.ask(url)).response);
  }

  play(url = ''): Viewer {
    const player = new Viewer(url);
    this.#players.push(player);
    return player;
  }
}

async function rigWith(t: TestContext, options: RigOptions = {}): Promise<[Rig, EngineProgram]> {
  const rig = await startRig(t, options);
  return [rig, new EngineProgram(t, rig.url)];
}

/** Engines are asked every 2 s: longer than any of that takes. */
const STAT_MAX_MS = 30_000;
const UNKNOWN = 'unknown playback session id';

test('a program written for an engine starts, plays and stops a stream, as it does with an engine', async (t) => {
  const [rig, program] = await rigWith(t);
  const started = await program.start();
  const { command_url: commandUrl = '', playback_url: playbackUrl = '', stat_url: statUrl = '' } = started;
  const [session] = rig.engine.sessions();
  assert.equal(started['infohash'], session?.infohash);
  assert.equal(Number(started['is_live']), 1);
  for (const url of [playbackUrl, statUrl, commandUrl]) {
    assert.ok(url.startsWith(`${rig.url}/ace/`), url);
    assert.ok(!url.includes(session?.token ?? ''), 'the engine’s own token is not told');
  }

  const head = await fetch(playbackUrl, { method: 'HEAD' });
  assert.equal(head.headers.get('content-type'), 'video/mp2t');
  const player = program.play(playbackUrl);
  await player.received(2 * BYTES_PER_SECOND);
  assert.match(await player.head(), /^HTTP\/1\.1 200 OK\r\n[\s\S]*Content-Type: video\/mp2t/);
  const { firstPids, continuityErrors } = inspect(player.media);
  assert.deepEqual(firstPids.slice(0, 3), [0, PMT_PID, VIDEO_PID]);
  assert.equal(continuityErrors, 0);

  assert.deepEqual(await program.ask(`${commandUrl}?method=stop`), { response: 'ok', error: null });
  assert.equal(await player.end(), 'eof');
  for (const url of [statUrl, `${commandUrl}?method=stop`]) {
    const { response, error } = await program.ask(url);
    assert.deepEqual([response, error], [null, UNKNOWN]);
  }
  assert.equal((await fetch(playbackUrl)).status, 404);
});

test('what no engine knows is told in an engine’s words', async (t) => {
  const [rig, program] = await rigWith(t);
  rig.engine.faults.set({ fault: { kind: 'errorJson', error: 'failed to load content' } });
  const { response, error } = await program.ask(`${rig.url}/ace/getstream?id=${ID}&format=json`);
  assert.deepEqual([response, error], [null, 'failed to load content']);
  assert.equal(rig.app.sessions.clientCount, 0);
});

test('one of two viewers stops: the other’s bytes go on, and the engine hears nothing of it', async (t) => {
  const [rig, program] = await rigWith(t);
  const { playback_url: playbackUrl, command_url: commandUrl } = await program.start();
  const player = program.play(playbackUrl);
  const plain = rig.watch();
  await Promise.all([player.received(50_000), plain.received(50_000)]);
  assert.equal(rig.app.sessions.clientCount, 2);
  await program.ask(`${commandUrl}?method=stop`);
  assert.equal(await player.end(), 'eof');
  assert.equal(player.media.length % 188, 0, 'it ends between two packets');
  await plain.receivedMore(2 * BYTES_PER_SECOND);
  assert.equal(inspect(plain.media).continuityErrors, 0);
  assert.equal(rig.app.sessions.clientCount, 1);
  assert.equal(rig.engine.counters.stopsReceived, 0);
});

test('invariant 1: two programs and their players cost one engine session', async (t) => {
  const [rig, program] = await rigWith(t);
  const [one, two] = await Promise.all([program.start(), program.start()]);
  assert.notEqual(one['playback_url'], two['playback_url']);
  assert.notEqual(one['playback_session_id'], two['playback_session_id']);
  const third = await program.start(`infohash=${one['infohash']}`);
  const players = [one, two, third].map((started) => program.play(started['playback_url']));
  await Promise.all(players.map((player) => player.received(50_000)));
  assert.equal(rig.engine.counters.sessionsOpened, 1);
  assert.equal(rig.engine.counters.readersAtOnceMax, 1);
  const starts = rig.engine.journal.entries().filter(({ route }) => route === 'start');
  assert.equal(starts.length, 1);
  assert.equal(rig.app.sessions.clientCount, 3);
});

test('a player may open its URL twice at once, and again later', async (t) => {
  const [rig, program] = await rigWith(t);
  const { playback_url: playbackUrl } = await program.start();
  const [looks, plays] = [program.play(playbackUrl), program.play(playbackUrl)];
  await Promise.all([looks.received(50_000), plays.received(50_000)]);
  assert.equal(rig.app.sessions.clientCount, 1, 'it is one viewer');
  looks.leave();
  await plays.receivedMore(BYTES_PER_SECOND);
  plays.leave();
  const again = program.play(playbackUrl);
  await again.received(50_000);
  assert.deepEqual(inspect(again.media).firstPids.slice(0, 2), [0, PMT_PID]);
  assert.equal(rig.engine.counters.sessionsOpened, 1);
});

test('invariant 11: stat shows the shared session: prebuf with the engine’s peers, then dl with its bytes', async (t) => {
  const [rig, program] = await rigWith(t);
  rig.engine.faults.set({ fault: { kind: 'peersNoData', peers: 3 } });
  const { stat_url: statUrl, playback_url: playbackUrl } = await program.start();
  const statThat = async (holds: (stat: Record<string, unknown>) => boolean) => {
    const endMs = performance.now() + STAT_MAX_MS;
    for (;;) {
      const stat = await program.stat(statUrl);
      if (holds(stat)) return stat;
      assert.ok(performance.now() < endMs, `stat never came to that: ${JSON.stringify(stat)}`);
    }
  };
  const before = await statThat(({ peers }) => peers === 3);
  assert.deepEqual([before['status'], before['downloaded']], ['prebuf', 0]);
  rig.engine.faults.clear();
  await program.play(playbackUrl).received(50_000);
  const after = await statThat(({ peers }) => peers === 14);
  assert.equal(after['status'], 'dl');
  assert.ok(Number(after['downloaded']) > 0 && Number(after['speed_down']) > 0);
  const asked = rig.engine.journal.entries().filter(({ route }) => route === 'stat');
  assert.ok(asked.length >= 2);
  for (const { target } of asked) assert.match(target, /skip_player_activity=1/);
});

test('invariant 5: a lease that nobody reads ends after its time, and being the last viewer it is stopped at the engine', async (t) => {
  const clock = new JumpClock();
  const [rig, program] = await rigWith(t, { clock });
  const { stat_url: statUrl } = await program.start();
  await until(() => rig.app.sessions.list()[0]?.state === 'playing');
  assert.equal(rig.app.sessions.clientCount, 1);
  clock.jump(60_000);
  await until(() => rig.app.sessions.clientCount === 0);
  assert.equal((await program.ask(statUrl)).error, UNKNOWN);
  assert.equal(rig.app.sessions.list()[0]?.state, 'lingering');
  assert.equal(rig.engine.counters.stopsReceived, 0);
  clock.jump(300_000);
  await rig.enginesFree();
  assert.equal(rig.engine.counters.sessionsOpened, 1);
  assert.equal(rig.engine.counters.stopsReceived, 1);
});

test('when the stream ends, its leases do', async (t) => {
  const [rig, program] = await rigWith(t, { config: { streams: { retryBudgetMs: 300 } } });
  const { stat_url: statUrl, playback_url: playbackUrl } = await program.start();
  const player = program.play(playbackUrl);
  await player.received(50_000);
  rig.engine.faults.set({ fault: { kind: 'refuse' } });
  rig.engine.faults.set({ fault: { kind: 'cut', how: 'fin', afterBytes: 1 } });
  assert.equal(await player.end(), 'eof');
  assert.equal((await program.ask(statUrl)).error, UNKNOWN);
});

test('invariant 10: an unread lease does not hold up a drain', async (t) => {
  const [rig, program] = await rigWith(t, { config: { server: { shutdownTimeoutMs: 600_000 } } });
  await program.start();
  const drained = rig.app.drain();
  await until(() => rig.app.sessions.clientCount === 0);
  await drained;
  assert.equal(rig.engine.counters.stopsReceived, 1);
});
