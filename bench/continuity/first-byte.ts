// How long an engine takes when nothing stands between it and the player.
import { createHash } from 'node:crypto';

/** A name of a channel that nobody else uses. */
export function infohashOf(name: string): string {
  return createHash('sha1').update(name).digest('hex');
}

/** Milliseconds from the request, of the latest of all playbacks. */
export interface BareEngine {
  readonly firstByteMs: number;
  /** Until the engine has sent all that it sends ahead: only behind that comes what a viewer does not have. */
  readonly burstMs: number;
}

/** Opens so many playbacks at once as a player would, and stops each when its burst is through. */
export async function measureBareEngine(
  engineUrl: string,
  playbacks: number,
  burstBytes: number,
): Promise<BareEngine> {
  const all = await Promise.all(
    Array.from({ length: playbacks }, (_, index) =>
      playBare(engineUrl, infohashOf(`first byte ${index}`), burstBytes),
    ),
  );
  return {
    firstByteMs: Math.max(...all.map(({ firstByteMs }) => firstByteMs)),
    burstMs: Math.max(...all.map(({ burstMs }) => burstMs)),
  };
}

async function playBare(engineUrl: string, infohash: string, burstBytes: number): Promise<BareEngine> {
  const beganMs = performance.now();
  const start = `${engineUrl}/ace/getstream?infohash=${infohash}&format=json&pid=bench-${infohash.slice(0, 8)}`;
  const { response } = JSON.parse(await (await fetch(start)).text());
  const media = await fetch(response.playback_url);
  let firstByteMs: number | undefined;
  let bytes = 0;
  for await (const chunk of media.body ?? []) {
    firstByteMs ??= performance.now() - beganMs;
    bytes += chunk.length;
    if (bytes >= burstBytes) break;
  }
  const burstMs = performance.now() - beganMs;
  if (firstByteMs === undefined) throw new Error('the engine gave no media');
  await (await fetch(`${response.command_url}?method=stop`)).text();
  return { firstByteMs, burstMs };
}
