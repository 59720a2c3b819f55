import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { AcemuxError } from '../base/reasons.ts';
import { localText, momentOf, zoneProblem } from './local-time.ts';

describe('times are of the zone of TZ', () => {
  let zone: string | undefined;
  before(() => {
    zone = process.env['TZ'];
    process.env['TZ'] = 'Europe/Berlin';
  });
  after(() => {
    if (zone === undefined) delete process.env['TZ'];
    else process.env['TZ'] = zone;
  });
  const now = Date.parse('2026-01-31T20:10:00Z'); // 21:10 there

  test('a time of day is the last one that there was', () => {
    assert.equal(momentOf('21:04', now), Date.parse('2026-01-31T20:04:00Z'));
    assert.equal(momentOf('21:10', now), now);
    assert.equal(momentOf('21:30', now), Date.parse('2026-01-30T20:30:00Z'));
    assert.equal(momentOf('9:05:07', now), Date.parse('2026-01-31T08:05:07Z'));
  });

  test('a date without a zone is of here, summer time included; with one, of there', () => {
    assert.equal(momentOf('2026-01-31 21:04', now), Date.parse('2026-01-31T20:04:00Z'));
    assert.equal(momentOf('2025-07-01T21:04', now), Date.parse('2025-07-01T19:04:00Z'));
    assert.equal(momentOf('2026-01-31T21:04:00Z', now), Date.parse('2026-01-31T21:04:00Z'));
    assert.equal(momentOf('2026-01-31T21:04:00 01:00', now), Date.parse('2026-01-31T20:04:00Z'));
  });

  test('what is no time is refused', () => {
    for (const text of ['', 'yesterday', '25:00', '21:60', '2026-02-31 21:04', '2026-01-31', '1e9']) {
      assert.throws(() => momentOf(text, now), AcemuxError, text);
    }
  });

  test('a zone that nobody knows is told of, instead of being UTC in silence', () => {
    for (const zone of ['Europe/Berln', 'CET-1CEST', 'Mars/Phobos']) {
      process.env['TZ'] = zone;
      assert.match(zoneProblem(zone) ?? '', new RegExp(`"${zone}".*Europe/Berlin`));
    }
    for (const zone of ['UTC', 'Etc/UTC', 'GMT', ':Europe/Berlin', 'UTC+3', 'EST5EDT', '']) {
      process.env['TZ'] = zone;
      assert.equal(zoneProblem(zone), undefined, zone);
    }
    process.env['TZ'] = 'Europe/Berlin';
    assert.equal(zoneProblem(undefined), undefined);
  });

  test('a moment is written with its zone', () => {
    assert.equal(localText(now), '2026-01-31 21:10:00 +01:00');
  });
});
