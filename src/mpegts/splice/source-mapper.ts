import { readPcr, shiftPcr, wrappedPcrDifference } from '../clocks.ts';
import {
  continuityCounter,
  discontinuityIndicator,
  hasPayload,
  hasTransportError,
  NULL_PID,
  PACKET_BYTES,
  PAT_PID,
  PID_COUNT,
  pidOf,
  setContinuityCounter,
  setPid,
} from '../packet.ts';
import { packetizeSection, packetsOfSection } from '../psi.ts';
import { restampPacket } from '../restamp.ts';
import { discontinuityPacket } from '../skip.ts';
import { Gate, type GateStart } from './gate.ts';
import { clockBreakPacket, cutPacket, withoutPcr } from './patched-packet.ts';
import type { PidMapping } from './pid-mapping.ts';
import { type ProgramMap, TableFollower } from './program-map.ts';
import type { TableSection, TableWriter } from './table-writer.ts';

/** Where the new source starts: which of its packets are held back, and what viewers are told. */
export interface MapperStart {
  readonly offset90: number;
  readonly mapping: PidMapping;
  /** Undefined: the new source's tables are those of the ring, byte for byte, and pass as they are. */
  readonly tables: TableWriter | undefined;
  /** The ring's counters by PID; the mapper goes on with them. */
  readonly counters: Int8Array;
  /** By the new source's PID; one that is missing begins with its next unit. */
  readonly gates: ReadonlyMap<number, GateStart>;
  /** The new source's reference stream and its clock. */
  readonly referencePid: number | undefined;
  readonly pcrPid: number | undefined;
  /** Of the ring, 27 MHz ticks: earlier ones are taken out of what follows. */
  readonly lastPcr: number | undefined;
  /** The reference's gate opens with the first packet: nothing is counted up to there. */
  readonly isAnchored: boolean;
}

const NO_DELTA = -1;

/**
 * Turns the packets of a source into those that continue the ring, for as long as the source lives: PIDs, counters,
 * clocks, tables. What needs no change is handed on as the very view that came; else the chunk is copied once and
 * patched. Faults of the source (a gap of its counters) stay visible as what they are.
 */
export class SourceMapper {
  readonly #start: MapperStart;
  readonly #follower = new TableFollower();
  readonly #gates: Gate[] = [];
  /** By PID the number of its gate in `#gates`, from 1 on; 0: it has none. */
  readonly #gateNumbers = new Uint16Array(PID_COUNT);
  readonly #counters: Int8Array;
  /** By the source's PID: what is added to its counters. */
  readonly #deltas = new Int8Array(PID_COUNT).fill(NO_DELTA);
  #movedPids: boolean;
  #isAnchored: boolean;
  #guardsPcr: boolean;
  #map: ProgramMap;
  #droppedPackets = 0;
  #breaks = 0;

  constructor(start: MapperStart, map: ProgramMap) {
    this.#start = start;
    this.#map = map;
    this.#counters = start.counters;
    this.#isAnchored = start.isAnchored;
    this.#guardsPcr = start.lastPcr !== undefined;
    this.#movedPids = !start.mapping.isIdentity;
    for (const [pid, each] of start.gates) this.#addGate(pid, each);
  }

  /** Packets of the source that were in the ring already, or could not be used. */
  get droppedPackets(): number {
    return this.#droppedPackets;
  }

  /** The source's own PID of the stream that positions and clocks go by. */
  get referencePid(): number | undefined {
    return this.#map.reference?.pid;
  }

  /** Whether a PID of the source's own carries its PAT or a PMT. */
  isTable(pid: number): boolean {
    return this.#follower.isTablePid[pid] === 1;
  }

  /** How many discontinuities it has told viewers of. */
  get breaks(): number {
    return this.#breaks;
  }

