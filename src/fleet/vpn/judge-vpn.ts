import type { ReasonCode } from '../../base/reasons.ts';
import type { VpnState } from './vpn.ts';
import { type VpnEvidence, type Weighed, weighEvidence } from './weigh-evidence.ts';

/** Times of the judgement, milliseconds. */
export const VPN_TIMES = {
  /** Nothing speaks for it any more, and nothing against it: so long, and so many looks, until it is suspected. */
  silenceMs: 10_000,
  silenceLooks: 3,
  /** A container that does not run is believed after this. */
  goneMs: 4_000,
  /** Two signals against it are. */
  pairMs: 10_000,
  /** One signal is, with nothing for it. */
  singleMs: 45_000,
  /** It stays `down` or `recovering` for this long at least, `down` longer with each lapse before. */
  dwellMs: 10_000,
  dwellMaxMs: 120_000,
  /** From suspicion back, and from recovering: shown to be up all that time. Doubled with each lapse before. */
  settleMs: 15_000,
  settleMaxMs: 240_000,
  recoverMs: 30_000,
  recoverMaxMs: 300_000,
  /** Lapses are remembered for this. */
  lapseMs: 30 * 60_000,
  /** That no engine is connected counts for so long against what container and control server show. */
  enginesAloneMs: 3 * 60_000,
} as const;

const LOOKS_MIN = 2;
const LAPSES_MAX = 8;

/** How a VPN is judged to be, and since when what speaks for and against it. Times are monotonic, milliseconds. */
export interface VpnRecord {
  readonly state: VpnState;
  readonly sinceMs: number;
  readonly reason: ReasonCode | undefined;
  /** Shown to be up, with nothing against it, in each look since; undefined: not in the latest one. */
  readonly clear: Streak | undefined;
  /** The contrary of `clear`. */
  readonly doubt: Streak | undefined;
  /** Something speaks against it. */
  readonly against: Streak | undefined;
  /** At least two do. */
  readonly pair: Streak | undefined;
  /** Something does, and nothing speaks for it. */
  readonly unopposed: Streak | undefined;
  readonly gone: Streak | undefined;
  /** No engine is connected, and all else says that it is up. */
  readonly enginesAlone: Streak | undefined;
  /** When it fell back, of late: from `ok`, or from `recovering`. */
  readonly lapsesMs: readonly number[];
}

/** Something that was so in each look for a while. */
interface Streak {
  readonly sinceMs: number;
  readonly looks: number;
}

export function newVpnRecord(nowMs: number): VpnRecord {
  return {
    state: 'unknown',
    sinceMs: nowMs,
    reason: 'vpn_unproved',
    clear: undefined,
    doubt: undefined,
    against: undefined,
    pair: undefined,
    unopposed: undefined,
    gone: undefined,
    enginesAlone: undefined,
    lapsesMs: [],
  };
}

/**
 * What a VPN is after one more look. `jitterMs`: so much longer it stays in `recovering`, that VPNs which come back
 * together are not used again together.
 */
export function judgeVpn(record: VpnRecord, evidence: VpnEvidence, nowMs: number, jitterMs = 0): VpnRecord {
  const enginesAlone = streak(record.enginesAlone, areEnginesAlone(weighEvidence(evidence)), nowMs);
  const weighed = heard(weighEvidence(evidence), enginesAlone, nowMs);
  const { against, hasProof, isGone } = weighed;
  const isClear = hasProof && against.size === 0;
  const seen: VpnRecord = {
    ...record,
    clear: streak(record.clear, isClear, nowMs),
    doubt: streak(record.doubt, !isClear, nowMs),
    against: streak(record.against, against.size > 0, nowMs),
    pair: streak(record.pair, against.size > 1, nowMs),
    unopposed: streak(record.unopposed, against.size > 0 && !hasProof, nowMs),
    gone: streak(record.gone, isGone, nowMs),
    enginesAlone,
    lapsesMs: record.lapsesMs.filter((atMs) => nowMs - atMs < VPN_TIMES.lapseMs),
  };
  return enter(seen, nextState(seen, nowMs, jitterMs), weighed.reason, nowMs);
}

/** The operator takes it out of use, or puts it back: then it has to show anew how it is. */
export function setDraining(record: VpnRecord, isDraining: boolean, nowMs: number): VpnRecord {
  if (isDraining === (record.state === 'draining')) return record;
  return isDraining
    ? enter(record, 'draining', 'vpn_draining', nowMs)
    : { ...enter(record, 'unknown', 'vpn_unproved', nowMs), clear: undefined };
}

