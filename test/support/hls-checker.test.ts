/** The judge itself: each rule, broken once. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { HlsChecker } from './hls-checker.ts';

interface Entry {
  readonly seconds?: number;
  readonly wallMs?: number;
  readonly isDiscontinuity?: boolean;
  readonly uri?: string;
}

interface Listed {
  readonly target?: number;
  readonly sequence: number;
  readonly discontinuities?: number;
  readonly count?: number;
  /** What is not as usual, by number. */
  readonly changed?: Readonly<Record<number, Entry>>;
}

const SECONDS = 4;
const START_MS = Date.UTC(2026, 0, 1);

/** A playlist of segments of four seconds, one behind the other. */
function playlist({ changed = {}, count = 6, discontinuities = 0, sequence, target = 4 }: Listed): string {
  const lines = [
    '#EXTM3U',
    '#EXT-X-VERSION:3',
    `#EXT-X-TARGETDURATION:${target}`,
    `#EXT-X-MEDIA-SEQUENCE:${sequence}`,
    `#EXT-X-DISCONTINUITY-SEQUENCE:${discontinuities}`,
  ];
  for (let number = sequence; number < sequence + count; number++) {
    const entry = changed[number] ?? {};
    if (entry.isDiscontinuity) lines.push('#EXT-X-DISCONTINUITY');
    const wallMs = entry.wallMs ?? START_MS + number * SECONDS * 1000;
    lines.push(`#EXT-X-PROGRAM-DATE-TIME:${new Date(wallMs).toISOString()}`);
    lines.push(`#EXTINF:${(entry.seconds ?? SECONDS).toFixed(6)},`, entry.uri ?? `${number}.ts`);
  }
  return `${lines.join('\n')}\n`;
}

function reloads(...texts: string[]): HlsChecker {
  const checker = new HlsChecker();
  for (const [index, text] of texts.entries()) checker.reload(text, index * 4_000);
  return checker;
}

const FIRST = playlist({ sequence: 10 });

describe('the strict checker', () => {
  test('has nothing against a list that grows at its end and loses its oldest, nor against a break that is counted', () => {
    const changed = { 16: { isDiscontinuity: true, wallMs: START_MS + 70_000 } };
    const later = { 17: { wallMs: START_MS + 74_000 } };
    const all = { ...changed, ...later };
    const checker = reloads(
      FIRST,
      playlist({ sequence: 11, changed }),
      playlist({ sequence: 12, changed: all }),
    );
    assert.equal(checker.segments.length, 8);
  });

  const broken: readonly (readonly [string, RegExp, ...string[]])[] = [
    ['a list of nothing', /lists nothing/, playlist({ sequence: 1, count: 0 })],
    [
      'a target below 4 s',
      /4 to 10/,
      playlist({ sequence: 1, target: 3, changed: {} }).replaceAll('4.000000', '3.000000'),
    ],
    ['a target above 10 s', /4 to 10/, playlist({ sequence: 1, target: 11 })],
    [
      'a segment longer than the target',
      /4\.3\.3\.1/,
      playlist({ sequence: 1, changed: { 3: { seconds: 5 } } }),
    ],
    ['a segment of no length', /lasts 0/, playlist({ sequence: 1, changed: { 3: { seconds: 0 } } })],
    ['a target that changes', /target duration has changed/, FIRST, playlist({ sequence: 11, target: 5 })],
    ['a sequence that goes back', /went back/, FIRST, playlist({ sequence: 9 })],
    ['a list that has nothing of the one before', /loses its place/, FIRST, playlist({ sequence: 16 })],
    [
      'a removed break that is not counted',
      /does not count/,
      playlist({ sequence: 10, changed: { 10: { isDiscontinuity: true } } }),
      playlist({ sequence: 11 }),
    ],
    [
      'a count without a removed break',
      /does not count/,
      FIRST,
      playlist({ sequence: 11, discontinuities: 1 }),
    ],
    [
      'a list that is shortened below three targets',
      /are left in the list/,
      FIRST,
      playlist({ sequence: 14, count: 2 }),
    ],
    [
      'a segment whose address changes',
      /has changed/,
      FIRST,
      playlist({ sequence: 10, changed: { 12: { uri: 'x.ts' } } }),
    ],
    [
      'a segment whose length changes',
      /has changed/,
      FIRST,
      playlist({ sequence: 10, changed: { 12: { seconds: 3.5 } } }),
    ],
    [
      'a break that disappears',
      /has changed/,
      playlist({ sequence: 10, changed: { 12: { isDiscontinuity: true } } }),
      FIRST,
    ],
    [
      'a date that leaps without a break',
      /ms off/,
      FIRST,
      playlist({ sequence: 11, changed: { 16: { wallMs: START_MS + 65_000 } } }),
    ],
    [
      'a date that goes back at a break',
      /date goes back/,
      FIRST,
      playlist({ sequence: 11, changed: { 16: { isDiscontinuity: true, wallMs: START_MS } } }),
    ],
    ['no version', /no header/, FIRST.replace('#EXT-X-VERSION:3\n', '')],
    [
      'a segment without its date',
      /behind the last segment/,
      FIRST.replace(/#EXT-X-PROGRAM-DATE-TIME.*\n/, ''),
    ],
    ['an end', /behind the last segment/, `${FIRST}#EXT-X-ENDLIST\n`],
  ];
  for (const [name, complaint, ...texts] of broken) {
    test(`complains about ${name}`, () => {
      assert.throws(() => reloads(...texts), complaint);
    });
  }

  test('knows how long a segment that has left the list must still be there (6.2.2)', () => {
    const checker = reloads(FIRST, playlist({ sequence: 11 }));
    // Listed until the first reload at least, and due for its own 4 s and the 24 s of the list.
    assert.ok(checker.dueAt(27_999).includes(10));
    assert.ok(!checker.dueAt(28_000).includes(10));
  });
});
