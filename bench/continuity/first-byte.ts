// How long an engine takes to its first media byte when nothing stands between it and the player.
import { createHash } from 'node:crypto';

/** A name of a channel that nobody else uses. */
export function infohashOf(name: string): string {
  return createHash('sha1').update(name).digest('hex');
}

/** Opens so many playbacks at once, stops each at its first byte, and gives the time to the latest, milliseconds. */
export async function measureFirstBytes(engineUrl: string, playbacks: number): Promise<number> {
  const each = Array.from({ length: playbacks }, (_, index) =>
    firstByteAfterMs(engineUrl, infohashOf(`first byte ${index}`)),
  );
  return Math.max(...(await Promise.all(each)));
}

async function firstByteAfterMs(engineUrl: string, infohash: string): Promise<number> {
  const beganMs = performance.now();
  const start = `${engineUrl}/ace/getstream?infohash=${infohash}&format=json&pid=bench-${infohash.slice(0, 8)}`;
  const { response } = JSON.parse(await (await fetch(start)).text());
  const abort = new AbortController();
  const media = await fetch(response.playback_url, { signal: abort.signal });
  await media.body?.getReader().read();
  const tookMs = performance.now() - beganMs;
  abort.abort();
  await (await fetch(`${response.command_url}?method=stop`)).text();
  return tookMs;
}
