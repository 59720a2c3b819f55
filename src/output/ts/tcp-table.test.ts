import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { describe, type TestContext, test } from 'node:test';
import fc from 'fast-check';
import { until } from '../../../test/support/recording-clock.ts';
import { type KernelQueue, readTcpTable, searchTcpTable, tcpTableFileOf, tcpTableKey } from './tcp-table.ts';

const HEADER =
  '  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode';
/** As Linux prints them: sending and repeating itself, idle, and asking a full receiver. */
const TABLE = [
  HEADER,
  '   0: 0100007F:1F40 0201A8C0:D431 01 00001234:00000000 01:00000014 00000005  1000        0 403296 2 0000000000000000 20 4 30 14 8 ',
  '   1: 0100007F:1F40 0201A8C0:D432 01 00000000:00000000 00:00000000 00000000     0        0 403297 1 0000000000000000 20 4 30 14 8 ',
  '1234567: 0100007F:1F40 0201A8C0:D433 01 00400000:00000000 04:000000C8 00000000     0        7 403298 1 0000000000000000 20 4 30 14 8 ',
  '',
].join('\n');
const HOME = { localAddress: '127.0.0.1', localPort: 8000, remoteAddress: '192.168.1.2' };

function search(table: string, ...ports: number[]): Map<number, KernelQueue> {
  const keys = new Map(ports.map((port) => [tcpTableKey({ ...HOME, remotePort: port }) ?? '', port]));
  const queues = new Map<number, KernelQueue>();
  searchTcpTable(table, keys, (port, queue) => queues.set(port, queue));
  return queues;
}

describe('the table of connections', () => {
  test('tells what is not acknowledged, and how often the kernel got no answer', () => {
    const queues = search(TABLE, 0xd431, 0xd432, 0xd433, 0xd434);
    assert.deepEqual(queues.get(0xd431), { unacknowledgedBytes: 0x1234, unanswered: 5 });
    assert.deepEqual(queues.get(0xd432), { unacknowledgedBytes: 0, unanswered: 0 });
    assert.deepEqual(queues.get(0xd433), { unacknowledgedBytes: 4 * 1024 * 1024, unanswered: 7 });
    assert.equal(queues.has(0xd434), false);
  });

  test('is read without harm whatever stands in it', () => {
    for (const table of ['', HEADER, `${HEADER}\n`, TABLE.slice(0, 150), `${HEADER}\n${':'.repeat(500)}`]) {
      assert.deepEqual([...search(table, 0xd431)], []);
    }
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: TABLE.length }), { maxLength: 4 }), (cuts) => {
        search(
          cuts.reduce((text, cut) => text.slice(0, cut) + text.slice(cut + 3), TABLE),
          0xd431,
          0xd432,
        );
      }),
    );
  });

  test('names a connection by the numbers of its addresses', () => {
    const ends = { localPort: 8000, remotePort: 443 };
    assert.equal(
      tcpTableKey({ ...ends, localAddress: '10.1.2.3', remoteAddress: '255.0.0.1' }),
      '0302010A:1F40 010000FF:01BB',
    );
    assert.equal(
      tcpTableKey({ ...ends, localAddress: '::1', remoteAddress: '2001:db8::ff:1%eth0' }),
      '00000000000000000000000001000000:1F40 B80D01200000000000000000'.concat('0100FF00:01BB'),
    );
    assert.equal(
      tcpTableKey({ ...ends, localAddress: '::ffff:127.0.0.1', remoteAddress: '::ffff:10.1.2.3' }),
      '0000000000000000FFFF00000100007F:1F40 0000000000000000FFFF00000302010A:01BB',
    );
    assert.equal(tcpTableKey({ ...ends, localAddress: '::1', remoteAddress: undefined }), undefined);
  });
});

describe('this machine’s own table', { skip: process.platform !== 'linux' && 'only Linux has one' }, () => {
  for (const host of ['127.0.0.1', '::1', '::ffff:127.0.0.1'] as const) {
    test(`shows what a client at ${host} leaves unread`, async (t) => {
      const { socket, client } = await connected(t, host);
      const look = async (): Promise<KernelQueue | undefined> => {
        const table = (await readTcpTable(tcpTableFileOf(socket))) ?? '';
        let found: KernelQueue | undefined;
        searchTcpTable(table, new Map([[tcpTableKey(socket) ?? '', 1]]), (_, queue) => {
          found = queue;
        });
        return found;
      };
      assert.deepEqual(await look(), { unacknowledgedBytes: 0, unanswered: 0 });
      client.pause();
      socket.write(Buffer.alloc(32 * 1024 * 1024));
      await until(() => socket.writableLength > 0);
      assert.ok(((await look())?.unacknowledgedBytes ?? 0) > 10_000);
    });
  }
});

async function connected(t: TestContext, host: string): Promise<{ socket: Socket; client: Socket }> {
  // A server that listens on :: takes IPv4 clients as well, and names them by mapped addresses.
  const server = createServer().listen(0, host === '127.0.0.1' ? host : '::');
  await once(server, 'listening');
  const address = server.address();
  assert.ok(typeof address === 'object' && address);
  const incoming = once(server, 'connection');
  const client = connect(address.port, host);
  const [socket]: Socket[] = await incoming;
  assert.ok(socket);
  for (const end of [socket, client]) end.on('error', () => {});
  t.after(async () => {
    client.destroy();
    socket.destroy();
    const closed = once(server, 'close');
    server.close();
    await closed;
  });
  return { socket, client };
}
