import assert from 'node:assert/strict';
import { connect, type Socket } from 'node:net';
import { describe, type TestContext, test } from 'node:test';
import { listedCatalogue } from './catalogue.ts';
import { isProfileName, PROFILES } from './profile.ts';
import { ID_A, ID_B, type Rig, startRig } from './testing/rig.ts';

const IH = 'd'.repeat(40);
const FILMS = 'e'.repeat(40);
const catalogue = listedCatalogue([
  { infohash: IH, contentIds: [ID_A], urls: ['http://example.org/tv.acelive'], name: 'Example TV' },
  {
    infohash: FILMS,
    contentIds: [ID_B],
    files: [
      { name: 'one.ts', durationSeconds: 1 },
      { name: 'two.ts', durationSeconds: 1 },
    ],
  },
]);

/** A player at the telnet port, whose connection the test's end closes. */
class Player {
  readonly socket: Socket;
  text = '';
  readonly closed: Promise<void>;
  #wake = (): void => {};

  constructor(t: TestContext, { engine }: Rig) {
    this.socket = connect(engine.telnetPort, engine.host);
    this.closed = new Promise((resolve) => this.socket.once('close', () => resolve()));
    this.socket.on('error', () => {}); // `close` comes behind it
    this.socket.on('data', (bytes) => {
      this.text += bytes.toString();
      this.#wake();
    });
    t.after(() => this.socket.destroy());
  }

  /** Sends a line, and resolves with what has been said since then, as soon as `wanted` is in it. */
  async ask(line: string, wanted: RegExp): Promise<string> {
    this.text = '';
    this.socket.write(`${line}\r\n`);
    return this.hears(wanted);
  }

  async hears(wanted: RegExp): Promise<string> {
    while (!wanted.test(this.text)) {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#wake = resolve;
      await promise;
    }
    return this.text;
  }

  async greet(): Promise<void> {
    await this.ask('HELLOBG version=4', /HELLOTS/);
    await this.ask('READY key=product-0123456789abcdef0123456789abcdef01234567', /AUTH 1\r\n/);
  }
}