  /**
   * What comes before everything else after a break: the clock's discontinuity with its new value, then the tables.
   * @param pcr27 of the new source, not yet moved
   */
  prologue(pcr27: number | undefined): Buffer {
    const { pcrPid, mapping, offset90 } = this.#start;
    const parts: Buffer[] = [];
    const pid = pcrPid === undefined ? undefined : mapping.pidFor(pcrPid);
    if (pid !== undefined && pcr27 !== undefined && pid !== NULL_PID) {
      this.#counters[pid] = this.#counterOf(pid);
      const packet = clockBreakPacket(pid, this.#counterOf(pid), pcr27);
      shiftPcr(packet, 0, offset90);
      parts.push(packet);
      this.#breaks++;
      const gate = pcrPid === undefined ? undefined : this.#gateOf(pcrPid);
      if (gate) gate.isBreak = false;
      // From here on the clock is the new one.
      this.#guardsPcr = false;
    }
    const sections = this.#start.tables?.all(this.#map) ?? sectionsOf(this.#map);
    for (const section of sections) parts.push(this.#packetize(section));
    return Buffer.concat(parts);
  }

  /** Takes whole packets; returns those for the ring, in order: often just the same view. */
  push(packets: Buffer): readonly Buffer[] {
    const out: Buffer[] = [];
    // Until something has to be changed, `bytes` are the caller's.
    let bytes = packets;
    let runFrom = 0;
    const flush = (to: number): void => {
      if (to > runFrom) out.push(bytes.subarray(runFrom, to));
      runFrom = to;
    };
    for (let at = 0; at + PACKET_BYTES <= packets.length; at += PACKET_BYTES) {
      const replacement = this.#judge(packets, at);
      if (replacement === KEEP) {
        if (!this.#needsPatch(packets, at)) continue;
        if (bytes === packets) {
          flush(at);
          bytes = Buffer.from(packets);
          runFrom = at;
        }
        this.#patch(bytes, at);
        continue;
      }
      flush(at);
      runFrom = at + PACKET_BYTES;
      if (replacement.length === 0) this.#droppedPackets++;
      for (const each of replacement) out.push(each);
    }
    flush(packets.length - (packets.length % PACKET_BYTES));
    return out;
  }

  /** KEEP, or what stands in the packet's place. */
  #judge(packets: Buffer, at: number): readonly Buffer[] | typeof KEEP {
    const pid = pidOf(packets, at);
    const { mapping, referencePid, tables } = this.#start;
    if (mapping.pidFor(pid) === undefined) return NOTHING;
    const gate = this.#gateOf(pid);
    if (gate && !gate.isOpen) return this.#atGate(gate, packets, at, pid);
    if (!gate && !this.#isAnchored && pid !== referencePid) return NOTHING;
    if (!gate && this.#deltas[pid] === NO_DELTA && pid !== NULL_PID) {
      // A PID that nobody has spoken of: it begins where a unit of it does.
      this.#addGate(pid, { kind: 'unit', afterDts: undefined, isBreak: false });
      return this.#judge(packets, at);
    }
    if (this.#isTable(pid)) {
      const sections = this.#writeTables(packets, at, pid);
      if (tables) return this.#packetizeAll(sections);
    }
    return this.#guardPcr(packets, at, pid);
  }

  #gateOf(pid: number): Gate | undefined {
    const number = this.#gateNumbers[pid]!;
    return number === 0 ? undefined : this.#gates[number - 1];
  }

  #addGate(pid: number, start: GateStart): void {
    const isClock = this.#map.programs.some(({ pcrPid }) => pcrPid === pid);
    const gate = new Gate(start, this.#start.offset90, isClock && !this.#isStream(pid));
    this.#gateNumbers[pid] = this.#gates.push(gate);
  }

  #isStream(pid: number): boolean {
    return this.#map.programs.some(({ streams }) => streams.some((stream) => stream.pid === pid));
  }

  #isTable(pid: number): boolean {
    return pid === PAT_PID || this.#follower.isTablePid[pid] === 1;
  }

