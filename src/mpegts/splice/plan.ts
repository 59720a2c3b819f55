/** What is known when it has to be decided how a new source goes on behind a ring's end. Times in milliseconds. */
export interface SpliceFacts {
  /** Whether audio and video of both are the same; `unknown` until the new source's tables have come. */
  readonly map: 'unknown' | 'same' | 'other';
  /** Whether the ring has media that something could be joined to. */
  readonly hasOld: boolean;
  /** The same PES packets were found in both. */
  readonly meeting:
    | {
        /** How far the new source's newest picture is before the ring's end; 0 or less: it has reached it. */
        readonly lagMs: number;
      }
    | undefined;
  /** Under an expected clock offset the new source's clock fits the ring's. */
  readonly timeline:
    | {
        /** How far its newest picture is before the ring's end; negative: behind it. */
        readonly lagMs: number;
        /** Whether all that it has delivered comes after the ring's end. */
        readonly isAllNew: boolean;
      }
    | undefined;
  /** Consecutive PES packets of the reference stream that the ring never had. */
  readonly strangers: number;
  /** How much of what went into the ring is remembered, to recognize it. */
  readonly rememberedMs: number;
  /** Several clock offsets fit: the content repeats. */
  readonly isAmbiguous: boolean;
  /** Where decoding could begin: nowhere, somewhere, at a place after the ring's end on the same timeline. */
  readonly accessPoint: 'none' | 'any' | 'after_end';
  /** Since the new source's first packet. */
  readonly waitedMs: number;
  /** Media per time that it delivers now: above 1 while it bursts what it has kept. */
  readonly mediaRate: number;
  /** SPLICE_WAIT. */
  readonly spliceWaitMs: number;
  /** The old source still delivers: what it brings may yet meet the new one. */
  readonly oldGoesOn: boolean;
  /** There is no other engine to try: join it, whatever it is. */
  readonly mustJoin: boolean;
}

/** Why it is another timeline. */
export type NewTimelineReason =
  /** Nothing was there before. */
  | 'first'
  /** Other streams or codecs. */
  | 'program_changed'
  /** Clocks that have nothing to do with each other, and no common content. */
  | 'clock_unrelated'
  /** It is behind, and there is no other engine. */
  | 'behind';

export type SpliceDecision =
  | {
      readonly kind: 'wait';
      /** What for. */
      readonly for: 'tables' | 'fingerprints' | 'ring_end' | 'access_point';
      readonly lagMs: number | undefined;
    }
  | { readonly kind: 'same-broadcast' }
  | { readonly kind: 'same-timeline' }
  | { readonly kind: 'new-timeline'; readonly reason: NewTimelineReason }
  /** It would stay behind for longer than SPLICE_WAIT. */
  | { readonly kind: 'behind'; readonly lagMs: number };

/** So many pictures that the ring never had are enough to say that it never will have. */
export const STRANGERS_ENOUGH = 8;
/** And so many where the clock says as much: a clock that was moved may say so by chance. */
const STRANGERS_BEHIND_END = 3;
/** So long a source without a common clock may still arrive at something known. */
const STRANGE_WAIT_MS = 2_000;
/** A burst may stop for a moment; only a source that is older than this is known by its rate. */
const BURST_MAY_STALL_MS = 4_000;
/** Above this rate a source is bursting. */
const BURST_RATE = 1.5;

/**
 * Chooses how a new source goes on. Pure; asked again after every chunk of the new source until the answer is not
 * `wait`. In this order: recognized content decides, then a common clock, then nothing in common.
 */
export function planSplice(facts: SpliceFacts): SpliceDecision {
  const { map, hasOld, meeting, timeline, accessPoint, waitedMs, spliceWaitMs } = facts;
  if (map === 'unknown') return { kind: 'wait', for: 'tables', lagMs: undefined };
  if (!hasOld) return atAccessPoint(facts, { kind: 'new-timeline', reason: 'first' });
  if (map === 'other') return atAccessPoint(facts, { kind: 'new-timeline', reason: 'program_changed' });
  if (meeting) {
    if (meeting.lagMs <= 0) return { kind: 'same-broadcast' };
    return catchingUp(facts, meeting.lagMs);
  }
  if (timeline) {
    // What stands where the ring's end was, and is something else, does not become the same any more.
    const needed = timeline.isAllNew ? STRANGERS_BEHIND_END : STRANGERS_ENOUGH;
    const isDecided = !facts.oldGoesOn && timeline.lagMs < 0 && facts.strangers >= needed;
    if (isDecided || (timeline.lagMs < 0 && waitedMs >= spliceWaitMs)) {
      if (accessPoint === 'after_end') return { kind: 'same-timeline' };
      return { kind: 'wait', for: 'access_point', lagMs: timeline.lagMs };
    }
    if (timeline.lagMs >= 0) return catchingUp(facts, timeline.lagMs);
    return { kind: 'wait', for: 'fingerprints', lagMs: timeline.lagMs };
  }
  if (waitedMs < spliceWaitMs) {
    // One that began before all that is remembered comes to it in time, or is too far behind anyway.
    const strangeWaitMs = Math.max(STRANGE_WAIT_MS, spliceWaitMs - facts.rememberedMs);
    const mayStillMeet =
      facts.isAmbiguous ||
      facts.strangers < STRANGERS_ENOUGH ||
      waitedMs < strangeWaitMs ||
      facts.mediaRate > BURST_RATE;
    if (mayStillMeet) return { kind: 'wait', for: 'fingerprints', lagMs: undefined };
  }
  return atAccessPoint(facts, { kind: 'new-timeline', reason: 'clock_unrelated' });
}

function atAccessPoint(facts: SpliceFacts, decision: SpliceDecision): SpliceDecision {
  if (facts.accessPoint !== 'none') return decision;
  return { kind: 'wait', for: 'access_point', lagMs: undefined };
}

/** The ring's end stands still while the new source plays towards it, at its own rate. */
function catchingUp(facts: SpliceFacts, lagMs: number): SpliceDecision {
  const remainingMs = lagMs / Math.max(1, facts.mediaRate);
  const isTooEarlyToTell = facts.waitedMs < Math.min(BURST_MAY_STALL_MS, facts.spliceWaitMs);
  if (isTooEarlyToTell || facts.waitedMs + remainingMs <= facts.spliceWaitMs)
    return { kind: 'wait', for: 'ring_end', lagMs };
  if (!facts.mustJoin) return { kind: 'behind', lagMs };
  return atAccessPoint(facts, { kind: 'new-timeline', reason: 'behind' });
}
