import { type CodecKind, codecKindOf, isVideo } from './codecs.ts';
import { NULL_PID, PAT_PID, PID_COUNT } from './packet.ts';
import {
  type Pat,
  type PatProgram,
  type Pmt,
  packetizeSection,
  packetsOfSection,
  parsePat,
  parsePmt,
  SectionAssembler,
} from './psi.ts';

export interface ProgramStream {
  readonly pid: number;
  readonly streamType: number;
  readonly kind: CodecKind;
  /** The stream's descriptors in the PMT, one after the other. */
  readonly descriptors: Buffer;
}

/** The program that a viewer gets to see. */
export interface Program {
  readonly programNumber: number;
  readonly pmtPid: number;
  readonly pcrPid: number;
  /** The first video stream of the PMT. */
  readonly videoPid: number | undefined;
  readonly videoCodec: CodecKind | undefined;
  /** The first audio stream of the PMT. */
  readonly audioPid: number | undefined;
  readonly audioOnly: boolean;
  readonly streams: readonly ProgramStream[];
}

/** The continuity counters of the last packets on the PIDs of the PAT and the PMT. */
export interface TableCounters {
  readonly pat: number;
  readonly pmt: number;
}

/** Packet PIDs below this are reserved for tables (ISO/IEC 13818-1 table 2-3). */
const FIRST_FREE_PID = 0x10;
/** A PAT of more sections, over 4,000 programs, is not followed. */
const PAT_SECTIONS_MAX = 16;
/** So many programs of a PAT, the first ones, are considered. */
const PROGRAMS_MAX = 32;

/** The sections of a PAT and a PMT that were in force together. */
export class TableSections {
  readonly #pat: readonly Buffer[];
  readonly #pmt: Buffer;
  readonly #pmtPid: number;

  constructor(pat: readonly Buffer[], pmt: Buffer, pmtPid: number) {
    this.#pat = pat;
    this.#pmt = pmt;
    this.#pmtPid = pmtPid;
  }

  /** PAT packets, then PMT packets, whose counters lead up to, and end with, those given. */
  packetsUpTo(last: TableCounters): Buffer {
    const count = this.#pat.reduce((sum, section) => sum + packetsOfSection(section.length), 0);
    const packets: Buffer[] = [];
    let counter = last.pat + 1 - count;
    for (const section of this.#pat) {
      packets.push(packetizeSection(section, PAT_PID, counter));
      counter += packetsOfSection(section.length);
    }
    packets.push(
      packetizeSection(this.#pmt, this.#pmtPid, last.pmt + 1 - packetsOfSection(this.#pmt.length)),
    );
    return Buffer.concat(packets);
  }
}

interface PmtWatch {
  readonly assembler: SectionAssembler;
  /** The last good section of each program that this PID serves, by program number. */
  readonly sections: Map<number, Buffer>;
}

/**
 * Follows PAT and PMTs and chooses the program to show: the first of the PAT that has audio or video, else
 * the first that has a PMT.
 */
export class ProgramTables {
  /** 1 for each PID whose packets `push` wants to see. */
  readonly isTablePid = new Uint8Array(PID_COUNT);
  #program: Program | undefined;
  #rank = Number.POSITIVE_INFINITY;
  #sections: TableSections | undefined;
  readonly #patAssembler = new SectionAssembler();
  #pat: readonly Buffer[] = [];
  /** The PAT that is being collected, or was collected last: section by section number. */
  #collected: (Buffer | undefined)[] = [];
  #collectedAs: Pat | undefined;
  #programs: readonly PatProgram[] = [];
  readonly #pmts = new Map<number, PmtWatch>();

  constructor() {
    this.isTablePid[PAT_PID] = 1;
  }

  get program(): Program | undefined {
    return this.#program;
  }

  /** Of the present program; undefined until both tables are complete. */
  get sections(): TableSections | undefined {
    return this.#sections;
  }

  /** Whether the PAT's PID is between two sections. */
  get isPatIdle(): boolean {
    return this.#patAssembler.isIdle;
  }

  /** Whether the PID of the program's PMT is between two sections. */
  get isPmtIdle(): boolean {
    return this.#program !== undefined && this.#pmts.get(this.#program.pmtPid)?.assembler.isIdle === true;
  }

  /** Forgets everything: what follows comes from elsewhere. */
  reset(): void {
    this.#patAssembler.reset();
    this.#pat = [];
    this.#collected = [];
    this.#collectedAs = undefined;
    this.#setPrograms([]);
    this.#forgetProgram();
  }

