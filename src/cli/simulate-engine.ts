import type { Command } from './command.ts';

/** `acemux simulate-engine`: one simulated engine as a process of its own. */
export const simulateEngine: Command = {
  async help() {
    const { SIMULATE_ENGINE_HELP } = await loadSimulator();
    return SIMULATE_ENGINE_HELP;
  },
  async run(argv, io) {
    const { runSimulateEngine } = await loadSimulator();
    const stop = new AbortController();
    const stopListening = io.onStopSignal(() => stop.abort());
    try {
      return await runSimulateEngine([...argv], io, stop.signal);
    } finally {
      stopListening();
    }
  },
};

// Loaded only when asked for: the other commands need none of it.
function loadSimulator(): Promise<typeof import('../simulator/cli.ts')> {
  return import('../simulator/cli.ts');
}
