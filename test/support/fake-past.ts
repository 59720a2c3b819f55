import type { Past, PastPage, PastPoint } from '../../src/session/past.ts';

const PAGE_BYTES = 100_000 - (100_000 % 188);

/** A past in memory, at the positions of its stretches; each read is answered a moment later. */
export class FakePast implements Past {
  wallMs = 1_000_000;
  pauseMaxMs = 60_000;
  windowMs = 60_000;
  oldestWallMs: number | undefined;
  sizeBytes = 0;
  readonly segments = {
    listedMs: 0,
    opened: Promise.resolve(undefined),
    keep: async () => false,
    giveUp: () => {},
  };
  points: PastPoint[] = [];
  reads = 0;
  /** Pages that were given out and not let go of. */
  pagesHeld = 0;
  readonly #stretches: { readonly from: number; readonly bytes: Buffer }[] = [];

  keep(from: number, bytes: Buffer): void {
    this.#stretches.push({ from, bytes });
  }

  setWindow(windowMs: number): void {
    this.windowMs = windowMs;
  }

  reaches(position: number): boolean {
    return this.#stretches.some(({ from }) => from <= position);
  }

  async page(position: number): Promise<PastPage | undefined> {
    const bytes = await this.read(position, PAGE_BYTES);
    if (bytes.length === 0) return undefined;
    this.pagesHeld++;
    return { from: position, bytes, letGo: () => void this.pagesHeld-- };
  }

  async read(position: number, bytesMax: number): Promise<Buffer> {
    this.reads++;
    const found = this.#stretches.find(
      ({ from, bytes }) => from <= position && position < from + bytes.length,
    );
    return found?.bytes.subarray(position - found.from, position - found.from + bytesMax) ?? Buffer.alloc(0);
  }

  async pointFrom(position: number): Promise<PastPoint | undefined> {
    return this.points.find(({ point }) => point.position >= position);
  }

  async pointAt(wallMs: number): Promise<PastPoint | undefined> {
    return this.points.findLast((each) => each.wallMs <= wallMs) ?? this.points[0];
  }
}
