import type { Config } from '../config/config.ts';

const WILDCARDS = ['0.0.0.0', '::', '::0'];

/** Where a server of this configuration is reached on this machine, without a slash at its end. */
export function localUrlOf({ server: { host, port } }: Config): string {
  const reachable = WILDCARDS.includes(host) ? '127.0.0.1' : host;
  return `http://${reachable.includes(':') ? `[${reachable}]` : reachable}:${port}`;
}

/** Where people reach it, as far as the configuration tells. */
export function baseUrlOf(config: Config): string {
  return config.server.publicUrl ?? localUrlOf(config);
}
