/** Streams that are watched while what plays them fails. */
import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import { Broadcast } from '../../src/simulator/broadcast.ts';
import { loadClip } from '../../src/simulator/clip.ts';
import type { SimulatedEngine, SimulatedEngineOptions } from '../../src/simulator/engine.ts';
import { buildLayout } from '../../src/simulator/layout.ts';
import {
  assertEndsWhole,
  assertNothingLost,
  assertUnbroken,
  withoutNullPackets,
} from './continuity-check.ts';
import { type Rig, startRig, until } from './rig.ts';
import { assertIsBroadcast, type Viewer } from './viewer.ts';

const BITS_PER_SECOND = 1_000_000;
const SECOND = BITS_PER_SECOND / 8;
/** What engines burst to a new reader is 20 s: behind it comes what is on air. */
const BEYOND_BURST_BYTES = 21 * SECOND;
const PACKETS_PER_SECOND = Math.floor(SECOND / 188);
/** A join's first packets are only those of streams whose beginning has come; then it is the broadcast packet for packet. */
const JOIN_PACKETS = 2 * PACKETS_PER_SECOND;
/** Longer than any source is kept on suspicion, or looked at for its rate. */
const MOVE_MAX_MS = 60_000;
/** Each is 4 s of media. */
const HEALING_TRIES = 8;
/** What all streams of a scene show. */
export const clipLayout = buildLayout(loadClip(), BITS_PER_SECOND);

/** What may be struck: the engine that plays the stream, and the other one if there is one. */
export interface Struck {
  readonly playing: SimulatedEngine;
  readonly spare: SimulatedEngine | undefined;
  readonly infohash: string;
}

/** One way of failing. */
export interface Blow {
  readonly name: string;
  strike(struck: Struck): void;
  /** Whether the stream goes to another engine, where there is one. */
  readonly moves: boolean;
  /**
   * What viewers get. `all`: not one access unit is lost or twice, no break. `flagged`: each break is announced.
   * `damaged`: what the engine damaged, and then all of it again, whole.
   */
  readonly viewersGet: 'all' | 'flagged' | 'damaged';
  /** Media that the viewer at the live edge gets behind the blow before the story is over; 4 s if left out. */
  readonly seconds?: number;
}

export interface SceneChoice {
  readonly engines: readonly SimulatedEngineOptions[];
  /** Engines deliver the same packets: what viewers get is the broadcast byte for byte. */
  readonly isByteExact: boolean;
  readonly config?: NonNullable<Parameters<typeof startRig>[1]>['config'];
}

export async function startScene(t: TestContext, choice: SceneChoice): Promise<Scene> {
  const engines = choice.engines.map((engine) => ({ bitsPerSecond: BITS_PER_SECOND, ...engine }));
  const { config = {} } = choice;
  const rig = await startRig(t, {
    endsWhileSearching: true,
    engines,
    config: {
      ...config,
      engines: { maxStreamsPerEngine: 100, ...config.engines },
      // Who reads nothing for the length of a story is neither evicted nor made to skip.
      streams: { bufferMs: 90_000, ...config.streams },
      clients: { timeoutMs: 300_000, ...config.clients },
    },
  });
  return new Scene(rig, choice.isByteExact, config.streams?.standby === 'hot');
}

/** The rig with its streams: each has an infohash of its own, so that they may be struck side by side. */
export class Scene {
  readonly rig: Rig;
  readonly isByteExact: boolean;
  /** A second engine plays along. */
  readonly isHot: boolean;
  #streams = 0;

  constructor(rig: Rig, isByteExact: boolean, isHot: boolean) {
    this.rig = rig;
    this.isByteExact = isByteExact;
    this.isHot = isHot;
  }

