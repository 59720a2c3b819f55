// What can happen to the engine of a playing stream, and who is there to go on.
import type { Fault } from '../../src/simulator/fault-kinds.ts';
import type { EngineProcess } from './engine-process.ts';

/** How acemux gets to know. */
export type Notice =
  /** The connection to the engine ends. */
  | 'at once'
  /** Nothing comes, and the engine's stat says so. */
  | 'silence'
  /** No new media comes, but the engine's stat says that data do. */
  | 'silence at work'
  /** The engine does not answer when it is asked how it is; what it plays goes on meanwhile. */
  | 'health';

export interface Struck {
  readonly engine: EngineProcess;
  /** The playbacks of the viewers' streams. */
  readonly tokens: readonly string[];
  /** Whether an engine that has ended is started again. */
  readonly comesBack: boolean;
}

export interface FaultStory {
  readonly name: string;
  readonly notice: Notice;
  readonly strike: (struck: Struck) => Promise<void>;
  /** Whether the engine's process ends: where it comes back, it is another one. */
  readonly endsProcess?: boolean;
  /** What acemux is told beside the defaults. */
  readonly environment?: Readonly<Record<string, string>>;
}

export interface ModeStory {
  readonly name: string;
  /** Whether another engine has room. */
  readonly hasSpare: boolean;
  /** How far the other engine is behind. */
  readonly lagSeconds: number;
  /** Whether each playback is a multiplex of its own. */
  readonly remux: boolean;
  /** What the configuration file says. */
  readonly configuration?: string;
  /** Whether the other engine plays along before anything happens. */
  readonly playsAlong: boolean;
}

/** In force for the playbacks that run now: what is opened anew plays well, also on the same engine. */
function inMedia(name: string, notice: Notice, fault: Fault): FaultStory {
  return { name, notice, strike: ({ engine, tokens }) => engine.setFault(fault, tokens) };
}

function endOfProcess(name: string, signal: 'SIGTERM' | 'SIGKILL', alwaysComesBack: boolean): FaultStory {
  return {
    name,
    notice: 'at once',
    endsProcess: true,
    strike: async ({ engine, comesBack }) => {
      await engine.end(signal);
      if (comesBack || alwaysComesBack) await engine.startAgain();
    },
  };
}

export const FAULTS: readonly FaultStory[] = [
  inMedia('cut', 'at once', { kind: 'cut', how: 'rst' }),
  endOfProcess('kill', 'SIGKILL', false),
  inMedia('hang', 'silence', { kind: 'hangMidStream' }),
  inMedia('half-dead', 'silence at work', { kind: 'halfDead' }),
  inMedia('loop', 'silence at work', { kind: 'loop', seconds: 2 }),
  endOfProcess('restart', 'SIGTERM', true),
  {
    name: 'refuse',
    notice: 'health',
    strike: ({ engine }) => engine.setFault({ kind: 'refuse' }),
    // By default an engine is asked every 20 s, and three times.
    environment: { HEALTH_CHECK_INTERVAL: '1s' },
  },
];

const SPARE: ModeStory = { name: 'spare', hasSpare: true, lagSeconds: 0, remux: false, playsAlong: false };

export const MODES: readonly ModeStory[] = [
  SPARE,
  { ...SPARE, name: 'spare-remux', remux: true },
  { ...SPARE, name: 'spare-behind', lagSeconds: 3 },
  { ...SPARE, name: 'same', hasSpare: false },
  { ...SPARE, name: 'hot', configuration: 'streams:\n  standby: hot\n', playsAlong: true },
];
