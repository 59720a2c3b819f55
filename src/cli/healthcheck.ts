import { get } from '../base/node-http.ts';
import type { Config } from '../config/config.ts';
import { flagHelp } from '../config/reference.ts';
import { parseArguments } from './arguments.ts';
import { type Command, EXIT } from './command.ts';
import { configFlags, loadForCommand } from './config-flags.ts';
import { localUrlOf } from './own-url.ts';
import { usageError } from './usage.ts';

const HEALTH_TIMEOUT_MS = 5000;

/** `acemux healthcheck`: asks the acemux of the same configuration whether it lives; for containers. */
export const healthcheck: Command = {
  help: () =>
    'Usage: acemux healthcheck [the flags of serve]\n\n' +
    'Asks GET /health/live of the address that serve would listen on with the same configuration.\n\n' +
    `Flags:\n${flagHelp()}`,
  async run(argv, io) {
    const given = parseArguments(argv, configFlags());
    if (!given.ok) return usageError(io, given.problem, 'healthcheck');
    const url = healthUrl(loadForCommand(given.flags, io).config);
    const problem = await askHealth(url, AbortSignal.timeout(HEALTH_TIMEOUT_MS));
    if (problem === undefined) return EXIT.ok;
    io.stderr.write(`acemux: ${url} ${problem}\n`);
    return EXIT.error;
  },
};

/** Where a server of this configuration tells whether it lives. */
export function healthUrl(config: Config): string {
  return `${localUrlOf(config)}/health/live`;
}

/** Undefined if the answer is 200, else what was wrong. */
function askHealth(url: string, signal: AbortSignal): Promise<string | undefined> {
  return new Promise((resolve) => {
    const request = get(url, { signal, agent: false }, (response) => {
      response.destroy();
      resolve(response.statusCode === 200 ? undefined : `answered ${response.statusCode}`);
    });
    request.on('error', (error) => {
      resolve(
        signal.aborted ? `did not answer within ${HEALTH_TIMEOUT_MS / 1000} s` : `failed: ${error.message}`,
      );
    });
  });
}
