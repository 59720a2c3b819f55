import assert from 'node:assert/strict';
import { get, type IncomingMessage } from 'node:http';
import type { TestContext } from 'node:test';

/** One server-sent event as it came; `name` and `id` where it had them. */
export interface SentEvent {
  readonly id: number | undefined;
  readonly name: string | undefined;
  readonly data: Record<string, unknown> | undefined;
}

/** Reads `/events/stream` as a browser does: keeps the id that came last. */
export class EventReader {
  readonly events: SentEvent[] = [];
  readonly response: IncomingMessage;
  lastId: number | undefined;
  comments = 0;
  /** Resolves when the stream is over, however that came. */
  readonly ended: Promise<void>;
  readonly #wake = new Set<() => void>();
  #text = '';

  constructor(response: IncomingMessage) {
    this.response = response;
    response.setEncoding('utf8');
    response.on('error', () => {}); // `ended` tells.
    this.ended = new Promise((resolve) => response.once('close', resolve));
    response.on('data', (chunk: string) => this.#take(chunk));
  }

  /** The names of the events that had data. */
  get names(): (string | undefined)[] {
    return this.events.map(({ name }) => name);
  }

  /** Resolves when the condition holds of what has come. */
  async until(condition: () => boolean): Promise<void> {
    while (!condition()) {
      assert.ok(!this.response.destroyed, `the stream is over, and this did not come to hold: ${condition}`);
      await new Promise<void>((resolve) => {
        const wake = (): void => {
          this.#wake.delete(wake);
          this.response.off('close', wake);
          resolve();
        };
        this.#wake.add(wake);
        this.response.once('close', wake);
      });
    }
  }

  close(): void {
    this.response.destroy();
  }

  #take(chunk: string): void {
    this.#text += chunk;
    const blocks = this.#text.split('\n\n');
    this.#text = blocks.pop() ?? '';
    for (const block of blocks) this.#takeBlock(block.split('\n'));
    for (const wake of [...this.#wake]) wake();
  }

  #takeBlock(lines: readonly string[]): void {
    const field = (name: string): string | undefined =>
      lines.find((line) => line.startsWith(`${name}: `))?.slice(name.length + 2);
    const id = field('id') === undefined ? undefined : Number(field('id'));
    const data = field('data');
    this.lastId = id ?? this.lastId;
    if (lines.some((line) => line.startsWith(':'))) this.comments++;
    if (data !== undefined) this.events.push({ id, name: field('event'), data: JSON.parse(data) });
  }
}

/** Begins to read; the end of the test ends it. */
export function readEvents(
  t: TestContext,
  url: string,
  headers: Record<string, string> = {},
): Promise<EventReader> {
  return new Promise((resolve, reject) => {
    const request = get(url, { headers, agent: false }, (response) => resolve(new EventReader(response)));
    request.once('error', reject);
    t.after(() => request.destroy());
  });
}