/** How long, at least, until a VPN that is not `ok` may be, if all goes well from now on. */
export function recoveryEtaMs(record: VpnRecord, nowMs: number, jitterMs = 0): number {
  const longMs = recoverMs(record) + jitterMs;
  if (record.state === 'ok') return 0;
  if (record.state === 'recovering') return Math.max(0, longMs - heldMs(record.clear, nowMs));
  return record.state === 'suspect' ? settleMs(record) : longMs + downMs(record);
}

function nextState(seen: VpnRecord, nowMs: number, jitterMs: number): VpnState {
  const isClear = seen.clear !== undefined;
  const inStateMs = nowMs - seen.sinceMs;
  switch (seen.state) {
    case 'draining':
      return 'draining';
    case 'unknown':
      return isClear ? 'ok' : isDown(seen, nowMs) ? 'down' : 'unknown';
    case 'ok':
      return seen.against !== undefined || isSilent(seen, nowMs) ? 'suspect' : 'ok';
    case 'suspect':
      if (isDown(seen, nowMs)) return 'down';
      return heldMs(seen.clear, nowMs) >= settleMs(seen) ? 'ok' : 'suspect';
    case 'down':
      return inStateMs >= downMs(seen) && holds(seen.clear, nowMs, 0) ? 'recovering' : 'down';
    case 'recovering':
      if (inStateMs >= VPN_TIMES.dwellMs && holds(seen.against, nowMs, VPN_TIMES.goneMs)) return 'down';
      return heldMs(seen.clear, nowMs) >= recoverMs(seen) + jitterMs ? 'ok' : 'recovering';
  }
}

/** The one place where the state changes. */
function enter(record: VpnRecord, state: VpnState, found: ReasonCode | undefined, nowMs: number): VpnRecord {
  const own: Partial<Record<VpnState, ReasonCode>> = {
    recovering: 'vpn_recovering',
    draining: 'vpn_draining',
  };
  const reason = own[state] ?? found;
  if (state === record.state) return { ...record, reason };
  const isLapse =
    (record.state === 'ok' && state === 'suspect') || (record.state === 'recovering' && state === 'down');
  return {
    ...record,
    state,
    sinceMs: nowMs,
    reason,
    lapsesMs: isLapse ? [...record.lapsesMs, nowMs].slice(-LAPSES_MAX) : record.lapsesMs,
  };
}

/** Never by one look: each needs two at least. */
function isDown(seen: VpnRecord, nowMs: number): boolean {
  return (
    holds(seen.gone, nowMs, VPN_TIMES.goneMs) ||
    holds(seen.pair, nowMs, VPN_TIMES.pairMs) ||
    holds(seen.unopposed, nowMs, VPN_TIMES.singleMs)
  );
}

function isSilent(seen: VpnRecord, nowMs: number): boolean {
  const { doubt } = seen;
  return (
    holds(doubt, nowMs, VPN_TIMES.silenceMs) && doubt !== undefined && doubt.looks >= VPN_TIMES.silenceLooks
  );
}

function settleMs(record: VpnRecord): number {
  return grown(VPN_TIMES.settleMs, VPN_TIMES.settleMaxMs, record);
}

function recoverMs(record: VpnRecord): number {
  return grown(VPN_TIMES.recoverMs, VPN_TIMES.recoverMaxMs, record);
}

function downMs(record: VpnRecord): number {
  return grown(VPN_TIMES.dwellMs, VPN_TIMES.dwellMaxMs, record);
}

/** Doubled with each lapse but the first. */
function grown(ms: number, maxMs: number, { lapsesMs }: VpnRecord): number {
  return Math.min(maxMs, ms * 2 ** Math.max(0, lapsesMs.length - 1));
}

function areEnginesAlone({ against, hasProof }: Weighed): boolean {
  return hasProof && against.size === 1 && against.has('engines');
}

/** Without the engines' word once they have been alone with it for long: they are ill, not the VPN. */
function heard(weighed: Weighed, enginesAlone: Streak | undefined, nowMs: number): Weighed {
  if (heldMs(enginesAlone, nowMs) < VPN_TIMES.enginesAloneMs) return weighed;
  return { ...weighed, against: new Set() };
}

function streak(before: Streak | undefined, isSo: boolean, nowMs: number): Streak | undefined {
  if (!isSo) return undefined;
  return { sinceMs: before?.sinceMs ?? nowMs, looks: (before?.looks ?? 0) + 1 };
}

function holds(of: Streak | undefined, nowMs: number, forMs: number): boolean {
  return of !== undefined && of.looks >= LOOKS_MIN && nowMs - of.sinceMs >= forMs;
}

function heldMs(of: Streak | undefined, nowMs: number): number {
  return of === undefined ? -1 : nowMs - of.sinceMs;
}
