/** Bad engines again and again (DESIGN invariant 8): memory stays what it was. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BAD_STREAMS } from '../support/bad-media.ts';
import { heldBytes } from '../support/held-bytes.ts';
import { pour, wildAnswers } from '../support/wild-engine.ts';
import { WildHouse } from '../support/wild-house.ts';
import { beginMedia } from '../support/wire-server.ts';

const ROUNDS = process.env['LONG_TESTS'] === '1' ? 50 : 10;
/** A start's reply is at most 512 KiB, and three answers of each round come to that: kept, they would be 15 MiB. */
const GROWTH_BYTES_MAX = 8 * 1024 * 1024;
/** What only ends with its time is left to other tests: it would take most of this one's. */
const SLOW = /interim|protocols|nothing|now and then/;
const SLOW_MEDIA = new Set(['no_media']);

test('invariant 8: however often engines answer badly, memory does not grow', async (t) => {
  const house = await WildHouse.start(t, { withGood: false });
  const round = async (): Promise<void> => {
    for (const { name, write } of wildAnswers('http://127.0.0.1:9/')) {
      if (SLOW.test(name)) continue;
      for (const phase of ['start', 'media'] as const) {
        house.wild.answers = { [phase]: write };
        assert.notEqual(await house.outcome(), 'plays');
        await house.wildFree();
      }
    }
    for (const { name, outcome, open } of BAD_STREAMS) {
      if (SLOW_MEDIA.has(outcome)) continue;
      house.wild.answers = {
        media: (request) => {
          beginMedia(request);
          pour(request, open());
        },
      };
      assert.equal(await house.outcome(), outcome, name);
      await house.wildFree();
    }
    // The test itself remembers every viewer and request.
    house.forget();
  };
  // What is made once is made in these.
  for (let rounds = 0; rounds < 3; rounds++) await round();
  const before = await heldBytes();
  for (let rounds = 0; rounds < ROUNDS; rounds++) await round();
  const grown = (await heldBytes()) - before;
  t.diagnostic(`${Math.round(grown / 1024)} KiB more after ${ROUNDS} rounds`);
  assert.ok(grown < GROWTH_BYTES_MAX, `${grown} bytes more`);
});
