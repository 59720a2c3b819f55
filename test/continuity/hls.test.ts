/** Who watches by HLS while what plays the stream fails: another engine, one that plays along, or the same one again. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Broadcast } from '../../src/simulator/broadcast.ts';
import { LOSSLESS, OTHER_TIMELINES, PASSING } from '../support/blows.ts';
import { broadcastAround } from '../support/continuity-check.ts';
import { type Blow, clipLayout, type Scene, startScene } from '../support/continuity-scene.ts';
import { assertNothingLost } from '../support/hls-checker.ts';
import { HlsPlayer } from '../support/hls-player.ts';

const LONG = process.env['LONG_TESTS'] === '1';
/** Segments from before the blow to behind it: each is some seconds. */
const SEGMENTS_MORE = 3;

function chosen(blows: readonly Blow[], names: RegExp): readonly Blow[] {
  return LONG ? blows : blows.filter(({ name }) => names.test(name));
}

/** Plays one story. */
async function play(scene: Scene, blow: Blow): Promise<void> {
  const stream = await scene.open();
  const { infohash, playing } = stream;
  const player = new HlsPlayer(`${scene.rig.url}/ace/manifest.m3u8?infohash=${infohash}`);
  await player.open();
  await player.has(1);
  const spare = scene.rig.engines.find((engine) => engine !== playing);
  blow.strike({ playing, spare, infohash });
  // It never stops asking, and each answer is judged as it comes.
  const watching = new AbortController();
  const watched = (async () => {
    while (!watching.signal.aborted) await player.has(player.segments.size + 1);
  })();
  const moved = blow.moves && spare !== undefined ? stream.movedFrom(playing) : Promise.resolve();
  await Promise.race([watched, moved.then(() => stream.goesOn(blow.seconds ?? 4))]);
  watching.abort();
  await watched;
  await player.has(player.segments.size + SEGMENTS_MORE);
  const breaks = player.checker.segments.filter(({ isDiscontinuity }) => isDiscontinuity).length;
  if (blow.viewersGet !== 'all') {
    // A clock that goes back a little brings what was there before, which has another engine asked: that one has no break.
    if (breaks !== 0 || stream.playing === playing)
      assert.equal(breaks, 1, 'the break of the timeline is announced, once');
    return;
  }
  assert.equal(breaks, 0, 'nothing is announced where nothing breaks');
  const broadcast = new Broadcast({ infohash, layout: clipLayout });
  assertNothingLost(player.inspected, broadcastAround(player.recording, broadcast).packets);
}

async function playAll(scene: Scene, blows: readonly Blow[]): Promise<void> {
  const stories = await Promise.allSettled(blows.map((blow) => play(scene, blow)));
  const failures = stories.flatMap((story, index) =>
    story.status === 'rejected' ? [`${blows[index]?.name}: ${story.reason}`] : [],
  );
  assert.ok(failures.length === 0, failures.join('\n'));
}

const ENDING = chosen(LOSSLESS, /"rst"|hangMidStream"}|"loop","seconds":2}/);
/** A leap of the clock by an hour, and other tables. */
const BREAKING = chosen(OTHER_TIMELINES, /:3600/).filter(({ name }) => /pcrJump|pmtChange/.test(name));

for (const standby of ['off', 'hot'] as const) {
  const other = standby === 'hot' ? 'one that plays along' : 'a spare engine';
  test(`invariants 2 and 3: with ${other}, who watches by HLS stays, and is told of a break only where there is one`, async (t) => {
    const scene = await startScene(t, {
      engines: [{}, {}],
      isByteExact: true,
      config: { streams: { standby } },
    });
    // What plays along has the clock that did not leap: there is no break.
    const breaking = BREAKING.map((blow): Blow => {
      return standby === 'hot' && blow.name.includes('pcrJump') ? { ...blow, viewersGet: 'all' } : blow;
    });
    await playAll(scene, [...ENDING, ...breaking]);
  });
}

test('invariants 2 and 3: with one engine only, who watches by HLS stays over what passes, and is told of no break', async (t) => {
  const scene = await startScene(t, { engines: [{}], isByteExact: true });
  const passing = PASSING.filter(({ viewersGet }) => viewersGet === 'all');
  await playAll(scene, chosen(passing, /"fin"|hangMidStream|tsPause/));
});
