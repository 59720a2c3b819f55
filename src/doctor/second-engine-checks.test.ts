import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { assertAllStopped, CONTENT_ID, QUICK_TIMES, startEngine } from '../../test/support/doctor-rig.ts';
import { systemClock } from '../base/clock.ts';
import type { SimulatedEngineOptions } from '../simulator/engine-options.ts';
import { Content } from './content.ts';
import { Examination } from './examination.ts';
import { checkSecondEngine } from './second-engine-checks.ts';

describe('two engines are compared', { concurrency: true }, () => {
  const compare = (
    name: string,
    options: SimulatedEngineOptions,
    judge: (exam: Examination) => void,
  ): void => {
    test(name, async (t) => {
      const [first, second] = [await startEngine(t), await startEngine(t, options)];
      const exam = new Examination({
        address: first,
        second,
        clock: systemClock,
        times: QUICK_TIMES,
        signal: new AbortController().signal,
        progress: { begins: () => {}, ends: () => {} },
      });
      await checkSecondEngine(exam, new Content(exam, CONTENT_ID));
      await exam.wire.close();
      judge(exam);
      await assertAllStopped(first);
      await assertAllStopped(second);
    });
  };
  const says = (exam: Examination, check: string): string =>
    exam.results().find((result) => result.check === check)?.engine ?? '';

  compare('the same packets, and how far behind the second is', { lagMs: 700 }, (exam) => {
    assert.equal(exam.facts.remux, false, says(exam, 'sameBytes'));
    assert.ok(exam.facts.lagMs !== undefined && exam.facts.lagMs > 300, says(exam, 'lag'));
    assert.match(says(exam, 'lag'), /the second is .* behind/);
  });

  compare('a multiplex of its own around the same pictures', { remux: true }, (exam) => {
    assert.equal(exam.facts.remux, true, says(exam, 'sameBytes'));
    assert.match(says(exam, 'sameBytes'), /another multiplex .* clocks .* apart/);
  });

  compare('something else altogether', { media: 'mpeg-2' }, (exam) => {
    assert.equal(exam.facts.remux, undefined);
    assert.match(says(exam, 'sameBytes'), /nothing in common/);
    assert.equal(exam.facts.lagMs, undefined);
  });
});
