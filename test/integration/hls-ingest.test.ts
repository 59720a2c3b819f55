/** An engine's HLS as the source of sessions: real sockets, simulated engines. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Segmenter } from '../../src/simulator/segmenter.ts';
import { BYTES_PER_SECOND, type Rig, startRig, until } from '../support/rig.ts';
import { inspect } from '../support/viewer.ts';

const HLS = { streams: { ingest: 'hls' } } as const;

/** Fails unless the recording is the engine's segments put together, byte for byte, from the first marker on. */
function assertIsSegments(rig: Rig, recording: Buffer): void {
  const infohash = rig.engine.sessions()[0]?.infohash;
  assert.ok(infohash !== undefined);
  const segmenter = new Segmenter(rig.broadcast(infohash));
  const first = inspect(recording).markers[0];
  assert.ok(first !== undefined);
  let number = 0;
  while (segmenter.segment(number + 1).fromPacket <= first) number++;
  const parts: Buffer[] = [];
  for (let bytes = 0; bytes < recording.length + 1_000_000; number++) {
    const part = segmenter.bytes(number);
    parts.push(part);
    bytes += part.length;
  }
  const whole = Buffer.concat(parts);
  // Joining viewers get the tables first; from the first picture on it is what the engine has.
  const at = whole.indexOf(recording.subarray(188 * 4, 188 * 8));
  assert.ok(at >= 0, 'it begins with nothing that the engine has');
  const expected = whole.subarray(at, at + recording.length - 188 * 4);
  assert.equal(Buffer.compare(recording.subarray(188 * 4), expected), 0, 'it is not what the engine has');
}

test('with INGEST=hls a viewer gets the broadcast whole, out of segments', async (t) => {
  const rig = await startRig(t, { config: HLS });
  const viewer = rig.watch();
  assert.equal(await viewer.status(), 200);
  await viewer.received(BYTES_PER_SECOND);
  const media = await viewer.received(17 * BYTES_PER_SECOND);
  assert.equal(inspect(media).continuityErrors, 0);
  assertIsSegments(rig, media.subarray(0, Math.floor(media.length / 188) * 188));
  assert.equal(rig.engine.counters.sessionsOpened, 1);
  await until(() => true);
});
