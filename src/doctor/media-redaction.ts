import { NULL_PID, PACKET_BYTES, pidOf, SYNC_BYTE, setPid } from '../mpegts/packet.ts';

/** DVB's tables about networks, services, programmes and time stand on these PIDs (EN 300 468, table 1). */
const FIRST_TABLE_PID = 0x10;
const LAST_TABLE_PID = 0x1f;

/**
 * The bytes with null packets in the place of those that name the channel, its programmes or the time of recording.
 * Nothing moves. Bytes that belong to no packet stay as they are; pictures and sound stay, of course.
 */
export function withoutNames(media: Buffer): Buffer {
  const bytes = Buffer.from(media);
  let inSync = false;
  for (let at = 0; at < bytes.length; ) {
    // Behind a packet one sync byte is enough: the last one before a break is a packet, too.
    inSync = bytes[at] === SYNC_BYTE && (inSync || isFollowed(bytes, at));
    if (!inSync) {
      at++;
      continue;
    }
    const end = Math.min(at + PACKET_BYTES, bytes.length);
    // One that is cut off at the end, in its header, has no PID to be read.
    const pid = at + 4 <= end ? pidOf(bytes, at) : FIRST_TABLE_PID;
    if (pid >= FIRST_TABLE_PID && pid <= LAST_TABLE_PID) {
      bytes.fill(0xff, at + 1, end);
      if (at + 4 <= end) {
        bytes[at + 1] = 0;
        setPid(bytes, at, NULL_PID);
        bytes[at + 3] = 0x10;
      }
    }
    at = end;
  }
  return bytes;
}

function isFollowed(bytes: Buffer, at: number): boolean {
  const next = at + PACKET_BYTES;
  return next >= bytes.length || bytes[next] === SYNC_BYTE;
}
