/** How many pictures of a broadcast a viewer was not sent, or was sent twice: the burnt-in counter makes each its own. */
import { PACKET_BYTES } from '../../src/mpegts/packet.ts';
import type { Broadcast } from '../../src/simulator/broadcast.ts';
import { VIDEO_PID } from '../../src/simulator/clip.ts';
import { readMarker } from '../../src/simulator/marker.ts';
import { broadcastAround } from './continuity-check.ts';
import { checkStream } from './ts-checker.ts';

export interface PictureCount {
  readonly whole: number;
  /** Of those between the first and the last one that came; half ones are none. */
  readonly lost: number;
  readonly repeated: number;
  /** What is wrong with the transport stream, in words. */
  readonly problems: readonly string[];
  /** Packets that announce a break, of all PIDs. */
  readonly breaks: number;
}

/** Counts the pictures of a capture of whole packets that begins with the broadcast's own; other PIDs do not matter. */
export function countPictures(capture: Buffer, broadcast: Broadcast): PictureCount {
  const { units, problems, breaks } = checkStream(capture);
  const places = placesOf(capture, broadcast);
  const seen = new Set<number>();
  let whole = 0;
  const numberAt = markerNumbers(capture);
  // The last one may be half.
  for (const { hash, position } of (units.get(VIDEO_PID) ?? []).slice(0, -1)) {
    // The clip's pictures come again in each of its rounds: what is sent around it tells which one this is.
    const picture = nearest(places.get(hash) ?? [], numberAt(position));
    if (picture === undefined) continue;
    whole++;
    seen.add(picture.order);
  }
  const orders = [...seen];
  const span = orders.length === 0 ? 0 : Math.max(...orders) - Math.min(...orders) + 1;
  const announced = [...breaks.values()].reduce((sum, count) => sum + count, 0);
  return { whole, lost: span - seen.size, repeated: whole - seen.size, problems, breaks: announced };
}

interface Place {
  readonly packetNumber: number;
  /** Which picture it is, counted from any one on. */
  readonly order: number;
}

function placesOf(capture: Buffer, broadcast: Broadcast): Map<string, Place[]> {
  const { from, units } = broadcastAround(capture, broadcast);
  const places = new Map<string, Place[]>();
  for (const [order, { hash, position }] of (units.get(VIDEO_PID) ?? []).entries()) {
    const known = places.get(hash) ?? [];
    known.push({ packetNumber: from + position / PACKET_BYTES, order });
    places.set(hash, known);
  }
  return places;
}

/** The number of the last marker before a position of the capture; asked for positions that never fall. */
function markerNumbers(capture: Buffer): (position: number) => number {
  let at = 0;
  let last = 0;
  return (position) => {
    for (; at < position; at += PACKET_BYTES) last = readMarker(capture, at)?.packetNumber ?? last;
    return last;
  };
}

function nearest(places: readonly Place[], packetNumber: number): Place | undefined {
  const distance = (place: Place): number => Math.abs(place.packetNumber - packetNumber);
  return places.reduce<Place | undefined>(
    (best, place) => (best && distance(best) <= distance(place) ? best : place),
    undefined,
  );
}
