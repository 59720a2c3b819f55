/** Stretches of simulated channels, as several engines would deliver them: packets from anywhere, in any multiplex. */

import { Broadcast, type Filler } from '../../src/simulator/broadcast.ts';
import { MediaLibrary, type MediaName } from '../../src/simulator/media-library.ts';
import { Remux } from '../../src/simulator/remux.ts';
import { moveClocks } from '../../src/simulator/ts-damage.ts';

export interface ChannelChoice {
  readonly filler?: Filler;
  readonly infohash?: string;
}

/** All channels of one test file, at one bitrate. */
export class Channels {
  readonly #library: MediaLibrary;

  constructor(bitsPerSecond = 2_500_000) {
    this.#library = new MediaLibrary({ bitsPerSecond });
  }

  channel(name: MediaName, { filler = 'markers', infohash = 'a'.repeat(40) }: ChannelChoice = {}): Channel {
    return new Channel(new Broadcast({ infohash, layout: this.#library.layout(name), filler }));
  }
}

export class Channel {
  readonly broadcast: Broadcast;

  constructor(broadcast: Broadcast) {
    this.broadcast = broadcast;
  }

  /** How many packets are `seconds` of it. */
  packetsIn(seconds: number): number {
    return this.broadcast.packetsOnAir(seconds * 1_000);
  }

  /** The packet at which tables stand that lead to a place to begin at, at or after packet `from` of the first loop. */
  beginningAfter(from: number): number {
    const { beginnings, packetsPerLoop } = this.broadcast.layout;
    const found = beginnings.find((place) => place >= from) ?? beginnings[0]! + packetsPerLoop;
    return Math.max(0, found);
  }

  /**
   * Packets `from` to `end` (exclusive). `remux`: the name of an engine that multiplexes anew; `shift90`: its clock is
   * moved by so many ticks of 90 kHz.
   */
  take(from: number, end: number, choice: { remux?: string | undefined; shift90?: number } = {}): Buffer {
    const { remux, shift90 = 0 } = choice;
    let packets = Buffer.alloc((end - from) * 188);
    if (remux === undefined) this.broadcast.fill(packets, from, end - from);
    else packets = Buffer.from(new Remux(remux, this.broadcast).packets(from, end - from));
    return shift90 === 0 ? packets : moveClocks(packets, shift90);
  }
}
