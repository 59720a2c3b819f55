import type { VpnMoment } from './vpn.ts';

const MOMENTS_MAX = 100;

/** The latest changes of one VPN: its state, address and port, each with what the others were then. */
export class VpnHistory {
  readonly #moments: VpnMoment[] = [];

  /** Takes a moment down if anything but the time differs from the last one. */
  add(moment: VpnMoment): boolean {
    const last = this.#moments.at(-1);
    if (last && isSame(last, moment)) return false;
    this.#moments.push(moment);
    if (this.#moments.length > MOMENTS_MAX) this.#moments.shift();
    return true;
  }

  /** Oldest first. */
  list(): readonly VpnMoment[] {
    return [...this.#moments];
  }
}

function isSame(one: VpnMoment, other: VpnMoment): boolean {
  return (
    one.state === other.state &&
    one.reason === other.reason &&
    one.publicIp === other.publicIp &&
    one.forwardedPort === other.forwardedPort &&
    one.country === other.country &&
    one.region === other.region
  );
}
