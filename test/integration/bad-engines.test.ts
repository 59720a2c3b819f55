/**
 * Engines that answer what no engine should (DESIGN invariant 8), end to end: whoever asked for that stream is told
 * clearly, viewers of another engine lose no byte, and nothing of it is left.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { soundStream } from '../support/bad-media.ts';
import { type Phase, pour, startReply, wildAnswers } from '../support/wild-engine.ts';
import { WildHouse } from '../support/wild-house.ts';
import { beginMedia, startWireServer } from '../support/wire-server.ts';

for (const phase of ['start', 'media'] as const) {
  test(`invariant 8: an engine may answer anything when asked for ${phase === 'start' ? 'a start' : 'media'}: that request gets a clear error, another stream goes on`, async (t) => {
    const stranger = await startWireServer(t, ({ socket }) => void socket.destroy());
    const elsewhere = `http://127.0.0.1:${stranger.address.port}/ace/r/other`;
    const house = await WildHouse.start(t);
    for (const { name, write, atStart, atMedia } of wildAnswers(elsewhere)) {
      await t.test(name, async () => {
        house.wild.answers = { [phase]: write };
        assert.equal(await house.outcome(), phase === 'start' ? atStart : atMedia);
        await house.wildFree();
        await house.assertUntouched();
      });
    }
    assert.equal(stranger.connections, 0, 'no reply of an engine adds an address');
    if (phase === 'media') assert.equal(house.wild.timesAsked('stop'), house.wild.timesAsked('start'));
  });
}

const BESIDES: Readonly<Record<'files' | 'stat' | 'stop', string>> = {
  files: 'what a name means',
  stat: 'how a playback does',
  stop: 'to stop one',
};

for (const [phase, question] of Object.entries(BESIDES)) {
  test(`invariant 8: an engine may answer anything when asked ${question}: its stream plays all the same`, async (t) => {
    const house = await WildHouse.start(t, { withGood: false });
    const media = soundStream();
    for (const { name, write } of wildAnswers('http://127.0.0.1:9/')) {
      await t.test(name, async () => {
        house.wild.answers = {
          media: (request) => {
            beginMedia(request);
            pour(request, () => media);
          },
          [phase]: write,
        };
        const before = house.wild.timesAsked('stop');
        assert.equal(await house.outcome(), 'plays');
        await house.wildFree();
        assert.ok(house.wild.timesAsked('stop') > before, 'it is stopped');
      });
    }
  });
}

test('invariant 8: an engine that resets in any phase costs the stream that it was asked for, and no other', async (t) => {
  const house = await WildHouse.start(t);
  const cases: readonly (readonly [Phase, string])[] = [
    ['files', 'plays'],
    ['start', 'engine_timeout'],
    ['media', 'no_media'],
    ['stat', 'plays'],
    ['stop', 'plays'],
  ];
  for (const [phase, outcome] of cases) {
    await t.test(phase, async () => {
      house.wild.answers = {
        media: (request) => {
          beginMedia(request);
          pour(request, soundStream);
        },
        [phase]: ({ socket }: { socket: { resetAndDestroy(): unknown } }) => void socket.resetAndDestroy(),
      };
      assert.equal(await house.outcome(), outcome);
      await house.wildFree();
      await house.assertUntouched();
    });
  }
});

test('replies may come in single bytes', async (t) => {
  const house = await WildHouse.start(t);
  house.wild.answers = {
    start: (request) => {
      const body = startReply(request);
      request.socket.setNoDelay(true);
      for (const byte of `HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n${body}`) {
        request.socket.write('');
        request.socket.write(byte);
      }
    },
    media: (request) => {
      request.socket.setNoDelay(true);
      beginMedia(request);
      for (const byte of soundStream().subarray(0, 20_000)) request.socket.write(Buffer.of(byte));
      pour(request, () => soundStream());
    },
  };
  assert.equal(await house.outcome(), 'plays');
  await house.wildFree();
  await house.assertUntouched();
});
