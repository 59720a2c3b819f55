import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import { BYTES_PER_SECOND, ID, type Rig, startRig, until } from './rig.ts';
import { assertIsBroadcast, inspect, type Viewer } from './viewer.ts';
import { WildEngine } from './wild-engine.ts';

const WARM_UP_PACKETS = Math.ceil(BYTES_PER_SECOND / 188);

/** A viewer who has got this much is playing: about half a second. */
const ENOUGH_BYTES = 30_000;

/** Starts fail soon, and no ring is large. */
const IMPATIENT = {
  streams: {
    emptyTimeoutMs: 600,
    startTimeoutMs: 2_200,
    idleTimeoutMs: 50,
    bufferSizeBytes: 4 * 1024 * 1024,
  },
  // The good engine is full with the good stream: everything else goes to the wild one.
  engines: { maxStreamsPerEngine: 1, selectionTimeoutMs: 50 },
} as const;

/** acemux with a good engine, which one viewer watches, and a wild one for all that is asked besides. */
export class WildHouse {
  readonly rig: Rig;
  readonly wild: WildEngine;
  readonly #good: Viewer | undefined;
  #asked = 0;

  private constructor(rig: Rig, wild: WildEngine, good: Viewer | undefined) {
    this.rig = rig;
    this.wild = wild;
    this.#good = good;
  }

  /** `withGood: false`: the wild engine is the only one, and nobody watches. */
  static async start(t: TestContext, { withGood = true } = {}): Promise<WildHouse> {
    const wild = await WildEngine.start(t);
    const rig = await startRig(t, {
      engines: withGood ? [{}] : [],
      providers: [wild.provider],
      // The good stream must not be given up for a pause of a busy machine.
      config: { ...IMPATIENT, streams: { ...IMPATIENT.streams, retryBudgetMs: withGood ? 4_000 : 600 } },
    });
    await until(() => rig.app.fleet.readiness().healthy === (withGood ? 2 : 1));
    const good = withGood ? rig.watch() : undefined;
    await good?.received(BYTES_PER_SECOND);
    assert.equal(wild.timesAsked('start'), 0, 'the good stream comes from the good engine');
    return new WildHouse(rig, wild, good);
  }

  /** Asks for a stream that nobody has asked for before. */
  watch(): Viewer {
    this.#asked++;
    const path = `/ace/getstream?id=${this.#asked.toString(16).padStart(40, 'c')}`;
    return this.rig.send(`GET ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n`);
  }

  /** How a start ends: with a refusal's code, or `plays`; then the viewer has left. */
  async outcome(): Promise<string> {
    const viewer = this.watch();
    if ((await viewer.status()) === 200) {
      // One that only repeats itself is given up when the retry budget is spent.
      await viewer.received(ENOUGH_BYTES).catch(() => viewer.end());
      inspect(viewer.media);
      viewer.leave();
      return 'plays';
    }
    await viewer.end();
    const body: unknown = JSON.parse(viewer.media.toString());
    const { code, detail } = Object(body);
    assert.ok(String(detail).length > 10, 'it says why');
    return String(code);
  }

  /** Lets go of what the test itself has noted of viewers and requests. */
  forget(): void {
    this.rig.forgetViewers();
    this.wild.wire.forget();
  }

  /** Waits until the wild engine is rid of everything: no stream, no connection, every opened playback stopped. */
  async wildFree(): Promise<void> {
    const streams = this.#good ? 1 : 0;
    await until(() => this.rig.app.sessions.list().filter((each) => each.streamId !== ID).length === 0);
    assert.equal(this.rig.app.sessions.list().length, streams);
    // A start that was given up is waited for as long as an engine may take: this one comes to its senses.
    this.wild.recover();
    await this.wild.wire.allClosed();
    await until(() =>
      this.rig.app.fleet.snapshot().every(({ name, streams }) => name !== 'wild' || streams === 0),
    );
  }

  /** The good viewer has lost nothing, and goes on. */
  async assertUntouched(): Promise<void> {
    const good = this.#good;
    assert.ok(good);
    const { rig } = this;
    const media = await good.receivedMore(BYTES_PER_SECOND / 10);
    assert.equal(inspect(media).continuityErrors, 0);
    assertIsBroadcast(media, rig.broadcast(rig.engine.sessions()[0]?.infohash ?? ''), WARM_UP_PACKETS);
    assert.equal(rig.engine.counters.sessionsOpened, 1);
  }
}
