import type { Environment } from '../config/layers.ts';

/** Exit codes of every command. */
export const EXIT = { ok: 0, error: 1, usage: 2 } as const;

/** Where a command writes. */
export interface TextSink {
  write(text: string): unknown;
  readonly isTTY?: boolean | undefined;
}

export type StopSignal = 'SIGTERM' | 'SIGINT' | 'SIGHUP';

/** What a command has of the process it runs in; tests give it another. */
export interface CommandIo {
  readonly stdout: TextSink;
  readonly stderr: TextSink;
  readonly environment: Environment;
  readonly workingDirectory: string;
  /** Calls `handle` at each signal to stop, until the returned function is called. */
  onStopSignal(handle: (signal: StopSignal) => void): () => void;
  /** Whether its output went to a terminal that is not there any more. */
  isTerminalGone(): boolean;
}

/** One command: gets what follows its name, returns the exit code. Rejects with AcemuxError or a mistake of ours. */
export interface Command {
  /** What `--help` prints for it; ends in a line feed. */
  help(): string | Promise<string>;
  run(argv: readonly string[], io: CommandIo): Promise<number>;
}
