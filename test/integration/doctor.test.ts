/** The doctor from its first question to its recording, at simulated engines that behave and that do not. */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { CHECK_IDS, type CheckId } from '../../src/doctor/checks.ts';
import type { DoctorReport } from '../../src/doctor/doctor.ts';
import type { DoctorTimes } from '../../src/doctor/times.ts';
import type { Result } from '../../src/recording/format.ts';
import { loadRecording, writeRecording } from '../../src/recording/recording-file.ts';
import { listedCatalogue } from '../../src/simulator/catalogue.ts';
import { SimulatedEngine } from '../../src/simulator/engine.ts';
import type { SimulatedEngineOptions } from '../../src/simulator/engine-options.ts';
import type { Fault } from '../../src/simulator/fault-kinds.ts';
import type { JournalEntry } from '../../src/simulator/journal.ts';
import { isProfileName, PROFILES } from '../../src/simulator/profile.ts';
import {
  assertAllStopped,
  CONTENT_ID,
  examine,
  INFOHASH,
  NAME,
  QUICK_ENGINE,
  resultOf,
  startEngine,
  summary,
} from '../support/doctor-rig.ts';

/** For engines of which nothing comes. */
const IMPATIENT: Partial<DoctorTimes> = {
  apiMs: 600,
  startMs: 900,
  firstByteMs: 900,
  playlistMs: 900,
  lateStartMs: 300,
};

/** Where what comes is compared with how long a question takes on a busy machine. */
const PATIENT: Partial<DoctorTimes> = { idleMs: 6_000 };

/** What an engine like v3.2.3 answers to each check: that and nothing else, so that no check can do without asking. */
const AT_V3_2_3: Readonly<Record<CheckId, readonly [Result['verdict'], RegExp]>> = {
  version: ['same', /^3\.2\.3, code 3020300, linux, websocket_port$/],
  serverHeader: ['same', /^BaseHTTP\/0\.6 Python\/3\.8\.10$/],
  jsonSpacing: ['same', /^as Python$/],
  jsonHeaders: ['same', /; Content-Type: application\/json; Content-Length: \d+; Connection: close$/],
  keepAlive: ['same', /^left open$/],
  oddHost: ['same', /^HTTP 200$/],
  status: ['same', /^answered$/],
  network: ['same', /^\{"connected":true\}$/],
  otherServiceMethods: ['same', /^answered$/],
  oldVersionCall: ['same', /^access denied$/],
  unknownMethod: ['same', /^unknown method$/],
  noSelector: ['same', /^HTTP 500: Internal Server Error$/],
  noSelectorJson: ['learned', /^HTTP 500: Internal Server Error$/],
  unknownId: ['same', /^200, failed to load content, after \d\.\d\d s$/],
  unknownInfohash: ['same', /^200, failed to load content, after \d\.\d\d s$/],
  unknownFiles: ['same', /^cannot get transport file, after \d\.\d\d s$/],
  telnet: ['same', /^\d+ open, answers HELLOTS$/],
  mediaFiles: ['same', /^known as id; of a file brief tells .*, full .* size$/],
  plM3u: ['same', /^HTTP 500$/],
  startReply: ['same', /^after .* s: playback_url .* is_encrypted; is_live is a number$/],
  startAddresses: ['same', /^absolute, with our Host$/],
  startTokens: ['same', /^token 32 hex, playback_session_id 40 hex$/],
  firstStat: ['same', /^full: 20 fields$/],
  statusPath: ['same', /^idle at .* → prebuf at .* → dl at /],
  redirect: ['same', /^Server, Date, Location, Access-Control-Allow-Origin$/],
  redirectBody: ['same', /^the connection is closed after /],
  headersWait: ['same', /^headers after .* s, first byte after .* s$/],
  mediaHeaders: ['same', /; Content-Type: video\/mp2t$/],
  firstByte: ['same', /^\d+\.\d\d s after the start$/],
  alignment: ['same', /^0x47, aligned$/],
  burst: ['learned', /^\d+\.\d MB in the first 12 s, .* ahead of real time; then .* Mb\/s, longest gap /],
  livepos: ['same', /^text, only in dl: first .* buffer_pieces$/],
  downloaded: ['same', /^multiples of 16 KiB, \d+ at last$/],
  secondReader: ['same', /^a corrupt reply: a second status line$/],
  firstReader: ['same', /^reads on$/],
  reconnect: ['same', /^plays again, first byte after /],
  stopReply: ['same', /^"ok" after /],
  stoppedReader: ['same', /^the connection is closed after /],
  unknownSession: ['same', /^HTTP 200, unknown playback session id$/],
  secondSession: ['same', /^the first has ended: unknown playback session id$/],
  supersededReader: ['learned', /^the connection is closed after /],
  stopOfSecond: ['learned', /^the first had ended already$/],
  stopOfFirst: ['learned', /^the second plays on$/],
  withoutPid: ['same', /^the same command URL$/],
  forceRestart: ['learned', /^the same command URL$/],
  stopPrevReadThread: ['same', /^reads, and the first is cut$/],
  allowMultipleThreads: ['learned', /^a corrupt reply: a second status line$/],
  infohashAsId: ['same', /^200, failed to load content, after /],
  hlsPlaylist: ['same', /^\d+\.\d\d s after the start, its answer took /],
  hlsHeaders: [
    'learned',
    /^playlist: .* application\/vnd\.apple\.mpegurl; .* \| segment: .* video\/mp2t; Content-Length: /,
  ],
  hlsNumbers: ['same', /^0; 3 segments, target duration 6$/],
  hlsStopped: ['same', /^HTTP 500$/],
  fileRange: ['left out', /^the content is live$/],
  fileReaders: ['left out', /^the content is live$/],
  idleExpiry: ['left out', /^it takes minutes: --long$/],
  statProlongs: ['left out', /^it takes minutes: --long$/],
  eventPoll: ['left out', /^it takes minutes: --long$/],
  sameBytes: ['left out', /^no second engine was given$/],
  lag: ['left out', /^no second engine was given$/],
};

