import type { CommandIo, StopSignal } from '../../src/cli/command.ts';

/** A process for commands under test: keeps what they write, and sends them signals. */
export class CommandRecorder implements CommandIo {
  readonly environment: CommandIo['environment'];
  readonly workingDirectory: string;
  output = '';
  errors = '';
  readonly #handlers = new Set<(signal: StopSignal) => void>();

  constructor(environment: CommandIo['environment'] = {}, workingDirectory = import.meta.dirname) {
    this.environment = environment;
    this.workingDirectory = workingDirectory;
  }

  /** Called with each text that the command writes to its output. */
  onWrite: (text: string) => void = () => {};

  readonly stdout = {
    write: (text: string): void => {
      this.output += text;
      this.onWrite(text);
    },
  };

  readonly stderr = { write: (text: string) => (this.errors += text) };

  onStopSignal(handle: (signal: StopSignal) => void): () => void {
    this.#handlers.add(handle);
    return () => void this.#handlers.delete(handle);
  }

  /** The terminal that its output goes to. */
  terminal: 'none' | 'there' | 'gone' = 'none';

  isTerminalGone(): boolean {
    return this.terminal === 'gone';
  }

  /** How many listeners for signals there are: none once a command has ended. */
  get signalHandlers(): number {
    return this.#handlers.size;
  }

  send(signal: StopSignal): void {
    for (const handle of this.#handlers) handle(signal);
  }
}
