import { readPcr, wrappedDifference, wrappedPcrDifference } from '../clocks.ts';
import { NULL_PID, PACKET_BYTES, PAT_PID, pidOf } from '../packet.ts';
import type { AccessPoint } from '../scanner.ts';
import { type CandidateMedia, msBetween } from './candidate-media.ts';
import type { GateStart } from './gate.ts';
import { type LastPacket, packetsUpToKnown } from './known-packet.ts';
import { PidMapping } from './pid-mapping.ts';
import type { NewTimelineReason } from './plan.ts';
import type { ProgramMap } from './program-map.ts';
import { SourceMapper } from './source-mapper.ts';
import type { StreamTail } from './stream-tail.ts';
import { TableWriter } from './table-writer.ts';

export type SpliceKind = 'same-broadcast' | 'same-timeline' | 'new-timeline';

/** What happened, for log, metrics and events. */
export interface SpliceReport {
  readonly kind: SpliceKind;
  /** Why it is a new timeline. */
  readonly reason: NewTimelineReason | undefined;
  /** Added to the source's timestamps from now on, 90 kHz ticks. */
  readonly offset90: number;
  /** How much of what the source delivered the ring had already, milliseconds. */
  readonly overlapMs: number;
  /** How much media is missing between both, milliseconds; undefined where the clocks can't tell. */
  readonly gapMs: number | undefined;
  /** How far the source's newest picture was before the ring's end; negative: so much it brought on top. Milliseconds. */
  readonly lagMs: number;
  /** Since its first packet. */
  readonly waitedMs: number;
}

/** A source that has been joined. */
export interface JoinedSource {
  /** Whole packets to append to the ring now, in order. */
  readonly packets: readonly Buffer[];
  /** Takes all that the source brings from now on. */
  readonly mapper: SourceMapper;
  readonly report: SpliceReport;
}

interface Common {
  readonly tail: StreamTail;
  readonly media: CandidateMedia;
  readonly map: ProgramMap;
  readonly nowMs: number;
}

export type Join = Common &
  (
    | { readonly kind: 'same-broadcast'; readonly offset90: number; readonly from90: number }
    | { readonly kind: 'same-timeline'; readonly offset90: number; readonly point: AccessPoint }
    | { readonly kind: 'new-timeline'; readonly reason: NewTimelineReason; readonly point: AccessPoint }
  );

/** Joins a source to the ring's end. */
export function joinSource(join: Join): JoinedSource {
  const { tail, media, map, nowMs, kind } = join;
  const offset90 = kind === 'new-timeline' ? rebasedOffset(join) : join.offset90;
  const mapping = new PidMapping(tail.map ?? map, map, tail.usedPids);
  const isBreak = kind !== 'same-broadcast';
  const tables =
    kind !== 'new-timeline' && mapping.isIdentity && hasSameTables(tail.map, map)
      ? undefined
      : new TableWriter(tail.map ?? map, mapping, kind === 'new-timeline' && tail.map !== undefined);
  const mapper = new SourceMapper(
    {
      offset90,
      mapping,
      tables,
      counters: tail.copyCounters(),
      gates: isBreak
        ? gatesAfterBreak(tail, map, mapping)
        : gatesWithin({ tail, media, map }, mapping, offset90),
      referencePid: map.reference?.pid,
      pcrPid: map.pcrPid,
      lastPcr: tail.pcr,
      isAnchored: isBreak,
    },
    map,
  );
  const packets: Buffer[] = [];
  if (isBreak) packets.push(mapper.prologue(pcrAt(media, map.pcrPid, join.point.position)));
  for (const chunk of media.read(isBreak ? join.point.position : 0)) packets.push(...mapper.push(chunk));
  const report = reportOf(join, offset90, media.waitedMs(nowMs));
  tail.sourceChanged(offset90);
  return { packets: packets.filter((each) => each.length > 0), mapper, report };
}

function reportOf(join: Join, offset90: number, waitedMs: number): SpliceReport {
  const { tail, media, kind } = join;
  const endDts = tail.endDts ?? 0;
  const newest = media.units.at(-1)?.dts;
  return {
    kind,
    reason: kind === 'new-timeline' ? join.reason : undefined,
    offset90,
    overlapMs: kind === 'same-broadcast' ? Math.max(0, msBetween(join.from90, endDts)) : 0,
    gapMs: gapMs(join, offset90, endDts),
    lagMs: newest === undefined ? 0 : msBetween(newest + offset90, endDts),
    waitedMs,
  };
}

