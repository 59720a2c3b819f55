import type { ContainerStats } from '../provider.ts';
import type { DockerClient } from './docker-client.ts';
import { listAt, numberAt, textAt } from './json-reading.ts';

/** Two of these make a percentage. */
interface CpuSample {
  readonly usedNs: number;
  readonly systemNs: number;
}

/** So many containers are asked at once: Docker 20.10 takes up to a second for each, in which it mostly waits. */
const ASKED_AT_ONCE = 10;
/** Of so many containers that are not asked about now the last sample is held: they may be asked about next. */
const OTHERS_MAX = 500;

/** Samples of what containers use, each compared with the one before. */
export class StatsSampler {
  readonly #client: DockerClient;
  readonly #before = new Map<string, CpuSample>();

  constructor(client: DockerClient) {
    this.#client = client;
  }

  /**
   * Of these containers, by id, in their order; one that can't be told of is left out. The first sample of each has no
   * share of the CPU yet: 0. Never rejects, unless `signal` aborts.
   */
  async sample(ids: readonly string[], signal: AbortSignal): Promise<ReadonlyMap<string, ContainerStats>> {
    const wanted = new Set(ids);
    for (const id of this.#before.keys()) {
      if (this.#before.size <= wanted.size + OTHERS_MAX) break;
      if (!wanted.has(id)) this.#before.delete(id);
    }
    const found = new Map<string, ContainerStats>();
    const queue = [...wanted];
    const ask = async (): Promise<void> => {
      for (let id = queue.shift(); id !== undefined; id = queue.shift()) {
        const stats = await this.#one(id, signal);
        if (stats) found.set(id, stats);
      }
    };
    await Promise.all(Array.from({ length: ASKED_AT_ONCE }, ask));
    return new Map(
      ids.flatMap((id): [string, ContainerStats][] => {
        const stats = found.get(id);
        return stats ? [[id, stats]] : [];
      }),
    );
  }

  async #one(id: string, signal: AbortSignal): Promise<ContainerStats | undefined> {
    let answer: unknown;
    try {
      answer = await this.#client.stats(id, signal);
    } catch {
      signal.throwIfAborted();
      return undefined; // Numbers are shown, nothing depends on them; that Docker fails is said elsewhere.
    }
    const cpu = cpuOf(answer);
    const stats = cpu && readStats(answer, cpu, this.#before.get(id));
    if (cpu) this.#before.set(id, cpu);
    return stats;
  }
}

function cpuOf(answer: unknown): CpuSample | undefined {
  const usedNs = numberAt(answer, 'cpu_stats', 'cpu_usage', 'total_usage');
  const systemNs = numberAt(answer, 'cpu_stats', 'system_cpu_usage');
  // A container that has just ended answers with zeros and without the system.
  return usedNs === undefined || systemNs === undefined ? undefined : { usedNs, systemNs };
}

/** One sample as acemux shows it. Pure and total. */
export function readStats(answer: unknown, cpu: CpuSample, before: CpuSample | undefined): ContainerStats {
  return {
    cpuPercent: before ? percentOf(cpu, before, coresOf(answer)) : 0,
    memoryBytes: Math.max(0, (numberAt(answer, 'memory_stats', 'usage') ?? 0) - cachedBytes(answer)),
    memoryLimitBytes: numberAt(answer, 'memory_stats', 'limit') ?? 0,
    networkReceivedBytes: sumOfNetworks(answer, 'rx_bytes'),
    networkSentBytes: sumOfNetworks(answer, 'tx_bytes'),
    blockReadBytes: sumOfBlocks(answer, 'read'),
    blockWrittenBytes: sumOfBlocks(answer, 'write'),
  };
}

function percentOf(cpu: CpuSample, before: CpuSample, cores: number): number {
  const system = cpu.systemNs - before.systemNs;
  const used = cpu.usedNs - before.usedNs;
  return system > 0 && used >= 0 ? (used / system) * cores * 100 : 0;
}

function coresOf(answer: unknown): number {
  const online = numberAt(answer, 'cpu_stats', 'online_cpus') ?? 0;
  return online > 0 ? online : Math.max(1, listAt(answer, 'cpu_stats', 'cpu_usage', 'percpu_usage').length);
}

/** cgroup v2 names it one way, v1 the other. */
function cachedBytes(answer: unknown): number {
  return (
    numberAt(answer, 'memory_stats', 'stats', 'inactive_file') ??
    numberAt(answer, 'memory_stats', 'stats', 'total_inactive_file') ??
    0
  );
}

/** A container in the network of another one has none of its own. */
function sumOfNetworks(answer: unknown, field: string): number {
  const networks = typeof answer === 'object' && answer && 'networks' in answer ? answer.networks : undefined;
  if (typeof networks !== 'object' || networks === null) return 0;
  return Object.values(networks).reduce((sum: number, each) => sum + (numberAt(each, field) ?? 0), 0);
}

function sumOfBlocks(answer: unknown, operation: string): number {
  return listAt(answer, 'blkio_stats', 'io_service_bytes_recursive')
    .filter((each) => textAt(each, 'op')?.toLowerCase() === operation)
    .reduce((sum: number, each) => sum + (numberAt(each, 'value') ?? 0), 0);
}
