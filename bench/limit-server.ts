// The limit: what Node itself needs to write one buffer to many sockets at a rate, and nothing else.
// Arguments: bytes per second for each viewer, KiB of the buffer (128). Prints its URL, runs until it is told to end.
import { createServer, type Socket } from 'node:net';

const bytesPerSecond = Number(process.argv[2] ?? 1_000_000);
const BATCH_BYTES = Number(process.argv[3] ?? 128) * 1024;
const batch = Buffer.alloc(BATCH_BYTES, 0x47);
const sockets = new Set<Socket>();

const server = createServer((socket) => {
  sockets.add(socket);
  socket.on('data', () => {});
  socket.on('error', () => {});
  socket.on('close', () => sockets.delete(socket));
  socket.write('HTTP/1.1 200 OK\r\nContent-Type: video/mp2t\r\nConnection: close\r\n\r\n');
});

server.listen(0, '127.0.0.1', () => {
  const address = server.address();
  if (typeof address === 'object' && address) process.stdout.write(`http://127.0.0.1:${address.port}/\n`);
});
setInterval(
  () => {
    for (const socket of sockets) if (socket.writableLength === 0) socket.write(batch);
  },
  (BATCH_BYTES / bytesPerSecond) * 1000,
);
