import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { ClientProgress } from './client-progress.ts';

const TIMEOUT_MS = 30_000;

/** A kernel that is looked at every 3 s, and a client of it that is told of by the test. */
class Line {
  readonly progress = new ClientProgress(TIMEOUT_MS);
  nowMs = 0;
  handedOverBytes = 0;
  acknowledgedBytes = 0;
  unanswered = 0;

  /** So much is written, and so much of all acknowledged; then the kernel is looked at. */
  look(writtenBytes: number, acknowledgedBytes: number): void {
    this.nowMs += 3_000;
    this.handedOverBytes += writtenBytes;
    this.acknowledgedBytes = Math.min(this.handedOverBytes, this.acknowledgedBytes + acknowledgedBytes);
    const unacknowledgedBytes = this.handedOverBytes - this.acknowledgedBytes;
    this.progress.look(
      this.handedOverBytes,
      { unacknowledgedBytes, unanswered: this.unanswered },
      this.nowMs,
    );
  }

  get verdict() {
    return this.progress.verdict(this.nowMs);
  }

  /** Looks until there is a verdict; how long that takes from now, milliseconds. */
  verdictAfter(step: () => void): number {
    const startMs = this.nowMs;
    while (this.verdict === undefined && this.nowMs - startMs < 600_000) step();
    return this.nowMs - startMs;
  }
}

describe('where the kernel cannot be asked, a client is stalled', () => {
  test('when no write was finished for CLIENT_TIMEOUT', () => {
    const progress = new ClientProgress(TIMEOUT_MS);
    progress.blocked(1_000);
    progress.blocked(5_000);
    assert.equal(progress.verdict(30_999), undefined);
    assert.equal(progress.verdict(31_000), 'client_stalled');
    progress.moved(31_000);
    assert.equal(progress.verdict(60_999), undefined);
    progress.free();
    assert.equal(progress.verdict(1_000_000), undefined);
    progress.moved(2_000_000);
    assert.equal(progress.blockedSinceMs, undefined, 'nobody waits who was not blocked');
  });

  test('when it has not taken the rest of a session that has ended', () => {
    const progress = new ClientProgress(TIMEOUT_MS);
    progress.ending(1_000);
    assert.equal(progress.verdict(31_000), 'client_stalled');
  });
});

describe('where the kernel can be asked, a client is', () => {
  test('gone within 27 s of its last sign of life, however little it is sent and however much the kernel takes', () => {
    for (const bytesPerLook of [1_316, 48_000, 3_000_000]) {
      const line = new Line();
      for (let look = 0; look < 20; look++) line.look(bytesPerLook, bytesPerLook);
      line.unanswered = 5;
      const tookMs = line.verdictAfter(() => line.look(bytesPerLook, 0));
      assert.equal(line.verdict, 'client_vanished');
      assert.ok(tookMs <= 27_000, `${tookMs}`);
    }
  });

  test('not gone while the kernel gets answers: one that has paused has until CLIENT_TIMEOUT', () => {
    const line = new Line();
    line.look(100_000, 100_000);
    const tookMs = line.verdictAfter(() => line.look(10_000, 0));
    assert.equal(line.verdict, 'client_stalled');
    assert.ok(tookMs >= TIMEOUT_MS && tookMs <= TIMEOUT_MS + 6_000, `${tookMs}`);
  });

  test('not stalled while it takes anything, although the kernel finishes no write for minutes', () => {
    const line = new Line();
    line.look(4_000_000, 500_000);
    line.progress.blocked(line.nowMs);
    for (let look = 0; look < 50; look++) {
      line.look(0, 60_000);
      assert.equal(line.verdict, undefined);
    }
  });

  test('not stalled while the kernel takes parts of a write that is not finished', () => {
    const progress = new ClientProgress(TIMEOUT_MS);
    let nowMs = 0;
    for (let look = 0; look < 60; look++) {
      // It takes as much as it sends at every fourth look, so that its queue shrinks in between.
      progress.look(1_000_000, { unacknowledgedBytes: 900_000 - (look % 4) * 10_000, unanswered: 0 }, nowMs);
      assert.equal(progress.verdict(nowMs), undefined);
      nowMs += 3_000;
    }
  });

  test('judged by finished writes again when looks have become impossible', () => {
    const line = new Line();
    line.look(100, 100);
    line.progress.blocked(line.nowMs);
    assert.equal(line.progress.verdict(line.nowMs + TIMEOUT_MS), 'client_stalled');
  });

  test('not kept longer than CLIENT_TIMEOUT by a session that has ended, whatever it takes', () => {
    const line = new Line();
    line.look(4_000_000, 500_000);
    line.progress.ending(line.nowMs);
    const tookMs = line.verdictAfter(() => line.look(0, 1_000));
    assert.equal(tookMs, TIMEOUT_MS);
  });
});

test('with a short CLIENT_TIMEOUT nobody is judged by the time between two looks', () => {
  const progress = new ClientProgress(1_000);
  progress.look(5_000, { unacknowledgedBytes: 100, unanswered: 0 }, 3_000);
  assert.equal(progress.verdict(5_900), undefined);
  progress.look(9_000, { unacknowledgedBytes: 100, unanswered: 0 }, 6_000);
  assert.equal(progress.verdict(8_900), undefined);
});

test('a client that may pause is stalled when it has taken nothing for that long, whoever is asked', () => {
  const unasked = new ClientProgress(TIMEOUT_MS);
  unasked.blocked(0);
  assert.equal(unasked.verdict(TIMEOUT_MS, 100_000), undefined);
  assert.equal(unasked.verdict(99_999, 100_000), undefined);
  assert.equal(unasked.verdict(100_000, 100_000), 'client_stalled');
  assert.equal(unasked.verdict(TIMEOUT_MS, 10), 'client_stalled', 'never sooner than any other');
  const line = new Line();
  line.look(1_000, 0);
  while (line.nowMs < 60_000) line.look(0, 0);
  assert.equal(line.verdict, 'client_stalled');
  assert.equal(line.progress.verdict(line.nowMs, 100_000), undefined);
  line.unanswered = 5;
  line.look(0, 0);
  assert.equal(line.progress.verdict(line.nowMs, 100_000), 'client_vanished', 'the dead do not pause');
});
