import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { FakeEngine } from '../../test/support/fake-engines.ts';
import { house, refusal, VIEWER, watch } from '../../test/support/session-house.ts';
import { AcemuxError, type ReasonCode } from '../base/reasons.ts';
import { AdmittedFiles, AdmittedSessions } from './admitted-sessions.ts';
import type { Pace, Throttle, ViewerInfo } from './attachment.ts';
import type { Doorkeeper, Seat } from './doorkeeper.ts';
import type { OpenFile } from './recorded/recordings.ts';

const SELECTOR = { kind: 'id', hash: '0123456789abcdef0123456789abcdef01234567', parameters: {} } as const;
const NEVER = new AbortController().signal;

/** Lets everybody in, and remembers who sits where. */
class OpenDoor implements Doorkeeper {
  readonly seats: { readonly viewer: ViewerInfo; readonly stream: string; readonly events: string[] }[] = [];
  readonly expulsion = new AbortController();
  refusal: ReasonCode | undefined;
  tooSlow = false;
  pace: Pace | undefined;
  throttle: Throttle | undefined;
  rate: number | undefined;

  async enter(viewer: ViewerInfo, stream: string): Promise<Seat> {
    if (this.refusal) throw new AcemuxError(this.refusal);
    const events: string[] = [];
    this.seats.push({ viewer, stream, events });
    const { throttle } = this;
    return {
      throttle,
      expulsion: this.expulsion.signal,
      watch: (rate, isPushed) => {
        this.rate = rate();
        events.push(isPushed ? 'watches' : 'reads');
        if (this.tooSlow) throw new AcemuxError('bandwidth_below_stream');
        return this.pace;
      },
      notePaused: (isPaused) => void events.push(isPaused ? 'pauses' : 'goes on'),
      leave: () => void events.push('leaves'),
    };
  }
}

async function played() {
  const engine = new FakeEngine('one');
  const rig = house(engine);
  await watch(rig, engine);
  const door = new OpenDoor();
  const sessions = new AdmittedSessions(rig.directory, door);
  return {
    door,
    rig,
    sessions,
    join: (viewer: ViewerInfo = VIEWER, signal = NEVER) => sessions.join(SELECTOR, viewer, signal),
  };
}

describe('a viewer', () => {
  test('has a seat from when it asks until it leaves, and is asked for by the stream’s name', async () => {
    const { door, join, rig } = await played();
    const attachment = await join();
    assert.equal(door.seats[0]?.stream, SELECTOR.hash);
    assert.ok((door.rate ?? 0) > 0, 'the rate of the stream is told');
    attachment.notePaused?.(true);
    attachment.notePaused?.(false);
    attachment.leave('client_left');
    assert.deepEqual(door.seats[0]?.events, ['watches', 'pauses', 'goes on', 'leaves']);
    assert.equal(rig.directory.clientCount, 1, 'the first viewer of this house');
  });

  test('that is not let in begins no stream', async () => {
    const engine = new FakeEngine('one');
    const rig = house(engine);
    const door = new OpenDoor();
    door.refusal = 'too_many_viewers';
    const sessions = new AdmittedSessions(rig.directory, door);
    assert.equal(await refusal(sessions.join(SELECTOR, VIEWER, NEVER)), 'too_many_viewers');
    assert.deepEqual(rig.directory.list(), []);
  });

  test('that is too slow for the stream leaves session and seat', async () => {
    const { door, join, rig } = await played();
    door.tooSlow = true;
    assert.equal(await refusal(join()), 'bandwidth_below_stream');
    assert.deepEqual(door.seats[0]?.events, ['watches', 'leaves']);
    assert.equal(rig.directory.clientCount, 1);
  });

  test('whose seat somebody else gets while it waits is told so', async () => {
    const engine = new FakeEngine('one');
    const rig = house(engine);
    const door = new OpenDoor();
    const sessions = new AdmittedSessions(rig.directory, door);
    const joining = refusal(sessions.join(SELECTOR, VIEWER, NEVER));
    await rig.clock.advance(0);
    door.expulsion.abort(new AcemuxError('stream_replaced'));
    assert.equal(await joining, 'stream_replaced');
    assert.deepEqual(door.seats[0]?.events, ['leaves']);
    await rig.directory.stop('shutdown');
  });

  test('hears it while it watches, and is given its pace', async () => {
    const { door, join } = await played();
    door.pace = { allowedBytes: () => 1, spend: () => {}, waitMs: () => 1 };
    const attachment = await join();
    assert.equal(attachment.pace, door.pace);
    door.expulsion.abort(new AcemuxError('stream_replaced'));
    assert.equal(attachment.expulsion?.aborted, true);
    attachment.leave('stream_replaced');
  });

  test('has what a cap does to it in what is shown of it', async () => {
    const { door, join, rig } = await played();
    door.throttle = { bytesPerSecond: 500_000, isHoldingBack: true };
    const attachment = await join();
    attachment.showProgress?.(() => ({
      output: 'ts',
      position: undefined,
      bytesSent: undefined,
      bytesPerSecond: undefined,
      isBlocked: false,
      skips: 0,
      longestPauseMs: undefined,
    }));
    const shown = rig.directory.sessions[0]?.viewers.list().at(-1)?.progress;
    assert.deepEqual([shown?.output, shown?.throttle], ['ts', door.throttle]);
    attachment.leave('client_left');
  });

  test('that only waits to come back has no seat afterwards, and takes nothing', async () => {
    const { door, join } = await played();
    const attachment = await join({ ...VIEWER, isVisitor: true });
    assert.deepEqual(door.seats[0]?.events, ['leaves']);
    attachment.leave('client_left');
  });

  test('of segments is not pushed', async () => {
    const { door, join } = await played();
    const attachment = await join({ ...VIEWER, segments: { isAway: false } });
    assert.deepEqual(door.seats[0]?.events, ['reads']);
    attachment.leave('client_left');
  });
});

/** What nobody asks here. */
const OTHERWISE = {
  factsOf: () => undefined,
  identify: async () => '',
  snapshotFor: () => assert.fail(),
  dismiss: () => {},
};

describe('a reader of a recording', () => {
  const abort = new AbortController();
  const closed: ReasonCode[] = [];
  const file: OpenFile = {
    head: { from: 0, end: 8, totalBytes: 8 } as OpenFile['head'],
    facts: { totalBytes: 8, type: 'video/mp4', takesRanges: true },
    reading: {
      bytes: async function* () {},
      close: (reason) => void closed.push(reason),
      signal: abort.signal,
    },
  };
  const question = { selector: SELECTOR, viewer: VIEWER, span: undefined };

  test('has the seat for as long as it reads, and gives it up for another', async () => {
    const door = new OpenDoor();
    const files = new AdmittedFiles({ ...OTHERWISE, open: async () => file }, door);
    await files.open(question, NEVER);
    assert.deepEqual(door.seats[0]?.events, ['reads']);
    door.expulsion.abort(new AcemuxError('stream_replaced'));
    assert.deepEqual(closed, ['stream_replaced']);
    abort.abort(new AcemuxError('stream_replaced'));
    assert.deepEqual(door.seats[0]?.events, ['reads', 'leaves']);
  });

  test('that can’t be opened leaves its seat', async () => {
    const door = new OpenDoor();
    const files = new AdmittedFiles(
      { ...OTHERWISE, open: () => Promise.reject(new AcemuxError('file_unknown')) },
      door,
    );
    assert.equal(await refusal(files.open(question, NEVER)), 'file_unknown');
    assert.deepEqual(door.seats[0]?.events, ['leaves']);
  });
});
