/** Posts what is told within one turn of the loop as one message: each wakes the thread at the other end. */
export class Outbox<Item> {
  readonly #post: (items: readonly Item[]) => void;
  #items: Item[] = [];
  #turnEnds: NodeJS.Immediate | undefined;

  constructor(post: (items: readonly Item[]) => void) {
    this.#post = post;
  }

  /** Posted with what else is told by the end of the turn, in order. */
  add(item: Item): void {
    this.#items.push(item);
    this.#turnEnds ??= setImmediate(() => this.flush());
  }

  /** Posts what waits, now. */
  flush(): void {
    const items = this.#items;
    this.clear();
    if (items.length > 0) this.#post(items);
  }

  /** Forgets what waits. */
  clear(): void {
    clearImmediate(this.#turnEnds);
    this.#turnEnds = undefined;
    this.#items = [];
  }
}
