import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { judgeSource, type SourceFacts, SourceProgress } from './source-health.ts';

const WELL: SourceFacts = {
  silentMs: 0,
  longestGapMs: 0,
  rate: 1,
  damage: 0,
  bytesCame: false,
  engineWorks: false,
  engineGaveUp: false,
  wentBack: false,
  isAlone: false,
};

/** The verdict in words. */
function verdict(facts: Partial<SourceFacts>): string {
  const found = judgeSource({ ...WELL, ...facts });
  return found.kind === 'fine' ? 'fine' : `${found.kind}: ${found.reason}`;
}

describe('judgeSource', () => {
  const ALONE = { isAlone: true, engineWorks: true };
  const table: readonly (readonly [string, Partial<SourceFacts>, string])[] = [
    ['media comes', {}, 'fine'],
    ['a short silence', { silentMs: 1_999 }, 'fine'],
    ['two seconds of silence where there never were gaps', { silentMs: 2_000 }, 'suspect: source_silent'],
    [
      'the same, with bytes that bring no media',
      { silentMs: 2_000, bytesCame: true },
      'suspect: source_stuck',
    ],
    ['less than four times the longest gap', { silentMs: 3_999, longestGapMs: 1_000 }, 'fine'],
    ['four times the longest gap', { silentMs: 4_000, longestGapMs: 1_000 }, 'suspect: source_silent'],
    ['less than 5 s where gaps are long', { silentMs: 4_999, longestGapMs: 12_000 }, 'fine'],
    ['5 s, however long gaps are', { silentMs: 5_000, longestGapMs: 12_000 }, 'suspect: source_silent'],
    ['just less than 15 s', { silentMs: 14_999 }, 'suspect: source_silent'],
    ['15 s', { silentMs: 15_000 }, 'condemned: source_silent'],
    ['15 s of bytes without media', { silentMs: 15_000, bytesCame: true }, 'condemned: source_stuck'],
    ['15 s of an only engine that works at it', { silentMs: 15_000, ...ALONE }, 'suspect: source_silent'],
    ['30 s of it', { silentMs: 30_000, ...ALONE }, 'condemned: source_silent'],
    [
      '15 s of an only engine that does nothing',
      { silentMs: 15_000, isAlone: true },
      'condemned: source_silent',
    ],
    [
      '15 s of one of several that works',
      { silentMs: 15_000, engineWorks: true },
      'condemned: source_silent',
    ],
    ['an engine that says err', { engineGaveUp: true }, 'condemned: source_failed'],
    ['err from an only engine', { engineGaveUp: true, ...ALONE }, 'condemned: source_failed'],
    ['four fifths of the rate', { rate: 0.8 }, 'fine'],
    ['less than that', { rate: 0.79 }, 'suspect: source_slow'],
    ['no rate known yet', { rate: undefined }, 'fine'],
    ["the engine's own position has gone back", { wentBack: true }, 'suspect: source_stuck'],
    ['a few damaged packets', { damage: 99 }, 'fine'],
    ['many', { damage: 100 }, 'suspect: source_damaged'],
  ];
  for (const [what, facts, expected] of table) {
    test(`${what}: ${expected}`, () => assert.equal(verdict(facts), expected));
  }
});

describe('SourceProgress', () => {
  test('sees that the position goes back when two answers in a row are 10 s below the highest of the last minute', () => {
    const at = (...positions: readonly number[]): boolean => {
      const progress = new SourceProgress(0);
      for (const [index, position] of positions.entries()) progress.notePosition(index * 2_000, position);
      return progress.wentBack;
    };
    assert.equal(at(100, 102, 104), false);
    assert.equal(at(100, 90), false, 'one answer may be wrong');
    assert.equal(at(100, 90, 104), false, 'and is forgotten');
    assert.equal(at(100, 90, 91, 103), false, 'what comes back has not gone back');
    assert.equal(at(100, 91, 91, 91), false, 'less than 10 s');
    assert.equal(at(100, 90, 90), true);
    assert.equal(at(1_700_000_100, 1_700_000_040, 1_700_000_042), true);
    const goneBack = Array.from({ length: 31 }, (_, index) => 40 + 2 * index);
    assert.equal(at(200, ...goneBack.slice(0, 29)), true, 'still within the minute');
    assert.equal(at(200, ...goneBack), false, 'after a minute that is where it is');
  });

  test('remembers the longest gap of the last minute', () => {
    const progress = new SourceProgress(0);
    progress.noteMedia(0, 0);
    progress.noteMedia(4_000, 1);
    progress.noteMedia(5_000, 2);
    progress.noteMedia(7_000, 3);
    assert.equal(progress.lastMs, 7_000);
    assert.equal(progress.longestGapMs(7_000), 4_000);
    assert.equal(progress.longestGapMs(64_000), 4_000);
    assert.equal(progress.longestGapMs(64_001), 2_000);
    assert.equal(progress.longestGapMs(68_000), 0);
  });

  test('does not take its start for a gap', () => {
    const progress = new SourceProgress(0);
    progress.noteMedia(9_000, 1);
    assert.equal(progress.longestGapMs(9_000), 0);
    progress.noteMedia(9_500, 2);
    assert.equal(progress.longestGapMs(9_500), 500);
  });

  test('remembers gaps that are all the same', () => {
    const progress = new SourceProgress(0);
    progress.noteMedia(0, 0);
    for (let now = 1_000; now <= 5_000; now += 1_000) {
      progress.noteMedia(now, now);
      assert.equal(progress.longestGapMs(now), 1_000);
    }
  });

  test('knows the rate after 20 s, as media per time over the last 20 s', () => {
    const progress = new SourceProgress(0);
    for (let now = 0; now < 19_500; now += 500) progress.noteMedia(now, now);
    assert.equal(progress.rate(19_500), undefined);
    for (let now = 19_500; now <= 40_000; now += 500) progress.noteMedia(now, 19_500 + (now - 19_500) / 2);
    const rate = progress.rate(40_000);
    assert.ok(rate !== undefined && rate > 0.45 && rate < 0.56, `${rate}`);
  });

  test('a burst at the start does not hide for ever that it is slow', () => {
    const progress = new SourceProgress(0);
    progress.noteMedia(0, 0);
    progress.noteMedia(100, 15_000);
    for (let now = 1_000; now <= 40_000; now += 500) progress.noteMedia(now, 15_000 + now * 0.5);
    assert.ok((progress.rate(40_000) ?? 1) < 0.6);
  });

  test('counts the damage of the last ten seconds', () => {
    const progress = new SourceProgress(0);
    progress.noteDamage(0, 0);
    progress.noteDamage(1_000, 60);
    progress.noteDamage(5_000, 150);
    assert.equal(progress.damage(5_000), 150);
    assert.equal(progress.damage(11_001), 90);
    assert.equal(progress.damage(15_001), 0);
  });

  test('stays small, however often it is told', () => {
    const progress = new SourceProgress(0);
    for (let now = 0; now < 600_000; now += 10) {
      progress.noteMedia(now, now);
      progress.noteDamage(now, now);
    }
    assert.ok(progress.damage(600_000) >= 900);
    assert.equal(progress.longestGapMs(600_000), 0);
  });
});
