import type { ServerResponse } from 'node:http';
import type { Beginning } from '../../session/attachment.ts';

/**
 * What a viewer's player is told of an endless MPEG-TS reply (DESIGN 2.2). `HEAD` answers exactly these too.
 * There is no length and no chunking: the stream lasts until the connection ends.
 */
export const TS_RESPONSE_HEADERS = {
  'Content-Type': 'video/mp2t',
  Connection: 'close',
  // A player that may ask for ranges tries to seek in live video.
  'Accept-Ranges': 'none',
  'Cache-Control': 'no-store',
  // nginx would otherwise fill its buffers before the player sees a byte.
  'X-Accel-Buffering': 'no',
  'X-Content-Type-Options': 'nosniff',
  'Access-Control-Allow-Origin': '*',
} as const;

/** Sends status line and headers of an endless reply: no length, no chunks, the end of the connection is its end. */
export function sendTsHeaders(
  response: ServerResponse,
  beginning?: Beginning,
  more?: Readonly<Record<string, string>>,
): void {
  response.shouldKeepAlive = false;
  response.useChunkedEncodingByDefault = false;
  response.writeHead(200, { ...TS_RESPONSE_HEADERS, ...(beginning && startHeaders(beginning)), ...more });
  response.flushHeaders();
}

/** Where a viewer that asked for a time begins: that time, and whether it is another one than it asked for. */
export function startHeaders({ isClamped, wallMs }: Beginning): Record<string, string> {
  const time = new Date(wallMs).toISOString();
  return {
    'X-Acemux-Start': isClamped ? `${time}; clamped` : time,
    'Access-Control-Expose-Headers': 'X-Acemux-Start',
  };
}

/** An excerpt is to be saved, under the stream's name and the time that it begins with (RFC 6266). */
export function excerptHeaders(streamId: string, { wallMs }: Beginning): Record<string, string> {
  const time = new Date(wallMs).toISOString().replace(/\.\d+/, '').replace(/[-:]/g, '');
  return { 'Content-Disposition': `attachment; filename="${streamId}-${time}.ts"` };
}
