import assert from 'node:assert/strict';
import { test } from 'node:test';
import { complaintsOfFfmpeg, picturesOf } from '../support/ffmpeg.ts';
import { BYTES_PER_SECOND, startRig } from '../support/rig.ts';
import { inspect } from '../support/viewer.ts';
import { withoutBegunUnits } from '../support/whole-units.ts';

const LONG = process.env['LONG_TESTS'] === '1';
const SECONDS = LONG ? 40 : 18;
const PICTURE_SECONDS = 1 / 25;

for (const remux of [false, true]) {
  const engines = [{ remux }];
  const by = remux ? 'by an engine that remuxes' : 'by an engine that passes packets on';

  test(`ffmpeg decodes what the first viewer is sent ${by} without a complaint from the first byte`, async (t) => {
    const rig = await startRig(t, { engines });
    const recording = withoutBegunUnits(await rig.watch().received(SECONDS * BYTES_PER_SECOND));
    assert.equal(await complaintsOfFfmpeg(recording), '');
    const pictures = await picturesOf(recording);
    assert.ok(pictures.length > (SECONDS - 2) * 25, `${pictures.length} pictures`);
    // Of the last group some B pictures may be missing: they are sent behind the one they lead to.
    for (let index = 1; index < pictures.length - 8; index++) {
      const step = pictures[index]! - pictures[index - 1]!;
      assert.ok(
        Math.abs(step - PICTURE_SECONDS) < 0.001,
        `${step} s between pictures ${index - 1} and ${index}`,
      );
    }
  });

  test(`ffmpeg decodes what late joiners are sent ${by} without a complaint from the first byte`, async (t) => {
    const rig = await startRig(t, { engines });
    const first = rig.watch();
    for (let joiner = 0; joiner < (LONG ? 20 : 4); joiner++) {
      await first.receivedMore(BYTES_PER_SECOND / 5);
      const late = rig.watch();
      const recording = withoutBegunUnits(await late.received(5 * BYTES_PER_SECOND));
      assert.equal(await complaintsOfFfmpeg(recording), '', `joiner ${joiner}`);
      late.leave();
    }
  });
}

test('invariant 4: a viewer that was too slow skips once, and ffmpeg decodes both sides of the skip without a complaint', async (t) => {
  // More comes at once than the kernel and the ring hold for a viewer who does not read.
  const rig = await startRig(t, {
    engines: [{ burst: { seconds: 200, bytes: 60_000_000 } }],
    config: { streams: { bufferSizeBytes: 24 * 1024 * 1024 }, clients: { prebufferMs: 2_000 } },
  });
  const slow = rig.watch();
  await slow.received(1_000);
  slow.pause();
  const skips = async (): Promise<number> => {
    const page = await (await fetch(`${rig.url}/metrics`)).text();
    return Number(/^acemux_client_skips_total (\d+)$/m.exec(page)?.[1]);
  };
  const endMs = performance.now() + 30_000;
  while ((await skips()) === 0) assert.ok(performance.now() < endMs, 'it never skipped');
  slow.resume();
  await slow.receivedMore(10_000_000);
  const recording = withoutBegunUnits(slow.media);
  const { continuityErrors, markers } = inspect(recording);
  assert.equal(continuityErrors, 0);
  const jumps = markers.filter((marker, index) => marker - (markers[index - 1] ?? marker) > 1_000);
  assert.equal(jumps.length, 1, 'one stretch is left out, as a whole');
  // Without it, ffmpeg closes the gap itself and then complains of its own rounding.
  assert.equal(await complaintsOfFfmpeg(recording, ['-copyts']), '');
  assert.equal(await skips(), 1);
});