const NAMES = Object.keys(PROFILES).filter(isProfileName);

function assertAnswers(report: DoctorReport): void {
  for (const id of CHECK_IDS) {
    const [verdict, says] = AT_V3_2_3[id];
    const result = resultOf(report, id);
    assert.equal(result.verdict, verdict, `${id}: ${result.engine}`);
    assert.match(result.engine, says, id);
  }
}

/** Of what the doctor has found, an engine is made at which it finds the same. */
async function isReplayed(t: TestContext, original: DoctorReport): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'acemux-doctor-'));
  t.after(() => rm(folder, { recursive: true }));
  const file = join(folder, 'engine.json');
  const media = { chunks: [], ...original.recording.media, file: 'engine.ts', fileBytes: 1 };
  writeRecording(file, { ...original.recording, media }, original.media);

  const replay = new SimulatedEngine({
    recording: loadRecording(file),
    ...(QUICK_ENGINE.catalogue && { catalogue: QUICK_ENGINE.catalogue }),
  });
  await replay.start();
  t.after(() => replay.stop());
  const again = await examine(replay, { content: CONTENT_ID });
  const { delays: _d, burst: _b, ...facts } = original.recording.facts;
  const { delays = {}, burst: _c, ...factsAgain } = again.recording.facts;
  assert.deepEqual(factsAgain, facts, summary(again));
  assert.ok((delays.firstByteMs ?? 0) >= (original.recording.facts.delays?.firstByteMs ?? 0) * 0.9);
  assert.deepEqual(
    again.results.map(({ check, verdict }) => [check, verdict]),
    original.results.map(({ check, verdict }) => [check, verdict]),
  );
  await assertAllStopped(replay);
}

