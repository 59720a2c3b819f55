import { AcemuxError } from '../../base/reasons.ts';
import type { ContainerInspector, InspectedContainer } from './container-inspector.ts';

/** Several Docker hosts asked as one: a container is on one of them, by its name. */
export class SeveralInspectors implements ContainerInspector {
  readonly #hosts: readonly ContainerInspector[];

  constructor(hosts: readonly ContainerInspector[]) {
    this.#hosts = hosts;
  }

  /** Where one host does not answer and no other has it, nothing is known. */
  async inspect(name: string, signal: AbortSignal): Promise<InspectedContainer | undefined> {
    return (await this.#find(name, signal))?.found;
  }

  async restart(name: string, signal: AbortSignal): Promise<void> {
    const place = await this.#find(name, signal);
    if (!place) throw new AcemuxError('docker_refused', `There is no container ${name} on any Docker host.`);
    await place.host.restart(name, signal);
  }

  async #find(
    name: string,
    signal: AbortSignal,
  ): Promise<{ readonly host: ContainerInspector; readonly found: InspectedContainer } | undefined> {
    const answers = await Promise.allSettled(this.#hosts.map((host) => host.inspect(name, signal)));
    for (const [index, answer] of answers.entries()) {
      const host = this.#hosts[index];
      if (host && answer.status === 'fulfilled' && answer.value) return { host, found: answer.value };
    }
    const failure = answers.find((answer) => answer.status === 'rejected');
    if (failure) throw failure.reason;
    return undefined;
  }
}
