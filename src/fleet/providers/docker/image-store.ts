import { untilAborted } from '../../../base/abort.ts';
import type { Clock } from '../../../base/clock.ts';
import { AcemuxError } from '../../../base/reasons.ts';
import type { ImageProgress } from '../provider.ts';
import type { DockerClient } from './docker-client.ts';
import { DockerRefusal } from './docker-errors.ts';
import { numberAt, textAt } from './json-reading.ts';

export interface ImageStoreDeps {
  readonly client: DockerClient;
  readonly pull: 'missing' | 'always';
  readonly onProgress: (progress: ImageProgress) => void;
  readonly clock: Clock;
}

/** A pull that says nothing for so long has died: large layers tell of each part. */
const PULL_SILENCE_MS = 120_000;

/** The images on one Docker host: each is pulled once, however many wait for it. */
export class ImageStore {
  readonly #deps: ImageStoreDeps;
  readonly #abort = new AbortController();
  readonly #pulls = new Map<string, Promise<string>>();
  /** Those that need not be pulled any more, with `always`. */
  readonly #fresh = new Set<string>();

  constructor(deps: ImageStoreDeps) {
    this.#deps = deps;
  }

  /**
   * The id of an image, which is there then. A pull goes on when who waits for it leaves: the next one will.
   * @throws AcemuxError docker_image_missing, docker_image_invalid, docker_pull_failed, docker_disk_full, and those of
   * the API
   */
  async ensure(reference: string, signal: AbortSignal): Promise<string> {
    const wantsNewer = this.#deps.pull === 'always' && !this.#fresh.has(reference);
    const present = await this.#present(reference, signal);
    if (present !== undefined && !wantsNewer) return present;
    try {
      return await untilAborted(this.pull(reference), signal);
    } catch (error) {
      signal.throwIfAborted();
      // What is there serves, though it may be old; the failure has been told.
      if (present === undefined) throw error;
      this.#fresh.add(reference);
      return present;
    }
  }

  /** Pulls an image, whether it is there or not; its id. One pull at a time for each image. @throws as `ensure` */
  pull(reference: string): Promise<string> {
    const running = this.#pulls.get(reference);
    if (running !== undefined) return running;
    const begun = this.#pull(reference).finally(() => this.#pulls.delete(reference));
    this.#pulls.set(reference, begun);
    return begun;
  }

  /** Ends what is under way. */
  async stop(): Promise<void> {
    this.#abort.abort();
    await Promise.allSettled(this.#pulls.values());
  }

  async #present(reference: string, signal: AbortSignal): Promise<string | undefined> {
    try {
      return await this.#deps.client.imageId(reference, signal);
    } catch (error) {
      throw explainPull(error, reference);
    }
  }

  async #pull(reference: string): Promise<string> {
    this.#tell(reference, 'pulling', undefined, undefined);
    try {
      await this.#readPull(reference);
      const id = await this.#deps.client.imageId(reference, this.#abort.signal);
      if (id === undefined) {
        throw new AcemuxError('docker_pull_failed', `The pull of ${reference} ended without the image.`);
      }
      this.#fresh.add(reference);
      this.#tell(reference, 'ready', 1, undefined);
      return id;
    } catch (error) {
      const explained = explainPull(error, reference);
      this.#tell(
        reference,
        'failed',
        undefined,
        explained instanceof Error ? explained.message : String(explained),
      );
      throw explained;
    }
  }

  async #readPull(reference: string): Promise<void> {
    const silence = new AbortController();
    const { clock } = this.#deps;
    const startWatch = () => clock.startTimer(PULL_SILENCE_MS, () => silence.abort());
    let watch = startWatch();
    const layers = new Map<string, readonly [done: number, of: number]>();
    let told = 0;
    try {
      const signal = AbortSignal.any([this.#abort.signal, silence.signal]);
      for await (const step of await this.#deps.client.pull(reference, signal)) {
        watch.cancel();
        watch = startWatch();
        const failure = textAt(step, 'errorDetail', 'message') ?? textAt(step, 'error');
        if (failure !== undefined) throw failedPull(failure, reference);
        const percent = noteStep(layers, step);
        if (percent <= told) continue;
        told = percent;
        this.#tell(reference, 'pulling', percent / 100, textAt(step, 'status'));
      }
    } catch (error) {
      if (!silence.signal.aborted) throw error;
      throw new AcemuxError(
        'docker_pull_failed',
        `The pull of ${reference} said nothing for ${PULL_SILENCE_MS / 1000} s.`,
      );
    } finally {
      watch.cancel();
    }
  }

  #tell(
    image: string,
    state: ImageProgress['state'],
    fraction: number | undefined,
    detail: string | undefined,
  ): void {
    this.#deps.onProgress({ image, state, fraction, detail });
  }
}

/** Whole percent of what is known to be loaded of all layers: it may not grow for a while. */
function noteStep(layers: Map<string, readonly [number, number]>, step: unknown): number {
  const id = textAt(step, 'id');
  const [done, of] = [numberAt(step, 'progressDetail', 'current'), numberAt(step, 'progressDetail', 'total')];
  const isLoading = textAt(step, 'status') === 'Downloading';
  if (id !== undefined && isLoading && done !== undefined && of !== undefined && of > 0)
    layers.set(id, [Math.min(done, of), of]);
  let [doneAll, ofAll] = [0, 0];
  for (const [part, whole] of layers.values()) {
    doneAll += part;
    ofAll += whole;
  }
  return ofAll === 0 ? 0 : Math.floor((doneAll / ofAll) * 100);
}

const NOT_THERE =
  /not found|manifest unknown|pull access denied|does not exist|no matching manifest|unauthorized/i;

function failedPull(said: string, reference: string): AcemuxError {
  const text = `The image ${reference} can’t be pulled: ${said}`;
  if (/no space left on device/i.test(said)) return new AcemuxError('docker_disk_full', text);
  if (/invalid reference format/i.test(said)) return new AcemuxError('docker_image_invalid', text);
  return new AcemuxError(NOT_THERE.test(said) ? 'docker_image_missing' : 'docker_pull_failed', text);
}

function explainPull(error: unknown, reference: string): unknown {
  return error instanceof DockerRefusal ? failedPull(error.said, reference) : error;
}
