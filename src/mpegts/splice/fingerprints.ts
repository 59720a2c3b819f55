import {
  hasTransportError,
  isScrambled,
  NULL_PID,
  PACKET_BYTES,
  PID_COUNT,
  pidOf,
  startsUnit,
} from '../packet.ts';
import { PesTrack } from './pes-track.ts';
import { type CompletedTable, type ProgramMap, TableFollower } from './program-map.ts';

/** One PES packet as it can be recognized in another multiplex of the same broadcast. */
export interface Fingerprint {
  /** What its stream is: MappedStream.role. */
  readonly role: string;
  /** Identifies the bytes of its elementary stream, and their number. */
  readonly key: number;
  readonly pts: number | undefined;
  readonly dts: number | undefined;
  /** Its DTS; where it has none, that of the reference stream's PES packet that began last before it. 90 kHz. */
  readonly clock90: number;
  /** Byte position of the packet in which it begins. */
  readonly position: number;
  /** random_access_indicator. */
  readonly randomAccess: boolean;
}

/** A stream that is followed, with its PES packet under way. */
export interface FollowedStream {
  readonly pid: number;
  readonly role: string;
  readonly isReference: boolean;
  readonly track: PesTrack;
  /** Where the PES packet under way begins. */
  position: number;
  clock90: number | undefined;
  /** Its fingerprint has been handed on. */
  isTold: boolean;
}

/** Of a stream without timestamps one PES packet in so many is told, chosen by its content. */
const DATA_ONE_IN = 16;

export interface FingerprintListener {
  readonly unitBegins: (stream: FollowedStream) => void;
  readonly unitEnds: (fingerprint: Fingerprint) => void;
}

/**
 * Takes the fingerprints of all streams of a multiplex. One hash over the bytes of the elementary streams; nothing is
 * copied. A PES packet that says its length ends with its last byte, another one when the next begins. Streams without
 * timestamps can have thousands of PES packets a second: of theirs a part is told, the same in every multiplex.
 */
export class Fingerprinter {
  readonly #listener: FingerprintListener;
  readonly #tables = new TableFollower();
  #map: ProgramMap | undefined;
  #streams: readonly FollowedStream[] = [];
  /** By PID the number of its stream in `#streams`, from 1 on; 0: none is followed. Small, for each source that is tried has one. */
  readonly #numbers = new Uint16Array(PID_COUNT);
  #referenceClock90: number | undefined;
  #isResting = false;

  constructor(listener: FingerprintListener) {
    this.#listener = listener;
  }

  get map(): ProgramMap | undefined {
    return this.#map;
  }

  get streams(): readonly FollowedStream[] {
    return this.#streams;
  }

  /** Whether a PID carries the PAT or a PMT. */
  isTable(pid: number): boolean {
    return this.#tables.isTablePid[pid] === 1;
  }

  streamOf(pid: number): FollowedStream | undefined {
    const number = this.#numbers[pid]!;
    return number === 0 ? undefined : this.#streams[number - 1];
  }

  /**
   * From now on nothing is hashed: only tables are read, and where the reference's PES packets begin. A burst of many
   * seconds that is known already costs next to nothing so.
   */
  rest(): void {
    if (this.#isResting) return;
    this.#isResting = true;
    for (const { track } of this.#streams) track.abandon();
  }

  /** Ends the rest; from within `unitBegins`, with the very PES packet that begins. */
  resume(): void {
    this.#isResting = false;
  }

  get isResting(): boolean {
    return this.#isResting;
  }

  /** Whole packets; the first stands at `position`. */
  push(packets: Buffer, position: number): void {
    for (let at = 0; at + PACKET_BYTES <= packets.length; at += PACKET_BYTES) {
      this.pushPacket(packets, at, pidOf(packets, at), position + at);
    }
  }

  /** One packet; returns the tables that it completed. */
  pushPacket(packets: Buffer, at: number, pid: number, position: number): readonly CompletedTable[] {
    if (pid === NULL_PID || hasTransportError(packets, at)) return NO_TABLES;
    if (this.#tables.isTablePid[pid] === 1) {
      const completed = this.#tables.push(pid, packets, at);
      if (this.#tables.map !== this.#map) this.#follow(this.#tables.map);
      return completed;
    }
    const stream = this.streamOf(pid);
    if (!stream || isScrambled(packets, at)) return NO_TABLES;
    if (!this.#isResting) this.#pushStream(stream, packets, at, position);
    else if (stream.isReference && startsUnit(packets, at)) this.#glance(stream, packets, at, position);
    return NO_TABLES;
  }

  /** Looks at the beginning of a PES packet, and follows it only if that ends the rest. */
  #glance(stream: FollowedStream, packets: Buffer, at: number, position: number): void {
    this.#pushStream(stream, packets, at, position);
    if (this.#isResting) stream.track.abandon();
  }

  #pushStream(stream: FollowedStream, packets: Buffer, at: number, position: number): void {
    const { track } = stream;
    // The key of what was open has to be taken before the packet that ends it is.
    const begins = (packets[at + 1]! & 0x40) !== 0;
    if (begins && track.isOpen) this.#tell(stream);
    if (track.push(packets, at) === 'begins') {
      stream.position = position;
      stream.isTold = false;
      if (stream.isReference) this.#referenceClock90 = track.lastDts;
      stream.clock90 = track.lastDts ?? this.#referenceClock90;
      this.#listener.unitBegins(stream);
    }
    if (track.isWhole) this.#tell(stream);
  }

  #tell(stream: FollowedStream): void {
    const { track, role, position, clock90 } = stream;
    if (stream.isTold || track.isStrange || !track.isHeaderDone) return;
    stream.isTold = true;
    if (track.lastDts === undefined && (track.hash & (DATA_ONE_IN - 1)) !== 0) return;
    // What came before any clock can't be told to be at any time.
    if (clock90 === undefined) return;
    const { key, pts, dts, randomAccess } = track;
    this.#listener.unitEnds({ role, key, pts, dts, clock90, position, randomAccess });
  }

  /** Streams that kept PID and role go on; others begin. */
  #follow(map: ProgramMap | undefined): void {
    this.#map = map;
    const before = this.#streams;
    const streams = map?.programs.flatMap((program) => program.streams) ?? [];
    this.#streams = streams.map(({ pid, role }) => {
      const known = before.find((each) => each.pid === pid && each.role === role);
      const isReference = pid === map?.reference?.pid;
      if (known?.isReference === isReference) return known;
      const fresh = { position: 0, clock90: undefined, isTold: true };
      return { pid, role, isReference, track: new PesTrack(), ...fresh };
    });
    this.#numbers.fill(0);
    for (const [index, { pid }] of this.#streams.entries()) this.#numbers[pid] = index + 1;
  }
}

const NO_TABLES: readonly CompletedTable[] = [];