  /** Opens a stream of its own with a viewer at the live edge and one that has stopped reading; both play. */
  async open(): Promise<SceneStream> {
    const infohash = (++this.#streams).toString(16).padStart(40, 'c0');
    const stream = new SceneStream(this, infohash);
    await stream.begin();
    if (this.isHot) await stream.isInsured();
    return stream;
  }

  /**
   * Plays all these stories side by side, each on a stream of its own; fails with all that went wrong. What viewers got is
   * looked at when all is over: it takes long enough to stop engines from delivering meanwhile.
   */
  async playAll(blows: readonly Blow[]): Promise<void> {
    const stories = await Promise.allSettled(blows.map((blow) => this.#play(blow)));
    const failures = stories.flatMap((story, index) => {
      const blow = blows[index];
      try {
        if (story.status === 'rejected') throw story.reason;
        if (blow) checkCaptures(story.value, blow.viewersGet, this.isByteExact);
        return [];
      } catch (error) {
        return [`${blow?.name}: ${describe(error)}`];
      }
    });
    assert.ok(failures.length === 0, failures.join('\n'));
  }

  async #play(blow: Blow): Promise<readonly Capture[]> {
    const stream = await this.open();
    const { playing } = stream;
    const spare = this.rig.engines.find((engine) => engine !== playing);
    blow.strike({ playing, spare, infohash: stream.infohash });
    stream.join();
    if (blow.moves && this.rig.engines.length > 1) await stream.movedFrom(playing);
    await stream.goesOn(blow.seconds ?? 4);
    if (blow.viewersGet === 'damaged') await stream.heals();
    return stream.captures;
  }
}

/** What a viewer got. */
interface Capture {
  readonly role: string;
  readonly infohash: string;
  readonly ended: Viewer['ended'];
  readonly media: Buffer;
}

export class SceneStream {
  readonly infohash: string;
  readonly #scene: Scene;
  readonly #edge: Viewer;
  readonly #lagging: Viewer;
  readonly #viewers: { readonly role: string; readonly viewer: Viewer }[];

  constructor(scene: Scene, infohash: string) {
    this.infohash = infohash;
    this.#scene = scene;
    this.#edge = scene.rig.watch(`infohash=${infohash}`);
    this.#lagging = scene.rig.watch(`infohash=${infohash}`);
    this.#viewers = [
      { role: 'at the live edge', viewer: this.#edge },
      { role: 'lagging', viewer: this.#lagging },
    ];
  }

  get edge(): Viewer {
    return this.#edge;
  }

  async begin(): Promise<void> {
    await this.#edge.received(BEYOND_BURST_BYTES);
    await this.#lagging.received(SECOND);
    // From now on what it is sent stays in kernels, as far as they take it, and then in the ring.
    this.#lagging.pause();
    await this.#edge.receivedMore(2 * SECOND);
  }

  /** The engine that plays it. */
  get playing(): SimulatedEngine {
    const playing = this.#scene.rig.engines.find((engine) => this.#isInUse(engine));
    assert.ok(playing, 'no engine plays it');
    return playing;
  }

  /** Resolves when all engines play what is on air, and what each sends has been compared for a while. */
  async isInsured(): Promise<void> {
    await until(() => this.#scene.rig.engines.every((engine) => this.#isOnAir(engine)), MOVE_MAX_MS);
    await this.#edge.receivedMore(4 * SECOND);
  }

  /** One more viewer, from now on. */
  join(role = 'joining during the gap'): Viewer {
    const viewer = this.#scene.rig.watch(`infohash=${this.infohash}`);
    this.#viewers.push({ role, viewer });
    return viewer;
  }

  /** Resolves when another engine plays it, and this one does not. */
  async movedFrom(engine: SimulatedEngine): Promise<void> {
    const others = this.#scene.rig.engines.filter((other) => other !== engine);
    const hasMoved = (): boolean => others.some((other) => this.#isReadOn(other) && this.#isInUse(other));
    await until(hasMoved, MOVE_MAX_MS);
  }

  /** Resolves when so much more media has come to who watches at the live edge, and all have as much as that. */
  async goesOn(seconds: number): Promise<void> {
    const edge = await this.#edge.receivedMore(seconds * SECOND);
    this.#lagging.resume();
    for (const { viewer } of this.#viewers.slice(2)) await viewer.received((seconds + 3) * SECOND);
    await this.#lagging.received(edge.length - 2 * SECOND);
  }

  /** Resolves when what comes is whole again; a source that falls silent may hand back to the damaged one meanwhile. */
  async heals(): Promise<void> {
    for (let tries = 0; tries < HEALING_TRIES && !this.#isHealed(); tries++) await this.goesOn(4);
  }

  #isHealed(): boolean {
    try {
      this.check('damaged');
      return true;
    } catch {
      return false;
    }
  }

  /** What all viewers have by now. */
  get captures(): readonly Capture[] {
    return this.#viewers.map(({ role, viewer: { ended, media } }) => ({
      role,
      infohash: this.infohash,
      ended,
      media,
    }));
  }

  /** Fails unless every viewer is still connected and got what it should. */
  check(expected: Blow['viewersGet']): void {
    checkCaptures(this.captures, expected, this.#scene.isByteExact);
  }

  #isInUse(engine: SimulatedEngine): boolean {
    return this.#scene.rig.app.sessions.find(this.infohash)?.engine?.port === engine.port;
  }

  /** Who still gets the burst of a second engine is 20 s behind, and on a busy machine gets it for some seconds. */
  #isOnAir(engine: SimulatedEngine): boolean {
    return engine
      .sessions()
      .some(
        ({ infohash, readers, bytesSent }) =>
          infohash === this.infohash && readers > 0 && bytesSent >= BEYOND_BURST_BYTES,
      );
  }

  #isReadOn(engine: SimulatedEngine): boolean {
    return engine.sessions().some(({ infohash, readers }) => infohash === this.infohash && readers > 0);
  }
}

function checkCaptures(
  captures: readonly Capture[],
  expected: Blow['viewersGet'],
  isByteExact: boolean,
): void {
  for (const { role, infohash, ended, media } of captures) {
    const broadcast = new Broadcast({ infohash, layout: clipLayout });
    try {
      assert.equal(ended, undefined);
      if (expected === 'flagged') assertUnbroken(media);
      else if (expected === 'damaged') assertEndsWhole(media, broadcast, 2 * PACKETS_PER_SECOND);
      else {
        assertNothingLost(media, broadcast);
        if (isByteExact) assertIsBroadcast(withoutNullPackets(media), broadcast, JOIN_PACKETS);
      }
    } catch (error) {
      throw new Error(`the viewer ${role}: ${describe(error)}`, { cause: error });
    }
  }
}

function describe(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
