import type { ByteBudget } from './byte-budget.ts';

/** Smaller pieces are not worth a write, larger ones would make a picture wait. */
const PIECE_BYTES_MAX = 16 * 1024;
const PIECES_PER_SECOND = 10;

/** How fast one viewer may be given bytes: as fast as the tightest of the budgets that it lives on. */
export class ViewerPace {
  readonly #budgets: readonly ByteBudget[];
  #exemptBytes: number;
  #isHoldingBack = false;

  /** `exemptBytes`: so many at first are on nobody's account, and come as fast as they can. */
  constructor(budgets: readonly ByteBudget[], exemptBytes: number) {
    this.#budgets = budgets;
    this.#exemptBytes = exemptBytes;
  }

  /** Of the tightest of its budgets. */
  get bytesPerSecond(): number {
    return Math.min(...this.#budgets.map(({ bytesPerSecond }) => bytesPerSecond));
  }

  /** Whoever asked last what may be written was told to wait. */
  get isHoldingBack(): boolean {
    return this.#isHoldingBack;
  }

  /** What may be written now; 0: nothing yet, `waitMs` tells when. To be asked when there is something to write. */
  allowedBytes(nowMs: number): number {
    const bytes = this.#allowedAt(nowMs);
    this.#isHoldingBack = bytes === 0;
    return bytes;
  }

  #allowedAt(nowMs: number): number {
    if (this.#exemptBytes > 0) return this.#exemptBytes;
    let least = Number.POSITIVE_INFINITY;
    for (const budget of this.#budgets) {
      const level = budget.level(nowMs);
      if (level < pieceOf(budget)) return 0;
      least = Math.min(least, level);
    }
    return least;
  }

  spend(bytes: number, nowMs: number): void {
    const exempt = Math.min(bytes, this.#exemptBytes);
    this.#exemptBytes -= exempt;
    if (bytes > exempt) for (const budget of this.#budgets) budget.spend(bytes - exempt, nowMs);
  }

  /** How long until something may be written; milliseconds. */
  waitMs(nowMs: number): number {
    if (this.#exemptBytes > 0) return 0;
    let longest = 0;
    for (const budget of this.#budgets) longest = Math.max(longest, budget.waitMs(pieceOf(budget), nowMs));
    return longest;
  }
}

function pieceOf({ bytesPerSecond }: ByteBudget): number {
  return Math.min(PIECE_BYTES_MAX, bytesPerSecond / PIECES_PER_SECOND);
}
