/** Hands what is told within one turn of the loop on together, where each handing on costs: a thread that is woken, a call of the system. */
export class Outbox<Item> {
  readonly #handOn: (items: readonly Item[]) => void;
  #items: Item[] = [];
  #turnEnds: NodeJS.Immediate | undefined;

  constructor(handOn: (items: readonly Item[]) => void) {
    this.#handOn = handOn;
  }

  /** Handed on with what else is told by the end of the turn, in order. */
  add(item: Item): void {
    this.#items.push(item);
    this.#turnEnds ??= setImmediate(() => this.flush());
  }

  /** Hands on what waits, now. */
  flush(): void {
    const items = this.#items;
    this.clear();
    if (items.length > 0) this.#handOn(items);
  }

  /** Forgets what waits. */
  clear(): void {
    clearImmediate(this.#turnEnds);
    this.#turnEnds = undefined;
    this.#items = [];
  }
}