function gapMs(join: Join, offset90: number, endDts: number): number | undefined {
  if (join.kind === 'same-broadcast') return 0;
  const dts = dtsAt(join.media, join.point);
  if (join.kind === 'new-timeline' || dts === undefined) return undefined;
  return Math.max(0, msBetween(endDts + join.tail.unitTicks, dts + offset90));
}

function dtsAt({ units }: CandidateMedia, { position, pts }: AccessPoint): number | undefined {
  return units.find((unit) => unit.position === position)?.dts ?? pts;
}

/** An offset that lets the new timeline begin right where the old one ended, in PTS and in PCR. */
function rebasedOffset({ tail, media, map, point }: Join & { readonly kind: 'new-timeline' }): number {
  const { latestPts, unitTicks, pcr } = tail;
  const dts = dtsAt(media, point);
  if (dts === undefined || latestPts === undefined) return 0;
  const offset90 = wrappedDifference(latestPts + unitTicks, dts);
  const newPcr = pcrAt(media, map.pcrPid, point.position);
  if (pcr === undefined || newPcr === undefined) return offset90;
  const behind90 = wrappedPcrDifference(pcr, newPcr + offset90 * 300) / 300;
  return behind90 < 0 ? offset90 : offset90 + Math.ceil(behind90) + unitTicks;
}

/** The clock at a place: the last PCR before it, else the first after it; 27 MHz ticks, of the source itself. */
function pcrAt(media: CandidateMedia, pcrPid: number | undefined, position: number): number | undefined {
  if (pcrPid === undefined) return undefined;
  const end = [...media.read()].reduce((sum, chunk) => sum + chunk.length, 0);
  const kept = media.read(position).reduce((sum, chunk) => sum + chunk.length, 0);
  let at = position - (end - kept);
  let pcr: number | undefined;
  for (const chunk of media.read()) {
    for (let offset = 0; offset < chunk.length; offset += PACKET_BYTES, at += PACKET_BYTES) {
      if (at >= position && pcr !== undefined) return pcr;
      if (pidOf(chunk, offset) === pcrPid) pcr = readPcr(chunk, offset) ?? pcr;
    }
  }
  return pcr;
}

/** Whether the tables are the same to the byte. */
function hasSameTables(old: ProgramMap | undefined, fresh: ProgramMap): boolean {
  const bytes = ({ patSections, programs }: ProgramMap): Buffer =>
    Buffer.concat([...patSections, ...programs.map(({ section }) => section)]);
  return old === undefined || bytes(old).equals(bytes(fresh));
}

/** Same broadcast: every PID goes on exactly where it ended. */
function gatesWithin(
  { tail, media, map }: Pick<Common, 'tail' | 'media' | 'map'>,
  mapping: PidMapping,
  offset90: number,
): Map<number, GateStart> {
  const streams = new Map(tail.streamEnds.map((stream) => [stream.pid, stream]));
  const own = new Set(map.programs.flatMap((program) => program.streams.map(({ pid }) => pid)));
  const gates = new Map<number, GateStart>();
  const untimed = new Map<number, LastPacket>();
  for (const [pid, target] of mapping.onto(tail.seenPids)) {
    const unit = streams.get(target)?.unit;
    const [packets, lastHash] = [tail.packetsSinceAnchor(target), tail.lastHash(target)];
    if (unit && own.has(pid)) gates.set(pid, { kind: 'complete', unit });
    else gates.set(pid, { kind: 'count', packets, lastHash });
    if (!unit && lastHash !== undefined) untimed.set(pid, { sinceAnchor: packets, hash: lastHash });
  }
  const anchor = streams.get(tail.map?.reference?.pid ?? NULL_PID)?.unit;
  if (!anchor) return gates;
  for (const [pid, packets] of packetsUpToKnown(media, anchor, offset90, untimed))
    gates.set(pid, { kind: 'skip', packets });
  return gates;
}

/** After a break every PID begins anew; tables have no break of their own, their counters just go on. */
function gatesAfterBreak(tail: StreamTail, map: ProgramMap, mapping: PidMapping): Map<number, GateStart> {
  const streams = new Map(tail.streamEnds.map((stream) => [stream.pid, stream]));
  const tables = new Set([PAT_PID, ...map.programs.map(({ pmtPid }) => pmtPid)]);
  const gates = new Map<number, GateStart>();
  for (const [pid, target] of mapping.onto(tail.seenPids)) {
    if (pid === NULL_PID) continue;
    const afterDts = streams.get(target)?.unit?.lastDts;
    gates.set(pid, { kind: 'unit', afterDts, isBreak: !tables.has(pid) });
  }
  return gates;
}
