// Loaded into acemux before everything else: leaves in a file when each of its connections stood, which is when what it asks
// goes out. With the port the engine's journal knows which request that was. Written now and then, not at the moment itself.
import { channel } from 'node:diagnostics_channel';
import { appendFileSync } from 'node:fs';
import type { Socket } from 'node:net';
import { isMainThread } from 'node:worker_threads';

const WRITE_EVERY_MS = 500;

const file = process.env['BENCH_CONNECTS'];
if (file !== undefined && isMainThread) {
  let lines = '';
  channel('net.client.socket').subscribe((message) => {
    const { socket } = message as { readonly socket: Socket };
    socket.once('connect', () => {
      lines += `${socket.localPort} ${Date.now()}\n`;
    });
  });
  setInterval(() => {
    if (lines !== '') appendFileSync(file, lines);
    lines = '';
  }, WRITE_EVERY_MS).unref();
}
