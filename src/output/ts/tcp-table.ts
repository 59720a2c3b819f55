import { readFile } from 'node:fs/promises';
import { isIPv4 } from 'node:net';
import { endianness } from 'node:os';

/** What the kernel knows of one connection and Node does not tell. */
export interface KernelQueue {
  /** Bytes that were handed to the kernel and that the other end has not acknowledged. */
  readonly unacknowledgedBytes: number;
  /** How often in a row the kernel has repeated itself, or asked whether there is room, without any answer. */
  readonly unanswered: number;
}

/** The two ends of a connection, as a `net.Socket` names them. */
export interface ConnectionEnds {
  readonly localAddress?: string | undefined;
  readonly localPort?: number | undefined;
  readonly remoteAddress?: string | undefined;
  readonly remotePort?: number | undefined;
}

export type TcpTableFile = '/proc/net/tcp' | '/proc/net/tcp6';

/**
 * The text of the kernel's table of TCP connections (Linux, proc_net_tcp.txt); it holds those of this network
 * namespace. Undefined where there is no such table.
 */
export async function readTcpTable(file: TcpTableFile): Promise<string | undefined> {
  // The addresses are numbers of the machine, printed; all machines that acemux runs on are little-endian.
  if (process.platform !== 'linux' || endianness() !== 'LE') return undefined;
  try {
    return await readFile(file, 'latin1');
  } catch {
    return undefined; // Without /proc the kernel is not asked: TsOutput says what holds then.
  }
}

/** In which table a connection stands: what came in over an IPv6 socket is in the second, IPv4 clients included. */
export function tcpTableFileOf({ localAddress }: ConnectionEnds): TcpTableFile {
  return localAddress !== undefined && isIPv4(localAddress) ? '/proc/net/tcp' : '/proc/net/tcp6';
}

/** A connection as the table names it: `LOCAL:PORT REMOTE:PORT` in hexadecimal; undefined for one that is closed. */
export function tcpTableKey(ends: ConnectionEnds): string | undefined {
  const local = endOf(ends.localAddress, ends.localPort);
  const remote = endOf(ends.remoteAddress, ends.remotePort);
  return local && remote && `${local} ${remote}`;
}

/** Tells `found` of every connection among `keys` that stands in the table. */
export function searchTcpTable<T>(
  table: string,
  keys: ReadonlyMap<string, T>,
  found: (value: T, queue: KernelQueue) => void,
): void {
  let at = table.indexOf('\n') + 1;
  while (at > 0 && at < table.length) {
    const lineEnd = table.indexOf('\n', at);
    const end = lineEnd < 0 ? table.length : lineEnd;
    // "  12: " stands before the two ends, of which each has the same length.
    const keyAt = table.indexOf(':', at) + 2;
    const localEnd = table.indexOf(' ', keyAt);
    const keyEnd = localEnd + 1 + (localEnd - keyAt);
    if (localEnd > 0 && keyEnd < end) {
      const value = keys.get(table.slice(keyAt, keyEnd));
      const queue = value === undefined ? undefined : queueAt(table, keyEnd, end);
      if (value !== undefined && queue) found(value, queue);
    }
    at = end + 1;
  }
}

/**
 * ` st tx_queue:rx_queue tr:when retrnsmt uid probes …`, in columns of fixed width up to `retrnsmt`; `probes` counts the
 * questions to a full receiver that it has not answered.
 */
function queueAt(table: string, from: number, to: number): KernelQueue | undefined {
  const unacknowledgedBytes = Number.parseInt(table.slice(from + 4, from + 12), 16);
  if (unacknowledgedBytes === 0) return NOTHING_OWED;
  const retransmits = Number.parseInt(table.slice(from + 34, from + 42), 16);
  const [, probes = ''] = table
    .slice(from + 42, to)
    .trimStart()
    .split(/ +/, 2);
  const unanswered = Math.max(retransmits, Number.parseInt(probes, 10));
  if (Number.isNaN(unacknowledgedBytes) || Number.isNaN(unanswered)) return undefined;
  return { unacknowledgedBytes, unanswered };
}

const NOTHING_OWED: KernelQueue = { unacknowledgedBytes: 0, unanswered: 0 };

function endOf(address: string | undefined, port: number | undefined): string | undefined {
  if (address === undefined || port === undefined) return undefined;
  const bytes = isIPv4(address) ? bytesOfV4(address) : bytesOfV6(address);
  const words: string[] = [];
  for (let at = 0; at < bytes.length; at += 4) words.push(hex(bytes.readUInt32LE(at), 8));
  return `${words.join('')}:${hex(port, 4)}`;
}

function bytesOfV4(address: string): Buffer {
  return Buffer.from(address.split('.').map(Number));
}

function bytesOfV6(address: string): Buffer {
  const bytes = Buffer.alloc(16);
  const [plain = ''] = address.split('%');
  const dotted = plain.slice(plain.lastIndexOf(':') + 1);
  const mapped = isIPv4(dotted) ? bytesOfV4(dotted) : undefined;
  const text = mapped
    ? plain.replace(dotted, `${mapped.toString('hex', 0, 2)}:${mapped.toString('hex', 2)}`)
    : plain;
  const [front = '', back = ''] = text.split('::');
  const groups = front.split(':').filter(Boolean);
  const last = back.split(':').filter(Boolean);
  groups.forEach((group, index) => {
    bytes.writeUInt16BE(Number.parseInt(group, 16), index * 2);
  });
  last.forEach((group, index) => {
    bytes.writeUInt16BE(Number.parseInt(group, 16), 16 - (last.length - index) * 2);
  });
  return bytes;
}

function hex(value: number, digits: number): string {
  return value.toString(16).toUpperCase().padStart(digits, '0');
}
