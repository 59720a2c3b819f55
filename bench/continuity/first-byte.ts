// How long an engine takes to its first media byte when nothing stands between it and the player.
import { createHash } from 'node:crypto';

/** A name of a channel that nobody else uses. */
export function infohashOf(name: string): string {
  return createHash('sha1').update(name).digest('hex');
}

/** Opens so many playbacks at once, stops each when its burst is through, and gives the latest first byte, milliseconds. */
export async function measureFirstBytes(
  engineUrl: string,
  playbacks: number,
  burstBytes: number,
): Promise<number> {
  const each = Array.from({ length: playbacks }, (_, index) =>
    firstByteAfterMs(engineUrl, infohashOf(`first byte ${index}`), burstBytes),
  );
  return Math.max(...(await Promise.all(each)));
}

async function firstByteAfterMs(engineUrl: string, infohash: string, burstBytes: number): Promise<number> {
  const beganMs = performance.now();
  const start = `${engineUrl}/ace/getstream?infohash=${infohash}&format=json&pid=bench-${infohash.slice(0, 8)}`;
  const { response } = JSON.parse(await (await fetch(start)).text());
  const media = await fetch(response.playback_url);
  let tookMs: number | undefined;
  let bytes = 0;
  for await (const chunk of media.body ?? []) {
    tookMs ??= performance.now() - beganMs;
    bytes += chunk.length;
    if (bytes >= burstBytes) break;
  }
  if (tookMs === undefined) throw new Error('the engine gave no media');
  await (await fetch(`${response.command_url}?method=stop`)).text();
  return tookMs;
}
