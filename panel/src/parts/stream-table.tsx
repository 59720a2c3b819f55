import { useSignal } from '@preact/signals';
import { counted, formatCount, formatDuration, formatRate, NOTHING } from '../logic/format.ts';
import { codecNames, formatSize, shortSize } from '../logic/media.ts';
import { type Order, sortedBy } from '../logic/table.ts';
import { nowMs, rates, type Stream } from '../store/live.ts';
import { texts } from '../texts.ts';
import { Sparkline } from './sparkline.tsx';
import { EngineName, engineNameOf, StateMark, StreamName, streamNameOf } from './words.tsx';

interface Column {
  readonly name: keyof typeof texts.streams.columns;
  readonly isNumber?: boolean;
  /** Left out where there is no room for all. */
  readonly isExtra?: boolean;
}

const COLUMNS: readonly Column[] = [
  { name: 'stream' },
  { name: 'state' },
  { name: 'viewers', isNumber: true },
  { name: 'engine' },
  { name: 'rate', isNumber: true },
  { name: 'media', isExtra: true },
  { name: 'peers', isNumber: true },
  { name: 'speed', isNumber: true, isExtra: true },
  { name: 'buffer', isNumber: true, isExtra: true },
  { name: 'splices', isNumber: true, isExtra: true },
  { name: 'uptime', isNumber: true },
  { name: 'idle', isNumber: true, isExtra: true },
];

function cellOf(stream: Stream, column: string): string | number {
  switch (column) {
    case 'state':
      return stream.state;
    case 'viewers':
      return stream.client_count;
    case 'engine':
      return stream.container_id === null ? '' : engineNameOf(stream.container_id);
    case 'rate':
      return stream.media_bytes_per_second ?? -1;
    case 'peers':
      return stream.peers ?? -1;
    case 'speed':
      return stream.speed_down ?? -1;
    case 'media':
      return (stream.width ?? -1) * (stream.height ?? 1);
    case 'buffer':
      return stream.buffer_pieces ?? -1;
    case 'splices':
      return stream.splices;
    case 'uptime':
      return -Date.parse(stream.started_at ?? stream.created_at);
    case 'idle':
      return stream.idle_seconds;
    default:
      return streamNameOf(stream.stream_id);
  }
}

interface StreamTableProps {
  readonly streams: readonly Stream[];
  /** Only what matters at a glance. */
  readonly isShort?: boolean;
}

export function StreamTable({ streams, isShort = false }: StreamTableProps) {
  const order = useSignal<Order>({ column: 'viewers', isDescending: true });
  const columns = COLUMNS.filter(({ isExtra }) => !(isShort && isExtra));
  // By rate rows would change places every two seconds.
  const rows = sortedBy(streams, order.value, cellOf, ({ id }) => id);
  const sortBy = (column: string): void => {
    const { column: before, isDescending } = order.value;
    order.value = {
      column,
      isDescending: before === column ? !isDescending : column !== 'stream' && column !== 'engine',
    };
  };
  return (
    <div class="table-frame">
      <table class="table streams">
        <thead>
          <tr>
            {columns.map(({ name, isNumber }) => {
              const isSorted = order.value.column === name;
              return (
                <th
                  key={name}
                  scope="col"
                  class={isNumber ? 'is-number' : ''}
                  aria-sort={isSorted ? (order.value.isDescending ? 'descending' : 'ascending') : 'none'}
                >
                  <button type="button" onClick={() => sortBy(name)}>
                    {texts.streams.columns[name]}
                    <span class="sort" aria-hidden="true">
                      {isSorted ? (order.value.isDescending ? '↓' : '↑') : ''}
                    </span>
                  </button>
                </th>
              );
            })}
          </tr>
        </thead>
        <tbody>
          {rows.map((stream) => (
            <StreamRow key={stream.id} stream={stream} columns={columns} />
          ))}
        </tbody>
      </table>
    </div>
  );
}

function StreamRow({ stream, columns }: { readonly stream: Stream; readonly columns: readonly Column[] }) {
  return (
    <tr class={stream.state === 'ended' ? 'is-over' : ''} data-stream={stream.stream_id}>
      {columns.map(({ name, isNumber }) => (
        <td
          key={name}
          class={`${isNumber ? 'is-number ' : ''}${name === 'idle' && stream.client_count > 0 ? 'is-nothing ' : ''}column-${name}`}
          data-label={texts.streams.columns[name]}
        >
          <Cell stream={stream} name={name} />
        </td>
      ))}
    </tr>
  );
}

function Cell({ stream, name }: { readonly stream: Stream; readonly name: Column['name'] }) {
  const rate = rates.streams.value.get(stream.id);
  switch (name) {
    case 'stream':
      return <StreamName stream={stream} />;
    case 'state':
      return <StateMark state={stream.state} />;
    case 'viewers':
      return (
        <span title={stream.paused_count > 0 ? `${counted(stream.paused_count, 'more')} paused` : ''}>
          {formatCount(stream.client_count)}
        </span>
      );
    case 'engine':
      return stream.state === 'ended' ? (
        <span class="faint">{NOTHING}</span>
      ) : (
        <EngineName id={stream.container_id} />
      );
    case 'rate':
      return (
        <span class="with-curve">
          {rate && <Sparkline values={rate.history} height={18} />}
          <span>{formatRate(stream.media_bytes_per_second)}</span>
        </span>
      );
    case 'media': {
      const codecs = codecNames(stream.codecs ?? []);
      return (
        <span class="media" title={formatSize(stream)}>
          <span>{shortSize(stream)}</span>
          {codecs && <span class="faint">{codecs}</span>}
        </span>
      );
    }
    case 'buffer':
      return <>{formatCount(stream.buffer_pieces)}</>;
    case 'splices':
      return <>{formatCount(stream.splices)}</>;
    case 'peers':
      return <>{formatCount(stream.peers)}</>;
    case 'speed':
      return <>{formatRate(stream.speed_down === null ? null : stream.speed_down * 1000)}</>;
    case 'uptime': {
      const from = Date.parse(stream.started_at ?? stream.created_at);
      const to = stream.ended_at === null ? nowMs.value : Date.parse(stream.ended_at);
      return <>{formatDuration((to - from) / 1000)}</>;
    }
    case 'idle':
      return <>{stream.client_count > 0 ? NOTHING : formatDuration(stream.idle_seconds)}</>;
    default:
      return null;
  }
}