describe('the telnet port', () => {
  for (const name of Object.keys(PROFILES).filter(isProfileName)) {
    test(`is open in the profile ${name} as the reference's table says`, async (t) => {
      const rig = await startRig(t, { profile: name });
      assert.equal(rig.engine.telnetPort !== 0, name !== 'aceserve');
      if (name === 'aceserve') return;
      const said = await new Player(t, rig).ask('HELLOBG version=4', /\r\n/);
      const { version, code } = PROFILES[name].version;
      const hello = `HELLOTS version=${version} version_code=${code} key=`;
      assert.ok(said.startsWith(hello), said);
      assert.match(said, new RegExp(` http_port=${rig.engine.port}\\r\\n$`));
    });
  }

  test('greets, loads, plays where it says, and stops', async (t) => {
    const rig = await startRig(t, { catalogue });
    const player = new Player(t, rig);
    await player.greet();
    const loaded = await player.ask(`LOADASYNC 7 PID ${ID_A}`, /\r\n/);
    assert.ok(loaded.startsWith('LOADRESP 7 {'), loaded);
    const { status, files, infohash } = JSON.parse(loaded.slice('LOADRESP 7 '.length));
    assert.deepEqual([status, files, infohash], [1, [['Example%20TV', 0]], IH]);
    assert.equal(rig.engine.sessions().length, 0);

    const said = await player.ask(`START PID ${ID_A} 0 output_format=http`, /STATUS .*\r\n/);
    const [, url = ''] =
      /^STATE 1\r\nSTART (http:\S+) stream=1\r\nSTATE 2\r\nSTATUS main:dl;0;0;\d+;0;0;14;/.exec(said) ?? [];
    assert.ok(url.startsWith(`http://127.0.0.1:${rig.engine.port}/content/${IH}/`), said);
    const reader = rig.raw(url);
    assert.equal((await reader.body(188))[0], 0x47);
    await player.ask('STOP', /STATE 0\r\n/);
    assert.equal(await reader.end(), 'eof');
    player.socket.write('SHUTDOWN\r\n');
    await player.closed;
    assert.equal(rig.engine.counters.telnetConnections, 1);
  });

  test('takes infohashes and addresses, lists the files of a recording, and fails with what it does not know', async (t) => {
    const rig = await startRig(t, { catalogue, delays: { unknownIdMs: 4_600 } });
    const player = new Player(t, rig);
    await player.greet();
    assert.match(await player.ask(`LOADASYNC 1 INFOHASH ${IH}`, /\r\n/), /"status":1,/);
    assert.match(
      await player.ask('LOADASYNC 2 TORRENT http://example.org/tv.acelive', /\r\n/),
      /"status":1,/,
    );
    assert.match(
      await player.ask(`LOADASYNC 3 PID ${ID_B}`, /\r\n/),
      /"status":2,"files":\[\["one.ts",0\],\["two.ts",1\]\]/,
    );
    const slow = player.ask(`LOADASYNC 4 PID ${'f'.repeat(40)}`, /\r\n/);
    while (rig.clock.pendingTimers === 0) await rig.get('/webui/api/service?method=get_version');
    await rig.clock.advance(4_600);
    assert.match(await slow, /^LOADRESP 4 \{"status":100,"message":"Cannot load transport file"\}\r\n$/);
  });

  test('says NOTREADY to whoever has not greeted it', async (t) => {
    const rig = await startRig(t, { catalogue });
    const player = new Player(t, rig);
    await player.ask('READY key=product-x', /^NOTREADY\r\n$/);
    await player.ask(`START PID ${ID_A} 0`, /^NOTREADY\r\n$/);
    await player.ask('HELLOBG version=4', /HELLOTS/);
    await player.ask('READY', /^NOTREADY\r\n$/);
    assert.equal(rig.engine.sessions().length, 0);
  });

  test('a playback ends with its connection, also while it is being prepared', async (t) => {
    const rig = await startRig(t, { catalogue, delays: { prebufMs: 3_000 } });
    const player = new Player(t, rig);
    await player.greet();
    await player.ask(`START PID ${ID_A} 0`, /STATE 1\r\n/);
    const [session] = rig.engine.sessions();
    assert.ok(session);
    const stat = `/ace/stat/${session.infohash}/${session.token}`;
    player.socket.destroy();
    while (rig.engine.sessions().length > 0) await rig.get(stat);
    assert.match((await rig.get(stat)).text, /unknown playback session id/);
  });

  test('one player plays one thing: what is started next ends what was played', async (t) => {
    const rig = await startRig(t, { catalogue });
    const player = new Player(t, rig);
    await player.greet();
    await player.ask(`START PID ${ID_A} 0`, /STATUS/);
    await player.ask(`START PID ${ID_B} 1`, /STATUS/);
    assert.deepEqual(
      rig.engine.sessions().map(({ infohash }) => infohash),
      [FILMS],
    );
  });

  test('can accept and say nothing, and be closed in any version', async (t) => {
    const open = await startRig(t, { profile: { telnetPort: 'open' } });
    const player = new Player(t, open);
    player.socket.write('HELLOBG version=4\r\n');
    await new Promise((resolve) => player.socket.once('connect', resolve));
    await open.get('/webui/api/service?method=get_version');
    assert.equal(player.text, '');
    const closed = await startRig(t, { profile: { telnetPort: 'closed' } });
    assert.equal(closed.engine.telnetPort, 0);
  });

  test('dies with the engine and is back at the same port; a line without an end is cut off', async (t) => {
    const rig = await startRig(t, { catalogue });
    const { telnetPort } = rig.engine;
    const player = new Player(t, rig);
    await player.greet();
    rig.engine.restart(1_000);
    await player.closed;
    const refused = new Player(t, rig);
    await refused.closed;
    assert.equal(refused.text, '');
    await rig.clock.advance(1_000);
    await rig.engine.settled();
    assert.equal(rig.engine.telnetPort, telnetPort);
    const again = new Player(t, rig);
    await again.greet();
    again.socket.write('x'.repeat(70_000));
    await again.closed;
  });
});
