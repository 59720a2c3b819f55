/** Replies and media of engines, damaged at random (DESIGN invariant 8); fast-check prints the seed of a failure. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { REASONS } from '../../src/base/reasons.ts';
import { soundStream } from '../support/bad-media.ts';
import { type Phase, pour, startReply } from '../support/wild-engine.ts';
import { WildHouse } from '../support/wild-house.ts';
import { beginMedia } from '../support/wire-server.ts';

const RUNS = process.env['LONG_TESTS'] === '1' ? 100 : 12;

type Damage = readonly (readonly [where: number, what: 'change' | 'cut' | 'double', value: number])[];

/** `where` is a share of the length, 0 to 1. */
const damage: fc.Arbitrary<Damage> = fc.array(
  fc.tuple(
    fc.double({ min: 0, max: 1, noNaN: true }),
    fc.constantFrom<'change' | 'cut' | 'double'>('change', 'change', 'change', 'cut', 'double'),
    fc.nat(255),
  ),
  { minLength: 1, maxLength: 12 },
);

function damaged(good: Buffer, changes: Damage): Buffer {
  let bytes = Buffer.from(good);
  for (const [where, what, value] of changes) {
    const at = Math.min(bytes.length - 1, Math.floor(where * bytes.length));
    if (what === 'change') bytes[at] = value;
    else if (what === 'cut') bytes = Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + value)]);
    else bytes = Buffer.concat([bytes.subarray(0, at + value), bytes.subarray(at)]);
    if (bytes.length === 0) return bytes;
  }
  return bytes;
}

function isOutcome(outcome: string): boolean {
  return outcome === 'plays' || outcome in REASONS;
}

for (const phase of ['files', 'start', 'media', 'stat', 'stop'] as const satisfies readonly Phase[]) {
  test(`invariant 8: a reply damaged anyhow (${phase}) is taken or refused, and another stream goes on`, async (t) => {
    const house = await WildHouse.start(t);
    const media = soundStream();
    const run = async (changes: Damage): Promise<void> => {
      house.wild.answers = {
        media: (request) => {
          beginMedia(request);
          pour(request, () => media);
        },
      };
      house.wild.answers[phase] = (request) => {
        const body = Buffer.from(phase === 'media' ? media : `${startReply(request)}`);
        const head = `HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\nContent-Type: text/plain\r\n\r\n`;
        const reply = Buffer.concat([Buffer.from(head), body]);
        request.socket.end(damaged(reply, changes));
      };
      const outcome = await house.outcome();
      assert.ok(isOutcome(outcome) && outcome !== 'internal', outcome);
      await house.wildFree();
    };
    await fc.assert(fc.asyncProperty(damage, run), { numRuns: RUNS });
    await house.assertUntouched();
  });
}

test('invariant 8: media damaged anyhow play on or are refused, and another stream goes on', async (t) => {
  const house = await WildHouse.start(t);
  const good = soundStream();
  const run = async (changes: Damage): Promise<void> => {
    house.wild.answers = {
      media: (request) => {
        beginMedia(request);
        // Ends, should nothing of it be of use.
        let pieces = 0;
        pour(request, () => {
          if (++pieces === 20) request.socket.end();
          return damaged(good, changes);
        });
      },
    };
    const outcome = await house.outcome();
    assert.ok(isOutcome(outcome) && outcome !== 'internal', outcome);
    await house.wildFree();
  };
  await fc.assert(fc.asyncProperty(damage, run), { numRuns: RUNS });
  await house.assertUntouched();
});