// They wait most of the time: side by side they take as long as the longest. All at once they would be late for what they look for.
describe('examinations', { concurrency: 2 }, () => {
  describe('the doctor at an engine like', { concurrency: true }, () => {
    for (const name of NAMES) {
      test(`${name} finds each of its switches, and leaves nothing on it`, async (t) => {
        // Where it is looked for: idle for long enough to be seen by the first look on a busy machine, too.
        const idleMs = name === 'v3.2.3' ? 1_000 : 60;
        const engine = await startEngine(t, { profile: name, delays: { idleMs } });
        const report = await examine(engine, { content: CONTENT_ID });
        const profile = PROFILES[name];
        const { facts } = report.recording;
        const failed = report.results.filter(({ verdict }) => verdict === 'failed');
        assert.deepEqual(failed, [], summary(report));
        if (name === 'v3.2.3') assertAnswers(report);
        const { websocketPort, ...version } = profile.version;
        assert.deepEqual(facts.version, { ...version, hasWebsocketPort: websocketPort !== undefined });
        assert.equal(facts.serverHeader, profile.serverHeader ?? null);
        assert.deepEqual(
          {
            secondSession: facts.secondSession,
            supersededReader: facts.supersededReader,
            stoppedReader: facts.stoppedReader,
            secondReader: facts.secondReader,
            emptyFirstStat: facts.emptyFirstStat,
            liveposValues: facts.liveposValues,
            unknownSessionStatus: facts.unknownSessionStatus,
            loadedInfohashAsId: facts.loadedInfohashAsId,
            headersWaitForMedia: facts.headersWaitForMedia,
            redirectStaysOpen: facts.redirectStaysOpen,
            playlistWhilePreparing: facts.playlistWhilePreparing,
            segmentNumbers: facts.segmentNumbers,
            otherServiceMethods: facts.otherServiceMethods,
            listsFilesAtPlM3u: facts.listsFilesAtPlM3u,
            jsonSpacing: facts.jsonSpacing,
            telnet: facts.telnet,
          },
          {
            secondSession: profile.secondSession,
            supersededReader: profile.secondSession === 'supersede' ? profile.supersededReader : undefined,
            stoppedReader: profile.stoppedReader,
            secondReader: profile.secondReader,
            emptyFirstStat: profile.emptyFirstStat,
            liveposValues: profile.liveposValues,
            unknownSessionStatus: profile.unknownSessionStatus,
            loadedInfohashAsId: profile.loadedInfohashAsId,
            headersWaitForMedia: profile.headersWaitForMedia,
            redirectStaysOpen: profile.redirectStaysOpen,
            playlistWhilePreparing: profile.playlistWhilePreparing,
            segmentNumbers: profile.segmentNumbers,
            otherServiceMethods: profile.otherServiceMethods,
            listsFilesAtPlM3u: profile.listsFilesAtPlM3u,
            jsonSpacing: profile.jsonSpacing,
            telnet: profile.telnetPort,
          },
          summary(report),
        );
        assert.equal(facts.withoutPid, 'reuses');
        assert.equal(facts.stopOfFirstEndsSecond, profile.secondSession === 'share');
        assert.deepEqual([report.isReachable, report.isPlayed, report.unstopped], [true, true, 0]);
        await assertAllStopped(engine);
        await t.test('and finds the same at one that replays its recording', (t) => isReplayed(t, report));
      });
    }

    test('none of them finds the other positions of the switches', async (t) => {
      const engine = await startEngine(t, {
        profile: {
          supersededReader: 'silence',
          stoppedReader: 'reset',
          secondReader: 'cut-first',
          unknownSessionStatus: 404,
          liveposValues: 'piece-numbers',
          loadedInfohashAsId: true,
          headersWaitForMedia: false,
          playlistWhilePreparing: 503,
          segmentNumbers: 'of-broadcast',
          jsonSpacing: 'compact',
          telnetPort: 'open',
        },
      });
      const report = await examine(engine, { content: CONTENT_ID });
      const { facts } = report.recording;
      assert.deepEqual(
        {
          supersededReader: facts.supersededReader,
          stoppedReader: facts.stoppedReader,
          secondReader: facts.secondReader,
          unknownSessionStatus: facts.unknownSessionStatus,
          liveposValues: facts.liveposValues,
          loadedInfohashAsId: facts.loadedInfohashAsId,
          headersWaitForMedia: facts.headersWaitForMedia,
          playlistWhilePreparing: facts.playlistWhilePreparing,
          segmentNumbers: facts.segmentNumbers,
          jsonSpacing: facts.jsonSpacing,
          telnet: facts.telnet,
        },
        {
          supersededReader: 'silence',
          stoppedReader: 'reset',
          secondReader: 'cut-first',
          unknownSessionStatus: 404,
          liveposValues: 'piece-numbers',
          loadedInfohashAsId: true,
          headersWaitForMedia: false,
          playlistWhilePreparing: 503,
          segmentNumbers: 'of-broadcast',
          jsonSpacing: 'compact',
          telnet: 'open',
        },
        summary(report),
      );
      await assertAllStopped(engine);
    });
  });

  describe('the doctor', { concurrency: true }, () => {
    test('without an ID asks only what needs none, and says what it left out', async (t) => {
      const engine = await startEngine(t);
      const report = await examine(engine);
      assert.equal(resultOf(report, 'telnet').engine, `${engine.telnetPort} open, answers HELLOTS`);
      assert.equal(resultOf(report, 'version').verdict, 'same');
      assert.equal(resultOf(report, 'unknownId').verdict, 'same');
      assert.match(resultOf(report, 'unknownInfohash').engine, /failed to load content/);
      assert.deepEqual(
        [resultOf(report, 'startReply').verdict, resultOf(report, 'startReply').engine],
        ['left out', 'no ID was given'],
      );
      assert.equal(engine.counters.sessionsOpened, 0);
      assert.equal(report.media, undefined);
    });

    test('finds a content by its infohash, and takes no other name for it', async (t) => {
      const engine = await startEngine(t);
      const report = await examine(engine, { content: INFOHASH });
      assert.match(resultOf(report, 'mediaFiles').engine, /known as infohash/);
      assert.equal(report.isPlayed, true);
      assert.equal(resultOf(report, 'infohashAsId').verdict, 'left out');
    });

    for (const statProlongsSession of [true, false]) {
      const whether = statProlongsSession ? 'that stat keeps it' : 'that stat does not keep it';
      test(`with --long finds when a session ends that nobody reads, and ${whether}`, async (t) => {
        const engine = await startEngine(t, { profile: { statProlongsSession }, idleExpiryMs: 3_000 });
        const report = await examine(engine, { content: CONTENT_ID, isLong: true, times: PATIENT });
        const { facts } = report.recording;
        assert.equal(facts.statProlongsSession, statProlongsSession, summary(report));
        assert.ok(facts.idleExpiryMs !== undefined && facts.idleExpiryMs >= 2_900, summary(report));
        assert.match(resultOf(report, 'eventPoll').engine, /no answer within/);
        await assertAllStopped(engine);
      });
    }

    test('asks a recording for ranges and for two readers, and not what only live content has', async (t) => {
      const files = [{ name: 'Film.ts', durationSeconds: 60 }];
      const catalogue = listedCatalogue([{ infohash: INFOHASH, contentIds: [CONTENT_ID], files }]);
      for (const severalFileReaders of [true, false]) {
        const engine = await startEngine(t, { catalogue, profile: { severalFileReaders } });
        const report = await examine(engine, { content: CONTENT_ID });
        assert.equal(resultOf(report, 'fileRange').verdict, 'same', summary(report));
        assert.equal(report.recording.facts.severalFileReaders, severalFileReaders, summary(report));
        assert.equal(resultOf(report, 'secondSession').engine, 'the content is a recording');
        await assertAllStopped(engine);
      }
    });
  });

  describe('the doctor ends in bounded time at an engine that', { concurrency: true }, () => {
    const faulty = (
      name: string,
      fault: Fault,
      judge: (report: DoctorReport) => void,
      options: SimulatedEngineOptions = {},
    ): void => {
      test(name, async (t) => {
        const engine = await startEngine(t, options);
        engine.faults.set({ fault });
        await engine.settled();
        const report = await examine(engine, { content: CONTENT_ID, times: IMPATIENT });
        judge(report);
        const unreached = report.results.filter(({ engine: says }) => says === 'not reached');
        assert.deepEqual(unreached, [], summary(report));
        await assertAllStopped(engine);
      });
    };
    const isUnreachable = (report: DoctorReport): void => {
      assert.equal(report.isReachable, false);
      assert.equal(resultOf(report, 'version').verdict, 'failed', summary(report));
      assert.equal(resultOf(report, 'startReply').engine, 'the engine does not answer');
    };
    const isUnplayed = (report: DoctorReport): void => {
      assert.deepEqual([report.isReachable, report.isPlayed], [true, false], summary(report));
      assert.equal(resultOf(report, 'startReply').verdict, 'failed');
      assert.equal(resultOf(report, 'secondSession').engine, 'there is no playback');
    };
    const hasNoMedia = (report: DoctorReport): void => {
      assert.equal(report.isPlayed, true, summary(report));
      assert.equal(resultOf(report, 'burst').engine, 'no media came');
      assert.equal(resultOf(report, 'secondReader').engine, 'no media came');
      assert.equal(resultOf(report, 'secondSession').verdict, 'same', summary(report));
      assert.equal(report.media, undefined);
    };
    const mayHaveLeftSome = (report: DoctorReport): void => {
      isUnplayed(report);
      assert.ok(report.unstopped > 0, 'starts without an answer may have opened something');
    };

    faulty('refuses connections', { kind: 'refuse' }, isUnreachable);
    faulty('resets connections', { kind: 'reset' }, isUnreachable);
    faulty('accepts and never answers', { kind: 'hangConnect' }, isUnreachable);
    faulty('answers nothing', { kind: 'hangBeforeHeaders' }, isUnreachable);
    faulty('answers 503 to everything', { kind: 'http503' }, isUnplayed);
    faulty('never answers starts', { kind: 'hangBeforeHeaders', routes: ['start'] }, mayHaveLeftSome, {
      idleExpiryMs: 1_000,
    });
    faulty('starts with garbage', { kind: 'invalidJson' }, isUnplayed);
    faulty('starts with endless JSON', { kind: 'hugeBody' }, isUnplayed);
    faulty('sends players away', { kind: 'redirectForeign', url: 'http://203.0.113.9/x' }, isUnplayed);
    faulty('is half dead', { kind: 'halfDead' }, hasNoMedia);
    faulty('never redirects', { kind: 'hangBeforeHeaders', routes: ['redirect'] }, hasNoMedia);
    faulty('redirects in a circle', { kind: 'redirectLoop' }, hasNoMedia);
    faulty('is preloading for ever', { kind: 'mediaStatus', status: 500 }, hasNoMedia);
    faulty('cuts its media', { kind: 'cut', how: 'rst', afterBytes: 100_000 }, (report) => {
      assert.equal(report.isPlayed, true);
      assert.match(resultOf(report, 'burst').engine, /it ended/);
    });
    faulty('sends no TS', { kind: 'tsBadSync', probability: 0.5 }, (report) => {
      assert.equal(report.isPlayed, true, summary(report));
    });
  });

  describe('an examination', { concurrency: true }, () => {
    const moments: Readonly<Record<string, (entry: JournalEntry) => boolean>> = {
      'with its first start': ({ target }) =>
        target.includes(CONTENT_ID) && target.startsWith('/ace/getstream'),
      'when media is asked for': ({ route }) => route === 'content',
      'when HLS is': ({ target }) => target.startsWith('/ace/manifest.m3u8'),
    };
    for (const [when, isMoment] of Object.entries(moments)) {
      test(`that is broken off ${when} stops what it began, also a start that is not answered yet`, async (t) => {
        const engine = await startEngine(t, { delays: { replyMs: 200 } });
        const stop = new AbortController();
        const running = examine(engine, { content: CONTENT_ID, signal: stop.signal });
        await engine.journal.waitFor(isMoment);
        stop.abort(new Error('interrupted'));
        const report = await running;
        assert.equal(report.unstopped, 0);
        assert.equal(resultOf(report, 'hlsStopped').engine, 'interrupted');
        assert.ok(engine.counters.sessionsOpened > 0);
        await assertAllStopped(engine);
      });
    }

    test('tells in its recording no secret of the engine that it was made of', async (t) => {
      const engine = await startEngine(t);
      const second = await startEngine(t);
      const report = await examine(engine, { content: CONTENT_ID, second });
      const text = JSON.stringify(report.recording);
      const tokens = [...engine.journal.entries(), ...second.journal.entries()].flatMap(
        ({ path, target }) => [
          ...path.split('/').filter((word) => word.length >= 16 && word !== 'manifest.m3u8'),
          new URLSearchParams(target.split('?')[1]).get('pid') ?? '',
        ],
      );
      const secrets = [CONTENT_ID, INFOHASH, NAME, encodeURIComponent(NAME), '127.0.0.1', ...tokens];
      for (const secret of new Set(secrets)) {
        assert.equal(secret !== '' && text.toLowerCase().includes(secret.toLowerCase()), false, secret);
      }
      assert.doesNotMatch(text, /[0-9a-f]{16}/i);
    });
  });
});
