import { AcemuxError, type ReasonCode } from '../../../base/reasons.ts';
import { DockerRefusal } from './docker-errors.ts';

/** Docker's words for what can go wrong when a container is made or started, and what they mean here. */
const MEANINGS: readonly (readonly [RegExp, ReasonCode])[] = [
  [/no space left on device|disk quota exceeded/i, 'docker_disk_full'],
  [/port is already allocated|address already in use|ports are not available/i, 'docker_ports_taken'],
  [/container name .* is already in use|name .* already in use by/i, 'docker_name_taken'],
  [/invalid reference format/i, 'docker_image_invalid'],
  [/no such image|manifest unknown|pull access denied/i, 'docker_image_missing'],
  [/non running container|joining network namespace|cannot join network/i, 'docker_vpn_not_running'],
  [/no such container/i, 'docker_vpn_not_running'],
  [/network .* not found|could not find .*network/i, 'docker_network_missing'],
  [
    /memory limit|range of cpus|nanocpus|cpus? .*available|pids limit|memory.*(smaller|larger)/i,
    'docker_limits',
  ],
];

/** The reason of a failed creation; what is no refusal of Docker's is returned as it is. Pure. */
export function explainCreation(error: unknown, step: 'create' | 'start'): unknown {
  if (!(error instanceof DockerRefusal)) return error;
  const known = MEANINGS.find(([words]) => words.test(error.said))?.[1];
  const code = known ?? (step === 'start' ? 'docker_start_failed' : 'docker_refused');
  const failed = step === 'start' ? 'started' : 'made';
  return new AcemuxError(code, `The container of an engine can’t be ${failed}: ${error.said}`, {
    cause: error,
  });
}

/** Which of these ports Docker's words name as taken; all of them, if none is named. Pure. */
export function takenPorts(error: AcemuxError, ports: readonly number[]): readonly number[] {
  const named = ports.filter((port) => new RegExp(`:${port}\\b`).test(error.message));
  return named.length > 0 ? named : ports;
}

/** Whether an engine's last words say that a port of its own was taken. */
export function saysPortTaken(logTail: readonly string[]): boolean {
  return logTail.some((line) => /address already in use|EADDRINUSE|errno 98\b/i.test(line));
}
