/** A player of HLS over real HTTP that judges all that it is given and keeps it. */
import assert from 'node:assert/strict';
import { HlsChecker, type InspectedSegment, inspectSegment, parseStrictly } from './hls-checker.ts';

/** Follows the addresses from the manifest on, as a player does: reloads, and fetches each segment once. */
export class HlsPlayer {
  readonly checker = new HlsChecker();
  readonly segments = new Map<number, Buffer>();
  readonly inspected: InspectedSegment[] = [];
  readonly #manifestUrl: string;
  #playlistUrl = '';

  constructor(manifestUrl: string) {
    this.#manifestUrl = manifestUrl;
  }

  /** The address of its own media playlist. */
  get playlistUrl(): string {
    return this.#playlistUrl;
  }

  /** All segments, one after the other. */
  get recording(): Buffer {
    return Buffer.concat([...this.segments.values()]);
  }

  /** Reads the manifest; returns what it says of the stream. */
  async open(): Promise<string> {
    const reply = await fetch(this.#manifestUrl);
    assert.equal(reply.status, 200, await reply.clone().text());
    const [, , description = '', uri = ''] = (await reply.text()).split('\n');
    this.#playlistUrl = new URL(uri, this.#manifestUrl).href;
    return description;
  }

  /** One reload, and all segments that are new. */
  async reload(): Promise<void> {
    const reply = await fetch(this.#playlistUrl);
    const text = await reply.text();
    assert.equal(reply.status, 200, text);
    for (const { number, uri } of this.checker.reload(text, performance.now()).segments) {
      if (this.segments.has(number)) continue;
      const segment = await fetch(new URL(uri, this.#playlistUrl));
      assert.equal(segment.status, 200, `segment ${number}`);
      const bytes = Buffer.from(await segment.arrayBuffer());
      assert.equal(bytes.length, Number(segment.headers.get('content-length')));
      this.segments.set(number, bytes);
      this.inspected.push(inspectSegment(bytes));
    }
  }

  /** Reloads twice a second until it has so many segments. */
  async has(count: number): Promise<void> {
    while (this.segments.size < count) {
      await this.reload();
      await new Promise((resolve) => setTimeout(resolve, 500));
    }
  }
}

/** The segments' addresses of a playlist at this address. */
export async function segmentUrls(playlistUrl: string): Promise<string[]> {
  const text = await (await fetch(playlistUrl)).text();
  return parseStrictly(text).segments.map(({ uri }) => new URL(uri, playlistUrl).href);
}
