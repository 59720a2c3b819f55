/** STANDBY=hot: a second engine plays the same stream, and either fills what the other lacks. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { FakeEngine, INFOHASH, playback } from '../../test/support/fake-engines.ts';
import { houseWith, ID, media } from '../../test/support/session-house.ts';
import { PACKET_BYTES, payloadAt, pidOf, startsUnit } from '../mpegts/packet.ts';
import type { Attachment } from './attachment.ts';

/** All that one viewer gets. */
class Capture {
  readonly attachment: Attachment;
  readonly ended: string[] = [];
  readonly #cursor;
  readonly #parts: Buffer[] = [];

  constructor(attachment: Attachment) {
    this.attachment = attachment;
    this.#cursor = attachment.openCursor();
    attachment.session.listen({ onAdvance: () => {}, onEnd: (reason) => void this.ended.push(reason) });
  }

  read(): Buffer {
    for (let part = this.#cursor.take(1 << 20); part; part = this.#cursor.take(1 << 20))
      this.#parts.push(Buffer.from(part));
    return Buffer.concat(this.#parts);
  }
}

const VIDEO = 0x100;
const BROADCAST = media(0, 40);
const PACKETS_PER_SECOND = BROADCAST.length / PACKET_BYTES / 40;

/** The broadcast from one second to another: stretches that meet have no packet twice, and none is missing. */
function stretch(from: number, to: number): Buffer {
  const byteAt = (second: number): number => Math.round(second * PACKETS_PER_SECOND) * PACKET_BYTES;
  return Buffer.from(BROADCAST.subarray(byteAt(from), byteAt(to)));
}

/** Two engines that play one broadcast side by side, three seconds of which have been watched. */
async function insured(limits: Parameters<typeof houseWith>[0] = {}) {
  const engines = [new FakeEngine('one'), new FakeEngine('two')] as const;
  const rig = houseWith({ standby: 'hot', ...limits }, ...engines);
  const joining = rig.join();
  await rig.clock.advance(0);
  engines[0].media.at(-1)?.push(stretch(0, 3));
  const capture = new Capture(await joining);
  await rig.clock.advance(300);
  assert.equal(engines[1].starts.length, 1, 'a second engine plays along');
  engines[1].media.at(-1)?.push(stretch(0, 3));
  await rig.clock.advance(0);
  /** `seconds` of the broadcast from `from` on, in pieces of 100 ms, each changed as the test says. */
  const play = async (
    from: number,
    seconds: number,
    change: (bytes: Buffer, engine: 0 | 1, at: number) => Buffer | undefined = (bytes) => bytes,
  ): Promise<void> => {
    for (let piece = 0; piece < seconds * 10; piece++) {
      for (const index of [0, 1] as const) {
        const at = from + piece / 10;
        const bytes = change(stretch(at, from + (piece + 1) / 10), index, piece);
        if (bytes) engines[index].media.at(-1)?.push(bytes);
      }
      await rig.clock.advance(100);
      capture.read();
    }
  };
  return { ...rig, engines, capture, play };
}

/** That what was received is a stretch of the broadcast, from a whole second before `toSecond` to shortly before it. */
function assertWhole(received: Buffer, toSecond: number): void {
  const sent = stretch(0, toSecond);
  const tail = received.subarray(-PACKET_BYTES);
  const end = sent.indexOf(tail) + PACKET_BYTES;
  assert.ok(end > sent.length - 40 * PACKET_BYTES, 'it comes up to the end');
  const body = sent.subarray(0, end);
  // A join begins with tables of its own; from the first byte of the broadcast on all is as it was sent.
  const first = received.length - body.length;
  const from = Math.max(0, -first);
  const length = Math.min(received.length, body.length) - 3 * PACKET_BYTES;
  assert.ok(length > 0 && from >= 0);
  assert.ok(received.subarray(-length).equals(body.subarray(-length)), 'every byte, once, in order');
}

function without(bytes: Buffer, packet: number, count = 3): Buffer {
  return Buffer.concat([
    bytes.subarray(0, packet * PACKET_BYTES),
    bytes.subarray((packet + count) * PACKET_BYTES),
  ]);
}

/** Other pictures in packets that look as they did. */
function alterPictures(bytes: Buffer): void {
  for (let at = 0; at < bytes.length; at += PACKET_BYTES) {
    if (pidOf(bytes, at) !== VIDEO || startsUnit(bytes, at)) continue;
    for (let byte = payloadAt(bytes, at); byte < at + PACKET_BYTES; byte++) bytes[byte]! ^= 0xff;
  }
}

describe('hot standby', () => {
  test('goes on in the same moment when the connection to the engine breaks, and nothing is lost', async () => {
    const { engines, capture, observer, play } = await insured();
    await play(3, 2);
    const starts = engines[1].starts.length;
    engines[0].media.at(-1)?.finish(new Error('reset'));
    await play(5, 2, (bytes, engine) => (engine === 1 ? bytes : undefined));
    assertWhole(capture.read(), 7);
    assert.ok(observer.events.includes('spliced: same-broadcast'));
    assert.equal(engines[1].starts.length, starts, 'nothing had to be started');
  });

  test('what one engine lost comes from the other, and the other way round', async () => {
    const { capture, observer, play } = await insured();
    await play(3, 6, (bytes, engine, piece) => {
      if (engine === 0 && piece === 12) return without(bytes, 20);
      if (engine === 1 && piece === 38) return without(bytes, 31, 5);
      return bytes;
    });
    assertWhole(capture.read(), 9);
    assert.deepEqual(
      observer.events.filter((event) => event.startsWith('standby')),
      ['standby switched: damaged', 'standby switched: damaged'],
    );
  });

  test('a packet that is marked as damaged comes from the other', async () => {
    const { capture, play } = await insured();
    await play(3, 3, (bytes, engine, piece) => {
      if (engine === 0 && piece === 12) bytes[20 * PACKET_BYTES + 1]! |= 0x80;
      return bytes;
    });
    assertWhole(capture.read(), 6);
  });

  test('what both lost is lost, after no more than STANDBY_WINDOW', async () => {
    const { capture, play, clock } = await insured({ standbyWindowMs: 500 });
    await play(3, 1);
    const before = capture.read().length;
    await play(4, 0.1, (bytes) => without(bytes, 20));
    await play(4.1, 0.3);
    assert.ok(capture.read().length < before + stretch(4, 4.2).length, 'it is waited for the other');
    await play(4.4, 0.3);
    await clock.advance(250);
    assert.ok(capture.read().length > before + stretch(4, 4.5).length, 'then it goes on');
    assert.deepEqual(capture.ended, []);
  });

  test('STANDBY_WINDOW that is changed counts for streams that begin from then on', async () => {
    let windowMs = 900;
    const limits = {
      get standbyWindowMs() {
        return windowMs;
      },
    };
    const early = await insured(limits);
    windowMs = 100;
    const late = await insured(limits);
    const grown: number[] = [];
    for (const { capture, play } of [early, late]) {
      await play(3, 1);
      const before = capture.read().length;
      await play(4, 0.1, (bytes) => without(bytes, 20));
      await play(4.1, 0.4);
      grown.push((capture.read().length - before) / stretch(4, 4.5).length);
    }
    const [waited = 0, wentOn = 0] = grown;
    assert.ok(waited < 0.4 && wentOn > 0.6, `${waited}, then ${wentOn} of what came`);
  });

  test('where both are whole and differ, what is in use is kept, and it is counted', async () => {
    const { capture, observer, play } = await insured();
    await play(3, 4, (bytes, engine, piece) => {
      if (engine === 1 && piece === 12) alterPictures(bytes);
      return bytes;
    });
    assertWhole(capture.read(), 7);
    const counts = observer.events.filter((event) => event.startsWith('standby'));
    assert.ok(counts.length > 0);
    for (const event of counts) assert.match(event, /^standby differed: [1-4]$/, 'pictures of 100 ms');
  });

  test('an engine that is silent for longer than it ever was is not waited for', async () => {
    const { capture, observer, play } = await insured();
    await play(3, 2);
    await play(5, 1.5, (bytes, engine) => (engine === 1 ? bytes : undefined));
    assertWhole(capture.read(), 6.5);
    assert.deepEqual(
      observer.events.filter((event) => event.startsWith('standby')),
      ['standby switched: silent'],
    );
  });

  test('an engine that begins to repeat itself is left in the same moment, before that can be taken for a new timeline', async () => {
    const { capture, play, observer } = await insured();
    await play(3, 2);
    await play(5, 0.4, (bytes, engine, piece) =>
      engine === 0 ? stretch(3 + piece / 10, 3.1 + piece / 10) : bytes,
    );
    assertWhole(capture.read(), 5.4);
    assert.deepEqual(
      observer.events.filter((event) => /switched|spliced/.test(event)),
      ['standby switched: damaged'],
    );
  });

  test('the one that went silent is replaced when it stays so', async () => {
    const { engines, play, capture } = await insured();
    await play(3, 1);
    await play(4, 20, (bytes, engine) => (engine === 1 ? bytes : undefined));
    assert.equal(engines[0].stopped.length, 1, 'its playback was stopped');
    assertWhole(capture.read(), 24);
  });

  test('a second engine that plays another broadcast is stopped, and not used', async () => {
    const engines = [
      new FakeEngine('one'),
      new FakeEngine('two', async () => playback({ infohash: 'd'.repeat(40) })),
    ] as const;
    const rig = houseWith({ standby: 'hot' }, ...engines);
    const joining = rig.join();
    await rig.clock.advance(0);
    engines[0].media.at(-1)?.push(media(0, 3));
    await joining;
    await rig.clock.advance(300);
    assert.equal(engines[1].stopped.length, 1);
    assert.equal(engines[1].slotsTaken, 0);
    assert.equal(rig.directory.find(ID)?.infohash, INFOHASH);
  });

  test('the one that plays along is stopped when nobody watches any more, and begun again when somebody does', async () => {
    const { engines, capture, clock, join } = await insured();
    capture.attachment.leave('client_left');
    await clock.advance(300);
    assert.deepEqual([engines[0].slotsTaken, engines[1].slotsTaken], [1, 0]);
    await join();
    engines[0].media.at(-1)?.push(media(3, 1));
    await clock.advance(5_300);
    assert.equal(engines[1].slotsTaken, 1);
  });

  test('a start that needs its place gets it', async () => {
    const { engines, directory, clock } = await insured();
    assert.equal(directory.giveWay(), true);
    await clock.advance(0);
    assert.deepEqual([engines[0].slotsTaken, engines[1].slotsTaken], [1, 0]);
    assert.equal(directory.giveWay(), false, 'there is none any more');
  });

  test('invariant 5: the end of the stream stops both playbacks', async () => {
    const { engines, directory, clock } = await insured();
    const stopped = directory.stop('shutdown');
    await clock.advance(1_000);
    await stopped;
    for (const engine of engines) {
      assert.equal(engine.stopped.length, engine.opened.length);
      assert.equal(engine.slotsTaken, 0);
    }
    assert.equal(clock.pendingTimers, 0);
  });

  test('one whose playback another start has taken away is given up without blame', async () => {
    const { engines, clock, directory, source, join } = await insured();
    source.isFull = (engine) => engine === engines[0];
    const refused = join({ hash: 'b'.repeat(40), parameters: { quality: 'hd' } }).catch(() => {});
    await clock.advance(0);
    assert.equal(engines[1].starts.length, 2, 'the second engine was asked for the same broadcast');
    await clock.advance(1_000);
    const blamed = source.reports.filter(({ outcome }) => !outcome.ok && outcome.reason === 'superseded');
    assert.deepEqual(blamed, []);
    await directory.stop('shutdown');
    await refused;
  });

  test('one that ends is blamed only when it is known what else its engine has been asked for', async () => {
    const { engines, clock, source } = await insured();
    const known = Promise.withResolvers<void>();
    source.untilOthersKnown = () => known.promise;
    engines[1].media.at(-1)?.finish();
    await clock.advance(100);
    const failures = (): number => source.reports.filter(({ outcome }) => !outcome.ok).length;
    assert.equal(failures(), 0);
    known.resolve();
    await clock.advance(100);
    assert.equal(failures(), 1);
  });

  test('an engine that leaves the fleet is not kept', async () => {
    const { engines, clock } = await insured();
    engines[1].leaving.abort();
    await clock.advance(0);
    assert.equal(engines[1].slotsTaken, 0);
  });
});

describe('warm standby', () => {
  async function warm() {
    const engines = [new FakeEngine('one'), new FakeEngine('two')] as const;
    const rig = houseWith({ standby: 'warm' }, ...engines);
    const joining = rig.join();
    await rig.clock.advance(0);
    engines[0].media.at(-1)?.push(media(0, 3));
    await joining;
    await rig.clock.advance(300);
    return { ...rig, engines };
  }

  test('keeps a place on a second engine, and starts nothing there', async () => {
    const { engines } = await warm();
    assert.equal(engines[1].slotsTaken, 1);
    assert.equal(engines[1].starts.length, 0);
  });

  test('the place is used when the engine is lost', async () => {
    const { engines, clock, source } = await warm();
    const { length } = source.requests;
    engines[0].media.at(-1)?.finish(new Error('reset'));
    await clock.advance(0);
    assert.equal(engines[1].starts.length, 1);
    assert.equal(source.requests.length, length, 'no other place was asked for');
  });
});

test('a stream may be insured otherwise than the rest', async () => {
  for (const [standbyStreams, starts] of [
    [new Map([[ID, 'hot' as const]]), 1],
    [new Map([[INFOHASH, 'hot' as const]]), 0],
  ] as const) {
    const engines = [new FakeEngine('one'), new FakeEngine('two')] as const;
    const rig = houseWith({ standbyStreams }, ...engines);
    const joining = rig.join();
    await rig.clock.advance(0);
    engines[0].media.at(-1)?.push(media(0, 3));
    await joining;
    await rig.clock.advance(300);
    assert.equal(engines[1].starts.length, starts, 'what is known by then counts');
  }
});
