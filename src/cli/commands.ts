import type { Command } from './command.ts';

/** A command as the list of commands has it; what does its work is loaded when it is asked for. */
export interface ListedCommand {
  readonly name: string;
  /** One sentence for the list of commands. */
  readonly summary: string;
  load(): Promise<Command>;
}

/** All commands, in the order of `acemux --help`. Each loads its own modules only: `healthcheck` runs every half minute in a container. */
export const COMMANDS: readonly ListedCommand[] = [
  {
    name: 'serve',
    summary: 'Run the proxy.',
    load: async () => (await import('./serve.ts')).serve,
  },
  {
    name: 'config',
    summary: 'Print the effective configuration with the origin of each value.',
    load: async () => (await import('./show-config.ts')).showConfig,
  },
  {
    name: 'why',
    summary: 'Say why a stream froze at a time: one verdict with its evidence.',
    load: async () => (await import('./why.ts')).why,
  },
  {
    name: 'report',
    summary: 'Write a file for an issue: configuration (masked), versions, events, history.',
    load: async () => (await import('./report.ts')).report,
  },
  {
    name: 'sign-url',
    summary: 'Print a signed URL: whoever has it may play, until it expires.',
    load: async () => (await import('./sign-url.ts')).signUrl,
  },
  {
    name: 'login-link',
    summary: 'Print a link into the panel of a running acemux: it opens once, within ten minutes.',
    load: async () => (await import('./login-link.ts')).loginLink,
  },
  {
    name: 'doctor',
    summary: 'Examine a real engine, print what it does, and write a recording to send.',
    load: async () => (await import('./doctor.ts')).doctor,
  },
  {
    name: 'simulate-engine',
    summary: 'Run one simulated AceStream engine.',
    load: async () => (await import('./simulate-engine.ts')).simulateEngine,
  },
  {
    name: 'healthcheck',
    summary: 'Ask a running acemux whether it lives; exit code 0 or 1 within 5 s.',
    load: async () => (await import('./healthcheck.ts')).healthcheck,
  },
];
