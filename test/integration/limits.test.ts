import assert from 'node:assert/strict';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { test } from 'node:test';
import { BYTES_PER_SECOND, ID, type Rig, startRig, until } from '../support/rig.ts';
import { inspect, type Viewer } from '../support/viewer.ts';

const LONG = process.env['LONG_TESTS'] === '1';
const ZAPS = LONG ? 200 : 25;

/** The body of a refusal, by a GET. */
async function refusalOf(
  rig: Rig,
  path: string,
): Promise<{ status: number; code: unknown; retryAfter: string | null }> {
  const reply = await fetch(`${rig.url}${path}`);
  const body: unknown = await reply.json();
  const code = typeof body === 'object' && body !== null && 'code' in body ? body.code : undefined;
  return { status: reply.status, code, retryAfter: reply.headers.get('retry-after') };
}

function channel(number: number): string {
  return number.toString(16).padStart(40, '7');
}

/** A connection that has carried nothing for a second is given null packets: no viewer is without a byte for twice as long. */
const SILENT_MS = 2_000;

/**
 * Fails if what they get has an error, or if there was a gap: no byte for longer than a connection may be silent, beside what the
 * longest turn of this process's loop took meanwhile. acemux, its engine and its viewers all live in that.
 */
async function assertNobodySuffers(
  viewers: readonly Viewer[],
  meanwhile: () => Promise<void>,
): Promise<void> {
  let longestMs = 0;
  const loop = monitorEventLoopDelay({ resolution: 10 });
  loop.enable();
  const stops = viewers.map((viewer) => {
    let lastMs = performance.now();
    return viewer.onData(() => {
      const nowMs = performance.now();
      longestMs = Math.max(longestMs, nowMs - lastMs);
      lastMs = nowMs;
    });
  });
  await meanwhile();
  await Promise.all(viewers.map((viewer) => viewer.receivedMore(BYTES_PER_SECOND)));
  for (const stop of stops) stop();
  loop.disable();
  for (const viewer of viewers) {
    assert.equal(viewer.ended, undefined);
    assert.equal(inspect(viewer.media).continuityErrors, 0);
  }
  const longestTurnMs = loop.max / 1e6;
  assert.ok(longestMs < SILENT_MS + longestTurnMs, `a gap of ${longestMs} ms, a turn of ${longestTurnMs} ms`);
}

test('1,000 rapid requests with room for five more: five are let in, and those who watch have no gap', async (t) => {
  const rig = await startRig(t, { config: { limits: { addressViewersMax: 10 } } });
  const watching = Array.from({ length: 5 }, () => rig.watch());
  await Promise.all(watching.map((viewer) => viewer.received(BYTES_PER_SECOND)));
  const statuses = new Map<number, number>();
  const entered: Viewer[] = [];
  await assertNobodySuffers(watching, async () => {
    for (let round = 0; round < 2; round++) {
      const asking = Array.from({ length: 500 }, () => rig.watch());
      for (const viewer of asking) {
        const status = await viewer.status();
        statuses.set(status, (statuses.get(status) ?? 0) + 1);
        if (status === 200) entered.push(viewer);
      }
    }
  });
  assert.deepEqual(Object.fromEntries(statuses), { 200: 5, 429: 995 });
  assert.equal(rig.app.sessions.clientCount, 10);
  assert.equal((await rig.json('/proxy/status'))['active_clients'] ?? 10, 10);
  entered[0]?.leave();
  assert.equal(await rig.watch().status(), 200, 'who leaves makes room');
});

test(`${ZAPS} zaps with one stream for an address: each is let in although the last one is closed only then`, async (t) => {
  const rig = await startRig(t, {
    config: { limits: { addressStreamsMax: 1 }, engines: { maxStreamsPerEngine: 5 } },
  });
  let last = rig.watch(`id=${channel(0)}`);
  await last.received(188);
  for (let zap = 1; zap <= ZAPS; zap++) {
    const next = rig.watch(`id=${channel(zap % 4)}`);
    last.leave();
    assert.equal(await next.status(), 200, `zap ${zap}`);
    last = next;
  }
  const refused = await refusalOf(rig, `/ace/getstream?id=${channel(9)}`);
  assert.deepEqual(refused, { status: 429, code: 'too_many_streams_of_address', retryAfter: '5' });
});

