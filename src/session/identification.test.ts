import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ManualClock } from '../base/manual-clock.ts';
import { AcemuxError } from '../base/reasons.ts';
import type { MediaFiles, SelectorKind } from '../engine/types.ts';
import { silentLog } from '../telemetry/log.ts';
import { Identification } from './identification.ts';

const INFOHASH = 'c'.repeat(40);

function found(change: Partial<MediaFiles> = {}): MediaFiles {
  return { infohash: INFOHASH, isLive: true, name: 'TV', transportType: 'bt', files: [], ...change };
}

function ask(replies: Readonly<Record<SelectorKind, () => Promise<MediaFiles>>>) {
  const clock = new ManualClock();
  const asked: SelectorKind[] = [];
  const gaveUp: SelectorKind[] = [];
  const identification = new Identification({
    hash: 'a'.repeat(40),
    kind: 'id',
    resolver: {
      mediaFiles: ({ kind }, signal) => {
        asked.push(kind);
        signal?.addEventListener('abort', () => gaveUp.push(kind));
        return replies[kind]();
      },
    },
    clock,
    log: silentLog(),
    signal: new AbortController().signal,
  });
  return { clock, asked, gaveUp, identification };
}

const unknown = async (): Promise<never> => {
  throw new AcemuxError('content_unknown');
};
const refused = async (): Promise<never> => {
  throw new AcemuxError('engine_refuses_call');
};
const never = (): Promise<never> => new Promise(() => {});

test('both kinds are asked for at once, and the one that is known wins', async () => {
  const { asked, gaveUp, identification, clock } = ask({ id: never, infohash: async () => found() });
  assert.deepEqual(asked, ['id', 'infohash']);
  const soon = identification.soon();
  await clock.advance(200);
  assert.deepEqual(await soon, { infohash: INFOHASH, kind: 'infohash', isLive: true });
  assert.deepEqual(gaveUp, ['id', 'infohash'], 'the other question is given up');
  assert.equal(clock.pendingTimers, 0);
});

test('should both be known, the kind counts that the viewer named', async () => {
  const own = Promise.withResolvers<MediaFiles>();
  const { identification, clock } = ask({ id: () => own.promise, infohash: async () => found() });
  const soon = identification.soon();
  await clock.advance(100);
  own.resolve(found({ infohash: 'd'.repeat(40) }));
  assert.deepEqual(await soon, { infohash: 'd'.repeat(40), kind: 'id', isLive: true });
});

test('recorded video is told apart', async () => {
  const { identification } = ask({ id: async () => found({ isLive: false }), infohash: unknown });
  assert.deepEqual(await identification.answer, { infohash: INFOHASH, kind: 'id', isLive: false });
});

test('a name that is known as neither kind is unknown', async () => {
  const { identification } = ask({ id: unknown, infohash: unknown });
  assert.equal(await identification.soon(), 'unknown');
});

test('an engine that refuses to tell, even one of the two, tells nothing', async () => {
  assert.equal(await ask({ id: refused, infohash: refused }).identification.soon(), 'untold');
  assert.equal(await ask({ id: unknown, infohash: refused }).identification.soon(), 'untold');
});

test('what is not answered within 1.5 seconds is not waited for, and used when it comes', async () => {
  const reply = Promise.withResolvers<MediaFiles>();
  const { clock, identification } = ask({ id: () => reply.promise, infohash: unknown });
  const soon = identification.soon();
  await clock.advance(1_500);
  assert.equal(await soon, undefined);
  assert.equal(clock.pendingTimers, 0);
  reply.resolve(found());
  assert.deepEqual(await identification.answer, { infohash: INFOHASH, kind: 'id', isLive: true });
});
