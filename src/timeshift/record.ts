import { crc32 } from 'node:zlib';
import { type Static, Type } from '../base/schema.ts';
import { schemaCheck } from '../base/schema-check.ts';

/** Of the files' format. A store with a higher one was written by a newer acemux and is left alone. */
export const STORE_VERSION = 1;

const Count = Type.Integer({ minimum: 0 });
/** Bytes since the store began. */
const Position = Count;
/** Milliseconds since the Unix epoch. */
const WallMs = Type.Number({ minimum: 0 });

/** The first record of a segment: where in its store it begins. */
const HeadSchema = Type.Object({
  is: Type.Literal('head'),
  version: Count,
  from: Position,
  wallMs: WallMs,
  mediaMs: Type.Number(),
});
/** The media file holds whole packets up to `to`; `crc` is that of what was added since the record before. */
const DataSchema = Type.Object({ is: Type.Literal('data'), to: Position, wallMs: WallMs, crc: Count });
/** An access point, in this segment or the one before it. */
const PointSchema = Type.Object({
  is: Type.Literal('point'),
  position: Position,
  wallMs: WallMs,
  kind: Type.Enum(['idr', 'recovery_point', 'i_slice', 'irap', 'mpeg2_i', 'audio', 'indicator', 'fallback']),
  pts: Type.Optional(Count),
  mediaMs: Type.Number(),
  /** Base64. */
  tables: Type.String(),
  /** Relative to `position`. */
  omit: Type.Array(Count),
});
/** The timeline breaks at `position`; `endPts` is where it ended. */
const BreakSchema = Type.Object({ is: Type.Literal('break'), position: Position, endPts: Count });
const RecordSchema = Type.Union([HeadSchema, DataSchema, PointSchema, BreakSchema]);
const recordCheck = schemaCheck(RecordSchema);

export type HeadRecord = Static<typeof HeadSchema>;
export type DataRecord = Static<typeof DataSchema>;
export type PointRecord = Static<typeof PointSchema>;
export type IndexRecord = Static<typeof RecordSchema>;

/** One line of an index file: the checksum of the JSON behind it. The line's end is the record's. */
export function printRecord(record: IndexRecord): string {
  return printLine(record);
}

/** The records that an index file begins with; `bytes`: how much of it they take. What is cut or damaged ends them. */
export function parseRecords(index: Buffer): { readonly records: IndexRecord[]; readonly bytes: number } {
  const records: IndexRecord[] = [];
  let bytes = 0;
  for (const { to, value } of parseLines(index)) {
    if (!recordCheck.allows(value)) break;
    records.push(value);
    bytes = to;
  }
  return { records, bytes };
}

/** A line of a file that is only appended to. */
export function printLine(value: unknown): string {
  const text = JSON.stringify(value);
  return `${checksum(text)} ${text}\n`;
}

/** The whole lines that a file begins with, and where each is in it, its end included. */
export function* parseLines(file: Buffer): Generator<{ value: unknown; from: number; to: number }> {
  let from = 0;
  for (let end = file.indexOf(0x0a); end >= 0; end = file.indexOf(0x0a, from)) {
    const value = parseLine(file.toString('utf8', from, end));
    if (value === undefined) return;
    const to = end + 1;
    yield { value, from, to };
    from = to;
  }
}

/** The version that an index file says it has, whatever else is in it; undefined where it says none. */
export function versionOf(index: Buffer): number | undefined {
  const [, version] = /"is":"head","version":(\d+)/.exec(index.toString('utf8', 0, 256)) ?? [];
  return version === undefined ? undefined : Number(version);
}

function parseLine(line: string): unknown {
  const text = line.slice(9);
  if (line[8] !== ' ' || checksum(text) !== line.slice(0, 8)) return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // A right checksum over no JSON: not written by acemux.
  }
}

function checksum(text: string): string {
  return crc32(text).toString(16).padStart(8, '0');
}