test('HLS viewers, leases and readers of TS are counted alike', async (t) => {
  const rig = await startRig(t, { config: { limits: { viewersMax: 2 } } });
  await rig.watch().received(188);
  const manifest = await (await fetch(`${rig.url}/ace/manifest.m3u8?id=${ID}`)).text();
  const playlist = `${rig.url}/ace/${manifest.split('\n').find((line) => line.startsWith('hls/'))}`;
  assert.equal((await fetch(playlist)).status, 200);
  assert.equal((await refusalOf(rig, `/ace/getstream?id=${ID}`)).code, 'too_many_viewers');
  assert.equal((await refusalOf(rig, `/ace/manifest.m3u8?id=${ID}`)).code, 'too_many_viewers');
  const lease = await rig.json(`/ace/getstream?id=${ID}&format=json`);
  assert.match(String(lease['error']), /as many viewers/);
  assert.equal((await fetch(playlist)).status, 200, 'who is in goes on');
});

test('starts within a minute are told when the next one may be', async (t) => {
  const rig = await startRig(t, { config: { limits: { startsPerMinute: 2 } } });
  for (const number of [1, 2, 1, 1]) {
    const viewer = rig.watch(`id=${channel(number)}`);
    assert.equal(await viewer.status(), 200);
    viewer.leave();
  }
  const { code, retryAfter, status } = await refusalOf(rig, `/ace/getstream?id=${channel(3)}`);
  assert.deepEqual([status, code], [429, 'too_many_starts']);
  assert.ok(Number(retryAfter) > 30 && Number(retryAfter) <= 60, `${retryAfter}`);
});

test('a stream that nobody watches ends for another one at MAX_SESSIONS; watched ones do not', async (t) => {
  const rig = await startRig(t, { config: { limits: { sessionsMax: 1 } } });
  const viewer = rig.watch(`id=${channel(1)}`);
  await viewer.received(188);
  assert.equal((await refusalOf(rig, `/ace/getstream?id=${channel(2)}`)).code, 'too_many_sessions');
  viewer.leave();
  await until(() => rig.app.sessions.clientCount === 0);
  assert.equal(await rig.watch(`id=${channel(2)}`).status(), 200);
});

test('a stream that has more than a viewer may take is refused before its 200; its HLS segments come late', async (t) => {
  const capBytes = BYTES_PER_SECOND * 0.9;
  const rig = await startRig(t, {
    config: { limits: { viewerBytesPerSecond: capBytes }, clients: { prebufferMs: 0 } },
  });
  // HLS is let in, and so the stream's rate becomes known.
  const manifest = await (await fetch(`${rig.url}/ace/manifest.m3u8?id=${ID}`)).text();
  const playlist = `${rig.url}/ace/${manifest.split('\n').find((line) => line.startsWith('hls/'))}`;
  const refused = await refusalOf(rig, `/ace/getstream?id=${ID}`);
  assert.deepEqual([refused.status, refused.code], [429, 'bandwidth_below_stream']);
  const segment = (await (await fetch(playlist)).text()).split('\n').find((line) => line.endsWith('.ts'));
  const beganMs = performance.now();
  const first = await (await fetch(new URL(segment ?? '', playlist))).arrayBuffer();
  let isOver = false;
  const asking = fetch(new URL(segment ?? '', playlist)).finally(() => {
    isOver = true;
  });
  // Whoever looks meanwhile sees that it is held back, and what to.
  let [isShown, cap] = [false, 0];
  while (!isOver && !isShown) {
    const [viewer] = Object((await rig.json(`/proxy/sessions/${ID}`))['clients']);
    [isShown, cap] = [viewer.is_throttled, viewer.max_bytes_per_second];
  }
  assert.deepEqual([isShown, cap], [true, capBytes]);
  const again = await (await asking).arrayBuffer();
  assert.equal(again.byteLength, first.byteLength);
  // A second's worth is there to begin with: the rest of the first one is paid off before the second one comes, however slow the
  // machine is. A timer of Node may be a millisecond early.
  const owedMs = (first.byteLength / capBytes - 1) * 1000;
  const tookMs = performance.now() - beganMs;
  assert.ok(owedMs > 0 && tookMs >= owedMs - 1, `${tookMs} of ${owedMs} ms`);
});

