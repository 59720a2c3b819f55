import { isatty } from 'node:tty';
import type { CommandIo, StopSignal } from './cli/command.ts';
import { COMMANDS } from './cli/commands.ts';
import { runCommandLine } from './cli/run.ts';
import { LineBatch } from './telemetry/line-batch.ts';

const STOP_SIGNALS: readonly StopSignal[] = ['SIGTERM', 'SIGINT', 'SIGHUP'];

const stdout = new LineBatch(process.stdout);
// Also where an error that nobody caught ends the process.
process.on('exit', () => stdout.flush());

const io: CommandIo = {
  stdout,
  stderr: process.stderr,
  environment: process.env,
  workingDirectory: process.cwd(),
  onStopSignal(handle) {
    for (const signal of STOP_SIGNALS) process.on(signal, handle);
    return () => {
      for (const signal of STOP_SIGNALS) process.off(signal, handle);
    };
  },
  // The stream remembers what it was made with; the kernel answers for a terminal only while there is one.
  isTerminalGone: () => process.stdout.isTTY && !isatty(process.stdout.fd),
};

// Whoever reads our output may leave (`acemux config | head`, a terminal that closes): that ends the output, not
// the process.
const READER_GONE = ['EPIPE', 'EIO', 'ERR_STREAM_DESTROYED'];
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (!READER_GONE.includes(error.code ?? '')) throw error;
  });
}

// The code ends the process also when something is still open: after a second signal a drain still runs.
process.exit(await runCommandLine(process.argv.slice(2), io, COMMANDS));
