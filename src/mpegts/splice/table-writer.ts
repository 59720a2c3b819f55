import { buildPatSection, buildPmtSection } from '../psi.ts';
import type { PidMapping } from './pid-mapping.ts';
import type { MappedProgram, ProgramMap } from './program-map.ts';

export interface TableSection {
  readonly pid: number;
  readonly section: Buffer;
}

interface Written {
  /** The section with version 0: what it says. */
  readonly content: Buffer;
  readonly version: number;
}

const PAT_KEY = -1;

/**
 * Writes the tables of a new source as they must read in the ring: with the PIDs and numbers there, and with a version
 * that changes exactly when what they say does.
 */
export class TableWriter {
  readonly #old: ProgramMap;
  readonly #mapping: PidMapping;
  readonly #isNew: boolean;
  readonly #written = new Map<number, Written>();

  /** `isNew`: the first tables get a new version whatever they say. */
  constructor(old: ProgramMap, mapping: PidMapping, isNew: boolean) {
    this.#old = old;
    this.#mapping = mapping;
    this.#isNew = isNew;
  }

  pat(fresh: ProgramMap): TableSection | undefined {
    const old = this.#old;
    const programs = fresh.programs.map((program, index) => ({
      programNumber: this.#mapping.programNumberFor(program, index),
      pmtPid: this.#mapping.pidFor(program.pmtPid) ?? program.pmtPid,
    }));
    const transportStreamId = this.#mapping.agrees ? old.transportStreamId : fresh.transportStreamId;
    const before = (): Written => ({
      content: buildPatSection({
        version: 0,
        transportStreamId: old.transportStreamId,
        programs: old.programs,
      }),
      version: old.patVersion,
    });
    const build = (version: number): Buffer => buildPatSection({ version, transportStreamId, programs });
    return this.#write(PAT_KEY, 0, before, build);
  }

  /** The PMT of a program by its number in the new source; undefined when it has none. */
  pmt(fresh: ProgramMap, programNumber: number): TableSection | undefined {
    const index = fresh.programs.findIndex((each) => each.programNumber === programNumber);
    const program = fresh.programs[index];
    if (!program) return undefined;
    const mapping = this.#mapping;
    const old = this.#old.programs[index];
    const before = (): Written | undefined => old && { content: buildPmt(old, 0), version: old.version };
    const pidFor = (pid: number): number => mapping.pidFor(pid) ?? pid;
    const mapped = {
      ...program,
      programNumber: mapping.programNumberFor(program, index),
      pcrPid: pidFor(program.pcrPid),
      streams: program.streams.map((stream) => ({ ...stream, pid: pidFor(stream.pid) })),
    };
    return this.#write(index, pidFor(program.pmtPid), before, (version) => buildPmt(mapped, version));
  }

  /** All tables, the PAT first. */
  all(fresh: ProgramMap): readonly TableSection[] {
    const pmts = fresh.programs.map(({ programNumber }) => this.pmt(fresh, programNumber));
    return [this.pat(fresh), ...pmts].filter((each) => each !== undefined);
  }

  #write(
    key: number,
    pid: number,
    before: () => Written | undefined,
    build: (version: number) => Buffer,
  ): TableSection | undefined {
    try {
      const last = this.#written.get(key) ?? before();
      const isFirst = !this.#written.has(key);
      const content = build(0);
      const isChanged = last === undefined || !content.equals(last.content) || (isFirst && this.#isNew);
      const version = last === undefined ? 0 : isChanged ? (last.version + 1) & 31 : last.version;
      this.#written.set(key, { content, version });
      return { pid, section: build(version) };
    } catch (error) {
      // More than a section holds: such a table is not sent on.
      if (error instanceof RangeError) return undefined;
      throw error;
    }
  }
}

function buildPmt(program: MappedProgram, version: number): Buffer {
  const { programNumber, pcrPid, descriptors, streams } = program;
  return buildPmtSection({ version, programNumber, pcrPid, descriptors, streams });
}
