/** The faults in the media that one reader is given: which are in force, applied in the order of the field. */
import { PTS_HZ, TIMESTAMP_WRAP } from '../mpegts/clocks.ts';
import { PACKET_BYTES } from '../mpegts/packet.ts';
import { BitrateChange } from './bitrate-change.ts';
import type { ClipProgram } from './clip.ts';
import type { Faults, FaultTarget } from './faults.ts';
import {
  breakCounters,
  type Chance,
  corruptPackets,
  losePackets,
  moveAlignment,
  moveClocks,
  movePids,
  scramblePackets,
} from './ts-damage.ts';

const PID_OFFSET = 0x20;
const WRAP_IN_SECONDS = 2;

export interface MediaFaultsDeps {
  readonly faults: Faults;
  readonly whom: FaultTarget;
  /** Of what is shown now. */
  readonly programs: () => readonly ClipProgram[];
  /** The stream's clock at a moment of the simulator's clock, 90 kHz ticks. */
  readonly clockTicksAt: (nowMs: number) => number;
}

export class MediaFaults {
  readonly #deps: MediaFaultsDeps;
  readonly #bitrate = new BitrateChange();
  #packets = 0;

  constructor(deps: MediaFaultsDeps) {
    this.#deps = deps;
  }

  /** Whole packets that the reader would get next, as it gets them; writes to them. */
  apply(packets: Buffer): Buffer {
    const { faults, whom } = this.#deps;
    const firstIndex = this.#packets;
    this.#packets += packets.length / PACKET_BYTES;
    const offset90 = this.#clockOffset90();
    let out = offset90 === 0 ? packets : moveClocks(packets, offset90);
    if (faults.find('tsScrambled', whom)) out = scramblePackets(out, this.#streamPids);
    out = this.#movePids(out);
    out = this.#bitrate.apply(out, faults.find('bitrateChange', whom)?.fault.factor ?? 1);
    for (const [kind, damage] of DAMAGES) {
      const found = faults.find(kind, whom);
      if (found === undefined) continue;
      const chance: Chance = { probability: found.fault.probability, firstIndex, seed: found.id };
      out = damage(out, chance);
    }
    return out;
  }

  #clockOffset90(): number {
    const { faults, whom, clockTicksAt } = this.#deps;
    const jump = faults.find('pcrJump', whom)?.fault.seconds ?? 0;
    const wrap = faults.find('ptsWrap', whom);
    if (wrap === undefined) return jump * PTS_HZ;
    const inTicks = (wrap.fault.inSeconds ?? WRAP_IN_SECONDS) * PTS_HZ;
    return jump * PTS_HZ + TIMESTAMP_WRAP - inTicks - Math.round(clockTicksAt(wrap.setMs));
  }

  get #streamPids(): readonly number[] {
    return this.#deps.programs().flatMap(({ streams }) => streams.map(({ pid }) => pid));
  }

  #movePids(packets: Buffer): Buffer {
    const { faults, whom, programs } = this.#deps;
    const change = faults.find('pmtChange', whom)?.fault;
    if (change === undefined) return packets;
    return movePids(packets, {
      pmtPids: programs().map(({ pmtPid }) => pmtPid),
      streamPids: this.#streamPids,
      offset: change.pidOffset ?? PID_OFFSET,
    });
  }
}

const DAMAGES = [
  ['tsCcErr', breakCounters],
  ['tsLoss', losePackets],
  ['tsCorrupt', corruptPackets],
  ['tsBadSync', moveAlignment],
] as const;