test('with more than may be sent nobody new is let in, those who watch have no gap, and it is told everywhere', async (t) => {
  const rig = await startRig(t, { config: { limits: { egressBytesPerSecond: BYTES_PER_SECOND } } });
  // They come before the rate of the stream is known.
  const watching = Array.from({ length: 5 }, () => rig.watch());
  await Promise.all(watching.map((viewer) => viewer.received(188)));
  await assertNobodySuffers(watching, async () => {
    const happened = (): boolean =>
      rig.app.events.newestFirst().some(({ type }) => type === 'system.overloaded');
    await until(happened);
    for (let join = 0; join < 40; join++) {
      const { code, retryAfter, status } = await refusalOf(rig, `/ace/getstream?id=${ID}`);
      assert.deepEqual([status, code, retryAfter], [503, 'overloaded', '5']);
    }
  });
  for (const place of ['/health/status', '/orchestrator/status']) {
    assert.deepEqual((await rig.json(place))['overload'], { overloaded: true, causes: ['egress'] }, place);
  }
  const ability = (await rig.json('/orchestrator/status'))['can_start_stream'];
  assert.ok(typeof ability === 'object' && ability !== null && 'reason' in ability);
  assert.equal(ability.reason, 'overloaded');
  assert.match(await (await fetch(`${rig.url}/metrics`)).text(), /acemux_overloaded\{cause="egress"\} 1/);
  for (const viewer of watching) viewer.leave();
  await until(() => rig.app.events.newestFirst().some(({ type }) => type === 'system.relieved'));
  assert.equal(await rig.watch().status(), 200);
});

test('replies to players, and requests to engines, have the operator’s headers, those of their stream in place of those for all', async (t) => {
  const own = {
    prebufferMs: undefined,
    standby: undefined,
    timeshiftMs: undefined,
    engineHeaders: { 'X-Country': 'es' },
  };
  const rig = await startRig(t, {
    config: {
      clients: { headers: { 'X-House': 'attic', 'X-Channel': 'any' } },
      engines: { headers: { 'X-Room': '7', 'X-Country': 'any' } },
      streams: { overrides: new Map([[ID, { ...own, clientHeaders: { 'X-Channel': 'sports' } }]]) },
    },
  });
  const head = await rig.watch().head();
  assert.match(head, /^HTTP\/1\.1 200[\s\S]*Content-Type: video\/mp2t/);
  assert.match(head, /X-House: attic[\s\S]*X-Channel: sports/);
  assert.match(await rig.watch(`id=${channel(1)}`).head(), /X-Channel: any/);
  const manifest = await fetch(`${rig.url}/ace/manifest.m3u8?id=${ID}`);
  assert.equal(manifest.headers.get('x-channel'), 'sports');
  const playlist = `${rig.url}/ace/${(await manifest.text()).split('\n').find((line) => line.startsWith('hls/'))}`;
  const segment = (await (await fetch(playlist)).text()).split('\n').find((line) => line.endsWith('.ts'));
  const media = await fetch(new URL(segment ?? '', playlist));
  assert.equal(media.headers.get('x-channel'), 'sports');
  await media.arrayBuffer();
  const asked = (id: string) =>
    rig.engine.journal
      .entries()
      .filter(({ target }) => target.includes(id))
      .map(({ headers }) => headers);
  for (const [id, country] of [
    [ID, 'es'],
    [channel(1), 'any'],
  ] as const) {
    assert.ok(asked(id).length > 0, id);
    for (const headers of asked(id)) {
      assert.deepEqual([headers['x-room'], headers['x-country']], ['7', country], id);
    }
  }
});