  /** Takes a packet of a table PID; returns whether `program` is another object now. */
  push(pid: number, buffer: Buffer, at: number): boolean {
    const before = this.#program;
    if (pid === PAT_PID) {
      for (const section of this.#patAssembler.push(buffer, at)) this.#takePatSection(section);
    } else {
      const watch = this.#pmts.get(pid);
      for (const section of watch?.assembler.push(buffer, at) ?? []) this.#takePmtSection(pid, section);
    }
    return this.#program !== before;
  }

  #takePatSection(section: Buffer): void {
    const number = section[6];
    if (number === undefined || this.#collected[number]?.equals(section) === true) return;
    const pat = parsePat(section);
    if (!pat || pat.lastSectionNumber >= PAT_SECTIONS_MAX) return;
    const known = this.#collectedAs;
    const goesOn =
      known !== undefined &&
      known.version === pat.version &&
      known.transportStreamId === pat.transportStreamId &&
      known.lastSectionNumber === pat.lastSectionNumber &&
      this.#collected[number] === undefined;
    if (!goesOn) this.#collected = new Array<Buffer | undefined>(pat.lastSectionNumber + 1).fill(undefined);
    this.#collectedAs = pat;
    this.#collected[number] = section;
    const complete = this.#collected.filter((each) => each !== undefined);
    if (complete.length <= pat.lastSectionNumber) return;
    this.#pat = complete;
    this.#setPrograms(complete.flatMap((each) => parsePat(each)?.programs ?? []));
  }

  #setPrograms(all: readonly PatProgram[]): void {
    const programs = all
      .filter(({ pmtPid }) => pmtPid >= FIRST_FREE_PID && pmtPid < NULL_PID)
      .slice(0, PROGRAMS_MAX);
    this.#programs = programs;
    for (const pid of this.#pmts.keys()) {
      if (programs.some(({ pmtPid }) => pmtPid === pid)) continue;
      this.#pmts.delete(pid);
      this.isTablePid[pid] = 0;
    }
    for (const { pmtPid } of programs) {
      if (this.#pmts.has(pmtPid)) continue;
      this.#pmts.set(pmtPid, { assembler: new SectionAssembler(), sections: new Map() });
      this.isTablePid[pmtPid] = 1;
    }
    this.#forgetProgram();
    // What is known of the programs that stayed is judged anew, in the PAT's order.
    for (const { programNumber, pmtPid } of programs) {
      const section = this.#pmts.get(pmtPid)?.sections.get(programNumber);
      const pmt = section && parsePmt(section);
      if (pmt) this.#consider(pmt, section, pmtPid);
    }
  }

  #takePmtSection(pid: number, section: Buffer): void {
    const sections = this.#pmts.get(pid)?.sections;
    if (!sections || section.length < 5) return;
    const programNumber = section.readUInt16BE(3);
    if (sections.get(programNumber)?.equals(section) === true) return;
    const pmt = parsePmt(section);
    if (!pmt || !this.#programs.some((each) => each.programNumber === programNumber && each.pmtPid === pid))
      return;
    sections.set(programNumber, section);
    this.#consider(pmt, section, pid);
  }

  /** Makes it the program to show if it is that already, or ranks before the present one. */
  #consider(pmt: Pmt, section: Buffer, pmtPid: number): void {
    const program = programOf(pmt, pmtPid);
    const order = this.#programs.findIndex(
      (each) => each.programNumber === pmt.programNumber && each.pmtPid === pmtPid,
    );
    const rank = order + (program.videoPid === undefined && !program.audioOnly ? PROGRAMS_MAX : 0);
    const isPresent = this.#program?.programNumber === pmt.programNumber && this.#program.pmtPid === pmtPid;
    if (!isPresent && rank >= this.#rank) return;
    this.#rank = rank;
    this.#program = program;
    this.#sections = new TableSections(this.#pat, section, pmtPid);
  }

  #forgetProgram(): void {
    this.#program = undefined;
    this.#sections = undefined;
    this.#rank = Number.POSITIVE_INFINITY;
  }
}

/** What a PMT says, with the streams to watch picked out. */
function programOf(pmt: Pmt, pmtPid: number): Program {
  const streams = pmt.streams.map(({ pid, streamType, descriptors }) => {
    return { pid, streamType, kind: codecKindOf(streamType, descriptors), descriptors };
  });
  const playable = streams.filter(({ pid }) => pid >= FIRST_FREE_PID && pid < NULL_PID && pid !== pmtPid);
  const video = playable.find(({ kind }) => isVideo(kind));
  const audio = playable.find(({ kind }) => kind === 'audio');
  return {
    programNumber: pmt.programNumber,
    pmtPid,
    pcrPid: pmt.pcrPid,
    videoPid: video?.pid,
    videoCodec: video?.kind,
    audioPid: audio?.pid,
    audioOnly: video === undefined && audio !== undefined,
    streams,
  };
}