  #atGate(gate: Gate, packets: Buffer, at: number, pid: number): readonly Buffer[] | typeof KEEP {
    const { referencePid, tables, mapping } = this.#start;
    const written = this.#isTable(pid) ? this.#writeTables(packets, at, pid) : [];
    const answer = gate.take(packets, at, this.#isAnchored || pid === referencePid);
    if (pid === referencePid) this.#followReference(gate);
    if (answer === 'drop') return NOTHING;
    if (this.#isTable(pid) && tables) return this.#packetizeAll(written);
    const out: Buffer[] = [];
    const target = mapping.pidFor(pid) ?? pid;
    if (gate.isBreak) {
      gate.isBreak = false;
      this.#breaks++;
      out.push(discontinuityPacket(target, this.#counterOf(target)));
    }
    const packet =
      answer === 'cut'
        ? cutPacket(packets, at, gate.cutAt)
        : Buffer.from(packets.subarray(at, at + PACKET_BYTES));
    const guarded = this.#guardPcr(packet, 0, pid);
    if (guarded !== KEEP) return [...out, ...guarded];
    this.#patch(packet, 0);
    out.push(packet);
    return out;
  }

  /** The reference has come to the unit that was begun, or past it: others may count from there. */
  #followReference(gate: Gate): void {
    if (this.#isAnchored || !gate.hasReached) return;
    this.#isAnchored = true;
    if (gate.hasMissed) for (const each of this.#gates) each.giveUpCounting();
  }

  /** Follows the source's tables; returns the sections to send in the place of a packet of theirs. */
  #writeTables(packets: Buffer, at: number, pid: number): readonly TableSection[] {
    const completed = this.#follower.push(pid, packets, at);
    const { map } = this.#follower;
    const { tables, mapping } = this.#start;
    // One that knows fewer programs than the candidate did is not complete yet.
    if (map && map !== this.#map && map.programs.length >= this.#map.programs.length) {
      this.#map = map;
      if (tables) mapping.follow(map);
      this.#movedPids = !mapping.isIdentity;
    }
    if (!tables) return [];
    return completed
      .map((table) => (table === 'pat' ? tables.pat(this.#map) : tables.pmt(this.#map, table.pmtOf)))
      .filter((section) => section !== undefined);
  }

  #packetizeAll(sections: readonly TableSection[]): readonly Buffer[] {
    return sections.map((section) => this.#packetize(section));
  }

  #packetize({ pid, section }: TableSection): Buffer {
    const first = (this.#counterOf(pid) + 1) & 0x0f;
    this.#counters[pid] = (first + packetsOfSection(section.length) - 1) & 0x0f;
    return packetizeSection(section, pid, first);
  }

  /** The last counter of a PID of the ring; 15 before its first, so that this one has 0. */
  #counterOf(pid: number): number {
    const counter = this.#counters[pid]!;
    return counter < 0 ? 0x0f : counter;
  }

  /** Takes PCRs out that are not after the ring's last one, until one is: a clock never goes back unannounced. */
  #guardPcr(packets: Buffer, at: number, pid: number): readonly Buffer[] | typeof KEEP {
    const { lastPcr, pcrPid, offset90 } = this.#start;
    if (!this.#guardsPcr || pid !== pcrPid || lastPcr === undefined) return KEEP;
    const pcr = readPcr(packets, at);
    if (pcr === undefined) return KEEP;
    if (wrappedPcrDifference(pcr + offset90 * 300, lastPcr) > 0 || discontinuityIndicator(packets, at)) {
      this.#guardsPcr = false;
      return KEEP;
    }
    const packet = withoutPcr(packets, at);
    this.#patch(packet, 0);
    return [packet];
  }

  #needsPatch(packets: Buffer, at: number): boolean {
    const pid = pidOf(packets, at);
    if (pid === NULL_PID) return false;
    if (this.#movedPids || hasTransportError(packets, at)) return this.#movedPids;
    if (this.#start.offset90 !== 0 || this.#deltaFor(packets, at, pid, pid) !== 0) return true;
    this.#counters[pid] = continuityCounter(packets, at);
    return false;
  }

  /** What is added to the counters of a PID of the source; its first packet that is sent decides. */
  #deltaFor(bytes: Buffer, at: number, pid: number, target: number): number {
    const known = this.#deltas[pid]!;
    if (known !== NO_DELTA) return known;
    const last = this.#counters[target]!;
    const found = continuityCounter(bytes, at);
    const expected = last < 0 ? found : hasPayload(bytes, at) ? last + 1 : last;
    const delta = (expected - found) & 0x0f;
    this.#deltas[pid] = delta;
    return delta;
  }

  #patch(bytes: Buffer, at: number): void {
    const pid = pidOf(bytes, at);
    const target = this.#start.mapping.pidFor(pid) ?? pid;
    if (target !== pid) setPid(bytes, at, target);
    if (pid === NULL_PID || hasTransportError(bytes, at)) return;
    const counter = (continuityCounter(bytes, at) + this.#deltaFor(bytes, at, pid, target)) & 0x0f;
    setContinuityCounter(bytes, at, counter);
    restampPacket(bytes, at, { clockOffset90: this.#start.offset90 });
    this.#counters[target] = counter;
  }
}

const KEEP = 'keep';
const NOTHING: readonly Buffer[] = [];

/** The tables of a source as they are. */
function sectionsOf({ patSections, programs }: ProgramMap): readonly TableSection[] {
  const pat = patSections.map((section) => ({ pid: PAT_PID, section }));
  return [...pat, ...programs.map(({ pmtPid, section }) => ({ pid: pmtPid, section }))];
}
