import { isActive } from '../logic/condition.ts';
import { counted } from '../logic/format.ts';
import { cutMiddle } from '../logic/middle.ts';
import { layoutTopology, viewerDots } from '../logic/topology.ts';
import { hueOf } from '../store/hues.ts';
import { overview } from '../store/live.ts';
import { linkTo } from '../store/route.ts';
import { texts } from '../texts.ts';
import { useWidth } from './measured.tsx';
import { streamNameOf } from './words.tsx';

type Engine = NonNullable<typeof overview.value>['engines'][number];

/** As people count: engine 2 before engine 10. */
export function byName(one: Pick<Engine, 'container_name'>, other: Pick<Engine, 'container_name'>): number {
  return one.container_name.localeCompare(other.container_name, 'en', { numeric: true });
}

const DOT_PITCH = 9;
const ROWS_PER_ENGINE = 7;
const PIXELS_PER_LETTER = 7.1;

/** VPN, engine, stream, viewers, from left to right; a line for what carries what, a dot for each viewer. */
export function TopologyPicture() {
  const { frame, width } = useWidth();
  return (
    <div class="topology" ref={frame}>
      {width.value > 0 && <Picture width={width.value} />}
    </div>
  );
}

function Picture({ width }: { readonly width: number }) {
  const now = overview.value;
  if (!now || now.engines.length === 0) return null;
  const streams = now.streams.filter(isActive);
  const engines = new Map(now.engines.map((engine) => [engine.container_id, engine]));
  const byId = new Map(streams.map((stream) => [stream.id, stream]));
  const picture = layoutTopology({
    engines: now.engines.toSorted(byName).map((engine) => ({
      id: engine.container_id,
      name: engine.container_name,
      vpn: engine.vpn_container,
    })),
    streams: streams.map((stream) => ({
      id: stream.id,
      engine: stream.container_id,
      viewers: stream.client_count,
    })),
    width,
    rowsPerEngineMax: ROWS_PER_ENGINE,
  });
  const cut = (text: string, room: number): string =>
    cutMiddle(text, Math.max(3, Math.floor(room / PIXELS_PER_LETTER)));
  const summary = `${counted(now.engines.length, 'engine')}, ${counted(streams.length, 'stream')}, ${counted(
    streams.reduce((sum, { client_count }) => sum + client_count, 0),
    'viewer',
  )}`;
  return (
    <svg
      width={width}
      height={picture.height}
      viewBox={`0 0 ${width} ${picture.height}`}
      role="group"
      aria-label={summary}
    >
      {picture.links.map(({ path, from, to, weight }) => (
        <path
          key={`${from} ${to}`}
          class={`topology-link ${engines.has(from) ? hueOf(from) : 'hue-none'}`}
          d={path}
          stroke-width={Math.min(7, 1.5 + Math.sqrt(weight) * 0.9)}
        />
      ))}
      {picture.vpns.map((box) => {
        const isDown = now.engines.some(
          (engine) => engine.vpn_container === box.name && engine.vpn_state === 'down',
        );
        return (
          <a key={box.name} href="#/vpn" aria-label={`VPN ${box.name}`}>
            <rect
              class={isDown ? 'topology-vpn is-down' : 'topology-vpn'}
              x={box.x}
              y={box.y}
              width={box.width}
              height={box.height}
              rx="6"
            />
            <text x={box.x + 10} y={box.y + (box.height < 24 ? 16 : 20)}>
              {cut(box.name, box.width - 16)}
            </text>
          </a>
        );
      })}
      {picture.engines.map((box) => {
        const engine = engines.get(box.id);
        if (!engine) return null;
        const taken = `${engine.stream_count}/${now.streams_per_engine_max}`;
        const state = texts.states[engine.state] ?? engine.state;
        const showsState = box.height > 40;
        return (
          <a key={box.id} href={linkTo('engines', box.id)}>
            <title>{`${state}, ${taken}`}</title>
            <rect
              class={`topology-engine is-${engine.state} ${hueOf(box.id)}`}
              x={box.x}
              y={box.y}
              width={box.width}
              height={box.height}
              rx="6"
            />
            <rect
              class={`topology-edge ${hueOf(box.id)}`}
              x={box.x}
              y={box.y}
              width="4"
              height={box.height}
              rx="2"
            />
            <text x={box.x + 14} y={box.y + 20}>
              {cut(engine.container_name, box.width - 26 - (width > 520 ? 36 : 0))}
            </text>
            {width > 520 && (
              <text class="topology-number" x={box.x + box.width - 10} y={box.y + 20} text-anchor="end">
                {taken}
              </text>
            )}
            {(showsState || engine.state !== 'healthy') && box.height > 40 && (
              <text class={`topology-state is-${engine.state}`} x={box.x + 14} y={box.y + 38}>
                {state}
              </text>
            )}
          </a>
        );
      })}
      {picture.streams.map((row) => {
        const [id = ''] = row.ids;
        const stream = byId.get(id);
        const isRest = row.kind === 'rest';
        const name = isRest
          ? `${counted(row.ids.length, 'more stream')}`
          : streamNameOf(stream?.stream_id ?? id);
        const { dots, rest } = viewerDots(row.viewers, picture.viewersWidth, DOT_PITCH);
        return (
          <a key={id} href={isRest ? '#/streams' : linkTo('streams', id)}>
            <title>{counted(row.viewers, 'viewer')}</title>
            <rect
              class={`topology-stream ${hueOf(row.engine)}`}
              x={row.x}
              y={row.y + 2}
              width={row.width}
              height={row.height - 4}
              rx="5"
            />
            <text class={row.engine === null ? 'is-waiting' : ''} x={row.x + 10} y={row.y + 20}>
              {cut(name, row.width - 16)}
            </text>
            {Array.from({ length: dots }, (_, index) => (
              <circle
                key={index}
                class={`topology-viewer ${hueOf(row.engine)}`}
                cx={picture.viewersX + 4 + index * DOT_PITCH}
                cy={row.y + row.height / 2}
                r="3"
              />
            ))}
            {rest > 0 && (
              <text class="topology-number" x={picture.viewersX + 6 + dots * DOT_PITCH} y={row.y + 19}>
                +{rest}
              </text>
            )}
            {row.viewers === 0 && (
              <text class="topology-number" x={picture.viewersX} y={row.y + 19}>
                0
              </text>
            )}
          </a>
        );
      })}
    </svg>
  );
}
