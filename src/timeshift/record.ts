import { crc32 } from 'node:zlib';
import { type Static, Type } from 'typebox';
import { Value } from 'typebox/value';

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

export type HeadRecord = Static<typeof HeadSchema>;
export type DataRecord = Static<typeof DataSchema>;
export type PointRecord = Static<typeof PointSchema>;
export type IndexRecord = Static<typeof RecordSchema>;

/** One line of an index file: the checksum of the JSON behind it. The line's end is the record's. */
export function printRecord(record: IndexRecord): string {
  const text = JSON.stringify(record);
  return `${checksum(text)} ${text}\n`;
}

/** The records that an index file begins with; `bytes`: how much of it they take. What is cut or damaged ends them. */
export function parseRecords(index: Buffer): { readonly records: IndexRecord[]; readonly bytes: number } {
  const records: IndexRecord[] = [];
  let from = 0;
  for (let to = index.indexOf(0x0a); to >= 0; to = index.indexOf(0x0a, from)) {
    const record = parseLine(index.toString('utf8', from, to));
    if (!record) break;
    records.push(record);
    from = to + 1;
  }
  return { records, bytes: from };
}

/** The version that an index file says it has, whatever else is in it; undefined where it says none. */
export function versionOf(index: Buffer): number | undefined {
  const [, version] = /"is":"head","version":(\d+)/.exec(index.toString('utf8', 0, 256)) ?? [];
  return version === undefined ? undefined : Number(version);
}

function parseLine(line: string): IndexRecord | undefined {
  const text = line.slice(9);
  if (line[8] !== ' ' || checksum(text) !== line.slice(0, 8)) return undefined;
  try {
    const value: unknown = JSON.parse(text);
    return Value.Check(RecordSchema, value) ? value : undefined;
  } catch {
    return undefined; // A right checksum over no JSON: not written by acemux.
  }
}

function checksum(text: string): string {
  return crc32(text).toString(16).padStart(8, '0');
}
