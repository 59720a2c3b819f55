/** Media that are no decent MPEG-TS (DESIGN invariant 8), end to end. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BAD_STREAMS, soundStream } from '../support/bad-media.ts';
import { pour } from '../support/wild-engine.ts';
import { WildHouse } from '../support/wild-house.ts';
import { beginMedia } from '../support/wire-server.ts';

test('invariant 8: an engine may deliver anything as media: its viewer is refused or gets whole packets, another stream goes on', async (t) => {
  const house = await WildHouse.start(t);
  for (const { name, outcome, open } of BAD_STREAMS) {
    await t.test(name, async () => {
      house.wild.answers = {
        media: (request) => {
          beginMedia(request);
          pour(request, open());
        },
      };
      assert.equal(await house.outcome(), outcome);
      await house.wildFree();
      await house.assertUntouched();
    });
  }
  assert.equal(house.wild.timesAsked('stop'), house.wild.timesAsked('start'));
});

test('invariant 8: a stream that trickles, a byte at a time, is refused in time', async (t) => {
  const house = await WildHouse.start(t);
  house.wild.answers = {
    media: (request) => {
      beginMedia(request);
      const media = soundStream();
      let sent = 0;
      const timer = setInterval(() => request.socket.write(media.subarray(sent, ++sent)), 50);
      request.socket.once('close', () => clearInterval(timer));
    },
  };
  assert.equal(await house.outcome(), 'no_media');
  await house.wildFree();
  await house.assertUntouched();
});
