// The limit for HLS: what node:http itself needs to answer with the files of a folder out of memory, and nothing else.
// Arguments: the folder. Prints its URL, runs until it is told to end.
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import path from 'node:path';

const folder = process.argv[2] ?? '.';
/** Of the segments read last, whole. */
const segments = new Map<string, Buffer>();
const SEGMENTS_MAX = 16;

function segmentOf(name: string): Buffer {
  let bytes = segments.get(name);
  if (!bytes) {
    bytes = readFileSync(path.join(folder, name));
    segments.set(name, bytes);
    for (const oldest of segments.keys()) if (segments.size > SEGMENTS_MAX) segments.delete(oldest);
  }
  return bytes;
}

const server = createServer((request, response) => {
  const name = path.basename(request.url ?? '');
  const isSegment = name.endsWith('.ts');
  const body = isSegment ? segmentOf(name) : readFileSync(path.join(folder, name));
  const type = isSegment ? 'video/mp2t' : 'application/vnd.apple.mpegurl';
  response.writeHead(200, { 'Content-Type': type, 'Content-Length': body.length });
  response.end(body);
});
server.listen(0, '127.0.0.1', () => {
  const address = server.address();
  if (typeof address === 'object' && address) process.stdout.write(`http://127.0.0.1:${address.port}/\n`);
});
