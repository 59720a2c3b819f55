/** Faults that are meant for one stream or session: they strike it, and leave its neighbour alone. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { type TestContext, test } from 'node:test';
import type { Fault } from './faults.ts';
import type { RawClient } from './testing/raw-client.ts';
import { ID_A, ID_B, type Rig, startRig } from './testing/rig.ts';

const VERSION = '/webui/api/service?method=get_version';
const MEDIA_STEPS = 4;
const STEP_MS = 500;

/** Those that strike what a session does once it is open. */
const OF_SESSIONS: readonly Fault[] = [
  { kind: 'http503' },
  { kind: 'hangBeforeHeaders' },
  { kind: 'hangMidStream' },
  { kind: 'cut', how: 'fin' },
  { kind: 'halfDead' },
  { kind: 'slowStart', headersMs: 60_000, firstByteMs: 0 },
  { kind: 'zeroPeers' },
  { kind: 'peersNoData', peers: 3 },
  { kind: 'mediaStatus', status: 502 },
  { kind: 'redirectBodyHang' },
  { kind: 'redirectLoop' },
  { kind: 'redirectOtherHost', host: 'engine-internal:6878' },
  { kind: 'supersede' },
  { kind: 'doubleReader' },
  { kind: 'networkDown' },
  { kind: 'expireEarly', lifetimeMs: 700 },
  { kind: 'tsLoss', probability: 0.5 },
  { kind: 'tsCorrupt', probability: 0.5 },
  { kind: 'tsBadSync', probability: 0.5 },
  { kind: 'tsCcErr', probability: 0.5 },
  { kind: 'tsScrambled' },
  { kind: 'bitrateChange', factor: 2 },
  { kind: 'starve', factor: 0.2 },
  { kind: 'pcrJump', seconds: 5 },
  { kind: 'ptsWrap', inSeconds: 1 },
  { kind: 'pmtChange', pidOffset: 16 },
  { kind: 'tsPause', seconds: 60 },
  { kind: 'loop', seconds: 1 },
];

/** Those that strike its start, when no session is there yet: they are meant for a stream. */
const OF_STARTS: readonly Fault[] = [
  { kind: 'errorJson', error: 'no' },
  { kind: 'invalidJson' },
  { kind: 'emptyBody' },
  { kind: 'htmlBody' },
  { kind: 'hugeBody' },
  { kind: 'redirectForeign', url: 'http://origin.example/' },
  { kind: 'wrongKind', works: 'infohash' },
];

type Sessions = readonly [Awaited<ReturnType<Rig['start']>>, Awaited<ReturnType<Rig['start']>>];

/** The sessions of two streams, of which `strike` may spoil one, and what their redirects, media and stats were. */
async function observed(t: TestContext, strike: (rig: Rig, sessions: Sessions) => void): Promise<string[]> {
  const rig = await startRig(t, { epochMs: 0 });
  const sessions: Sessions = [await rig.start(`id=${ID_A}&pid=1`), await rig.start(`id=${ID_B}&pid=2`)];
  strike(rig, sessions);
  const redirects = sessions.map(({ playback_url }) => rig.raw(playback_url));
  await flush(rig);
  const readers = redirects.map((client) => {
    const [, path] = /^Location: http:\/\/[^/]+(\S+)/m.exec(client.received.toString('latin1')) ?? [];
    return path === undefined ? undefined : rig.raw(path);
  });
  for (let step = 0; step < MEDIA_STEPS; step++) {
    await rig.clock.advance(STEP_MS);
    await flush(rig);
    await Promise.all(
      sessions.map((session, index) => allReceived(rig, session.playback_url, readers[index])),
    );
  }
  const stats = sessions.map(({ stat_url }) => rig.raw(stat_url, ['Connection: close']));
  await flush(rig);
  const told = sessions.map((_, index) =>
    [redirects[index], stats[index]].map(
      (client) => `${client?.received.toString('latin1')} ${client?.ended}`,
    ),
  );
  await rig.close();
  return told.map((texts, index) => {
    const media = readers[index];
    const hash = createHash('sha1')
      .update(media?.received ?? '')
      .digest('hex');
    const lasting = texts.join('\n').replace(/0\.\d+|127\.0\.0\.1:\d+|\b[0-9a-f]{32,40}\b/g, '…');
    return `${lasting}\n${hash} ${media?.ended}`;
  });
}

/** What was sent before this has arrived, or will never come. */
async function flush(rig: Rig): Promise<void> {
  for (let times = 0; times < 3; times++) await rig.get(VERSION);
}

async function allReceived(rig: Rig, playbackUrl: string, reader: RawClient | undefined): Promise<void> {
  const session = rig.engine.sessions().find(({ token }) => playbackUrl.endsWith(token));
  if (session && session.bytesSent > 0 && reader && reader.ended === undefined) {
    await reader.body(session.bytesSent).catch(() => {}); // It may end meanwhile.
  }
}

test('each fault that is meant for one session strikes that one and leaves the other alone', async (t) => {
  const [soundA, soundB] = await observed(t, () => {});
  for (const fault of OF_SESSIONS) {
    const [struck, spared] = await observed(t, (rig, [{ playback_url }]) => {
      rig.engine.faults.set({ fault, target: { session: playback_url.split('/').at(-1) ?? '' } });
    });
    assert.notEqual(struck, soundA, `${fault.kind} strikes`);
    assert.equal(spared, soundB, `${fault.kind} spares`);
  }
});

test('each fault of starts that is meant for one stream strikes its start and no other', async (t) => {
  for (const fault of OF_STARTS) {
    const rig = await startRig(t);
    const { infohash } = await rig.start(`id=${ID_A}&pid=1`);
    rig.engine.faults.set({ fault, target: { infohash } });
    await assert.rejects(rig.start(`id=${ID_A}&pid=2`), `${fault.kind} strikes`);
    await rig.start(`id=${ID_B}&pid=3`);
  }
});
