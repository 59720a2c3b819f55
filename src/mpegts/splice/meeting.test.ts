import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TIMESTAMP_WRAP } from '../clocks.ts';
import { FingerprintBook } from './fingerprint-book.ts';
import type { Fingerprint } from './fingerprints.ts';
import { MeetingFinder } from './meeting.ts';

const VIDEO = '0:h264:0';
const AUDIO = '0:audio:0';
const FRAME = 3_600;

function print(key: number, clock90: number, role = VIDEO): Fingerprint {
  const wrapped = ((clock90 % TIMESTAMP_WRAP) + TIMESTAMP_WRAP) % TIMESTAMP_WRAP;
  return { role, key, pts: wrapped, dts: wrapped, clock90: wrapped, position: 0, randomAccess: false };
}

/** A book of pictures with these keys, one frame apart from `start`. */
function bookOf(keys: readonly number[], start = 0): FingerprintBook {
  const book = new FingerprintBook(60);
  for (const [index, key] of keys.entries()) book.add(print(key, start + index * FRAME));
  return book;
}

function feed(finder: MeetingFinder, keys: readonly number[], start: number): MeetingFinder {
  for (const [index, key] of keys.entries()) finder.push(print(key, start + index * FRAME));
  return finder;
}

function offsetOf({ meeting }: MeetingFinder): number | undefined {
  return meeting?.offset90;
}

const TEN = [10, 11, 12, 13, 14, 15, 16, 17, 18, 19];

test('three consecutive pictures at an expected offset are a meeting, two are none', () => {
  const finder = new MeetingFinder(bookOf(TEN), [0]);
  feed(finder, [12, 13], 2 * FRAME);
  assert.equal(finder.meeting, undefined);
  feed(finder, [14], 4 * FRAME);
  assert.deepEqual(finder.meeting, { offset90: 0, from90: 2 * FRAME, roles: [VIDEO] });
});

test('another offset needs six, and is told over the wrap of either clock', () => {
  const late = TIMESTAMP_WRAP - 5 * FRAME;
  const finder = new MeetingFinder(bookOf(TEN, late), [0]);
  feed(finder, [11, 12, 13, 14, 15], 1_000_000);
  assert.equal(finder.meeting, undefined);
  feed(finder, [16], 1_000_000 + 5 * FRAME);
  assert.equal(offsetOf(finder), late + FRAME - 1_000_000 - TIMESTAMP_WRAP);
});

test('pictures that agree with a gap between them, or at offsets that change, do not count together', () => {
  const finder = new MeetingFinder(bookOf(TEN), [0]);
  feed(finder, [10, 11, 99], 0);
  feed(finder, [13, 14, 98], 3 * FRAME);
  assert.equal(finder.meeting, undefined);
  const drifting = new MeetingFinder(bookOf(TEN), [0, 1, 2]);
  for (const [index, key] of TEN.entries()) drifting.push(print(key, index * (FRAME - 1)));
  assert.equal(drifting.meeting, undefined);
});

test('black pictures and silence do not count alone', () => {
  const black = new Array<number>(40).fill(5);
  const finder = feed(new MeetingFinder(bookOf(black), [0]), black.slice(0, 20), 0);
  assert.equal(finder.meeting, undefined);
  assert.deepEqual(finder.ambiguous, []);
});

test('what repeats is ambiguous until something comes that occurs only once', () => {
  const loop = [1, 2, 3, 4, 5, 6, 7, 8];
  const finder = new MeetingFinder(bookOf([...loop, ...loop, 50, 51, 52, 53]), []);
  feed(finder, loop.slice(0, 7), 0);
  assert.equal(finder.meeting, undefined);
  assert.deepEqual(
    finder.ambiguous.map(({ offset90 }) => offset90),
    [8 * FRAME, 0],
  );
  // Of the two only one goes on like this.
  feed(finder, [8, 50, 51, 52], 7 * FRAME);
  assert.equal(offsetOf(finder), 8 * FRAME);
});

test('of what repeats, the offset at which most agreed comes first: a short repetition is a chance', () => {
  const loop = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12];
  const finder = new MeetingFinder(bookOf([...loop, ...loop, ...loop.slice(0, 7)]), []);
  feed(finder, loop, 0);
  assert.deepEqual(
    finder.ambiguous.map(({ offset90 }) => offset90 / FRAME),
    [12, 0, 24],
  );
});

test('of several offsets an expected one is believed', () => {
  const loop = [1, 2, 3, 4, 5, 6, 7, 8];
  const finder = feed(new MeetingFinder(bookOf([...loop, ...loop]), [0]), loop, 0);
  assert.equal(finder.meeting?.offset90, 0);
});

test('any stream may meet, and more than one is told', () => {
  const book = bookOf(TEN);
  for (let index = 0; index < 9; index++) book.add(print(200 + index, index * 1_920, AUDIO));
  const finder = new MeetingFinder(book, [0]);
  for (let index = 2; index < 6; index++) finder.push(print(200 + index, index * 1_920, AUDIO));
  assert.deepEqual(finder.meeting?.roles, [AUDIO]);
  feed(finder, [11, 12, 13], FRAME);
  assert.deepEqual(finder.meeting?.roles, [AUDIO, VIDEO]);
});

test('a meeting ends when what follows disagrees, but not at the end of the book', () => {
  const disagreeing = feed(new MeetingFinder(bookOf(TEN), [0]), [12, 13, 14, 77], 2 * FRAME);
  assert.equal(disagreeing.meeting, undefined);
  assert.equal(disagreeing.missesOf(VIDEO), 1);
  const beyond = feed(new MeetingFinder(bookOf(TEN), [0]), [17, 18, 19, 77, 78], 7 * FRAME);
  assert.equal(beyond.meeting?.offset90, 0);
});

test('an offset that was rejected is not found again', () => {
  const finder = feed(new MeetingFinder(bookOf(TEN), [0]), [10, 11, 12], 0);
  finder.reject(0);
  assert.equal(finder.meeting, undefined);
  feed(finder, [13, 14, 15, 16], 3 * FRAME);
  assert.equal(finder.meeting, undefined);
  assert.equal(finder.missesOf(VIDEO), 4);
});
