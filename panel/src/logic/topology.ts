/** Where the boxes and lines of the picture "VPN, engine, stream, viewers" stand. */

export interface TopologyEngine {
  readonly id: string;
  readonly name: string;
  readonly vpn: string | null;
}

export interface TopologyStream {
  readonly id: string;
  /** Null: it has no source now. */
  readonly engine: string | null;
  readonly viewers: number;
}

export interface TopologyInput {
  readonly engines: readonly TopologyEngine[];
  readonly streams: readonly TopologyStream[];
  /** Pixels. */
  readonly width: number;
  /** Of one engine, more streams than this are one row that says how many. */
  readonly rowsPerEngineMax: number;
}

export interface Box {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

export interface StreamRow extends Box {
  readonly kind: 'stream' | 'rest';
  /** Of one stream; of the rest, those that it stands for. */
  readonly ids: readonly string[];
  readonly viewers: number;
  readonly engine: string | null;
}

export interface Topology {
  readonly width: number;
  readonly height: number;
  /** Without one, there is no such column. */
  readonly vpns: readonly (Box & { readonly name: string })[];
  readonly engines: readonly (Box & { readonly id: string })[];
  readonly streams: readonly StreamRow[];
  readonly links: readonly {
    readonly path: string;
    readonly from: string;
    readonly to: string;
    readonly weight: number;
  }[];
  /** Where dots for viewers begin, and how much room they have. */
  readonly viewersX: number;
  readonly viewersWidth: number;
}

const ROW = 30;
const ROW_GAP = 4;
const GROUP_GAP = 16;
const NARROW = 560;
/** Of a VPN that is a line. */
const HEADING = 26;

export function layoutTopology({ engines, streams, width, rowsPerEngineMax }: TopologyInput): Topology {
  // Where there is no room for a column, a VPN is a line above its engines.
  const isNarrow = width < NARROW;
  const columns = columnsOf(width, !isNarrow && engines.some(({ vpn }) => vpn !== null));
  const byEngine = Map.groupBy(streams, ({ engine }) => engine);
  const known = new Set(engines.map(({ id }) => id));
  const groups = Map.groupBy(
    engines.toSorted((one, other) => (one.vpn ?? '').localeCompare(other.vpn ?? '')),
    ({ vpn }) => vpn,
  );
  const links: { path: string; from: string; to: string; weight: number }[] = [];
  const vpnBoxes: (Box & { name: string })[] = [];
  const engineBoxes: (Box & { id: string })[] = [];
  const rows: StreamRow[] = [];
  let y = 0;

  const placeStreams = (
    list: readonly TopologyStream[],
    engine: string | null,
  ): { top: number; bottom: number } => {
    const top = y;
    for (const row of rowsOf(list, rowsPerEngineMax)) {
      rows.push({ ...row, engine, x: columns.stream.x, y, width: columns.stream.width, height: ROW });
      y += ROW + ROW_GAP;
    }
    if (list.length === 0) y += ROW + ROW_GAP;
    return { top, bottom: y - ROW_GAP };
  };

  for (const [vpn, members] of groups) {
    const groupTop = y;
    if (isNarrow && vpn !== null) y += HEADING;
    const boxes: (Box & { id: string })[] = [];
    for (const engine of members) {
      const firstRow = rows.length;
      const { top, bottom } = placeStreams(byEngine.get(engine.id) ?? [], engine.id);
      const box = {
        id: engine.id,
        x: columns.engine.x,
        y: top,
        width: columns.engine.width,
        height: bottom - top,
      };
      boxes.push(box);
      for (const row of rows.slice(firstRow)) {
        links.push({
          path: curve(rightOf(box, row), leftOf(row)),
          from: engine.id,
          to: row.ids[0] ?? '',
          weight: row.viewers,
        });
      }
      y += GROUP_GAP - ROW_GAP;
    }
    engineBoxes.push(...boxes);
    if (vpn !== null) {
      const height = isNarrow ? HEADING - 4 : y - GROUP_GAP - groupTop;
      const box = { name: vpn, x: 0, y: groupTop, width: isNarrow ? width : columns.vpnWidth, height };
      vpnBoxes.push(box);
      if (isNarrow) continue;
      for (const engine of boxes) {
        links.push({
          path: curve(rightOf(box, engine), leftOf(engine)),
          from: vpn,
          to: engine.id,
          weight: 1,
        });
      }
    }
  }
  const waiting = streams.filter(({ engine }) => engine === null || !known.has(engine));
  if (waiting.length > 0) {
    placeStreams(waiting, null);
    y += GROUP_GAP - ROW_GAP;
  }
  const { viewersX } = columns;
  const height = Math.max(0, y - GROUP_GAP);
  return {
    width,
    height,
    vpns: vpnBoxes,
    engines: engineBoxes,
    streams: rows,
    links,
    viewersX,
    viewersWidth: Math.max(0, width - viewersX),
  };
}

function rowsOf(
  streams: readonly TopologyStream[],
  max: number,
): Pick<StreamRow, 'kind' | 'ids' | 'viewers'>[] {
  const sorted = streams.toSorted(
    (one, other) => other.viewers - one.viewers || one.id.localeCompare(other.id),
  );
  const shown = sorted.length <= max ? sorted : sorted.slice(0, max - 1);
  const rest = sorted.slice(shown.length);
  const rows: Pick<StreamRow, 'kind' | 'ids' | 'viewers'>[] = shown.map(({ id, viewers }) => ({
    kind: 'stream',
    ids: [id],
    viewers,
  }));
  if (rest.length > 0) {
    rows.push({
      kind: 'rest',
      ids: rest.map(({ id }) => id),
      viewers: rest.reduce((sum, { viewers }) => sum + viewers, 0),
    });
  }
  return rows;
}

function columnsOf(width: number, hasVpns: boolean) {
  const vpnWidth = hasVpns ? Math.min(120, Math.max(56, width * 0.13)) : 0;
  const gap = Math.max(16, Math.min(84, width * 0.075 - 12));
  const engineX = hasVpns ? vpnWidth + gap : 0;
  const viewersWidth = Math.max(52, width * 0.2);
  const room = Math.max(120, width - engineX - gap - viewersWidth);
  const engineWidth = Math.min(230, room * 0.5);
  const streamX = engineX + engineWidth + gap;
  const streamWidth = Math.min(300, Math.max(60, room - engineWidth));
  return {
    vpnWidth,
    engine: { x: engineX, width: engineWidth },
    stream: { x: streamX, width: streamWidth },
    viewersX: streamX + streamWidth + 14,
  };
}

interface Point {
  readonly x: number;
  readonly y: number;
}

function leftOf({ x, y, height }: Box): Point {
  return { x, y: y + Math.min(height, ROW) / 2 };
}

/** At the height of what it leads to, so that lines to streams are level. */
function rightOf({ x, y, width, height }: Box, target: Box): Point {
  const level = target.y + Math.min(target.height, ROW) / 2;
  return { x: x + width, y: Math.min(Math.max(level, y), y + height) };
}

function curve(from: Point, to: Point): string {
  const middle = (from.x + to.x) / 2;
  return `M${round(from.x)} ${round(from.y)}C${round(middle)} ${round(from.y)} ${round(middle)} ${round(to.y)} ${round(to.x)} ${round(to.y)}`;
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}

/** So many dots fit; if there are more viewers, a number stands behind the last. */
export function viewerDots(
  viewers: number,
  width: number,
  pitch: number,
): { readonly dots: number; readonly rest: number } {
  const room = Math.max(1, Math.floor(width / pitch));
  if (viewers <= room) return { dots: viewers, rest: 0 };
  // The number takes the room of five.
  const dots = Math.max(1, room - 5);
  return { dots, rest: viewers - dots };
}
