import ipaddr from 'ipaddr.js';
import { AcemuxError } from '../base/reasons.ts';

type Address = ReturnType<typeof ipaddr.process>;

/**
 * Ranges of ipaddr.js that need no key where the policy is `private`: RFC 1918, loopback, link-local of both
 * families, unique local IPv6 (fc00::/7), and 100.64.0.0/10 (RFC 6598), which overlay networks such as Tailscale use.
 */
const PRIVATE_RANGES: ReadonlySet<string> = new Set([
  'private',
  'loopback',
  'linkLocal',
  'uniqueLocal',
  'carrierGradeNat',
]);

/**
 * The one spelling of an address by which it is compared and shown: IPv4 that was mapped into IPv6 becomes IPv4
 * again, IPv6 is shortened. Undefined for anything that is not an address.
 */
export function normalizeAddress(text: string): string | undefined {
  return parseAddress(text)?.toString();
}

/** Whether an address belongs to this machine or to a private network. False for what is not an address. */
export function isPrivateAddress(text: string): boolean {
  const address = parseAddress(text);
  return address !== undefined && PRIVATE_RANGES.has(address.range());
}

/** Bits of an IPv6 address that name a network; the rest is one machine's, which may change it every hour (RFC 8981). */
const IPV6_NETWORK_BITS = 64;

/** By what somebody is counted: an IPv4 address, an IPv6 network of 64 bits; what is not an address by itself. */
export function networkOf(text: string): string {
  const address = parseAddress(text);
  if (!address || address.kind() === 'ipv4') return address?.toString() ?? text;
  return ipaddr.IPv6.networkAddressFromCIDR(`${address.toString()}/${IPV6_NETWORK_BITS}`).toString();
}

/** A fixed set of addresses and networks. */
export interface AddressSet {
  readonly size: number;
  /** False for what is not an address. */
  contains(text: string): boolean;
}

/**
 * Reads addresses and networks in CIDR notation.
 * @throws AcemuxError config_invalid for an entry that is neither
 */
export function parseAddressSet(entries: readonly string[]): AddressSet {
  const networks = entries.map(parseNetwork);
  return {
    size: networks.length,
    contains(text) {
      if (networks.length === 0) return false;
      const address = parseAddress(text);
      if (!address) return false;
      return networks.some(([network, prefixBits]) => {
        // ipaddr.js throws when the families differ; a network of the other family contains nothing of this one.
        return network.kind() === address.kind() && address.match(network, prefixBits);
      });
    },
  };
}

function parseNetwork(entry: string): [Address, number] {
  try {
    if (entry.includes('/')) return ipaddr.parseCIDR(entry);
    const address = ipaddr.process(entry);
    return [address, address.kind() === 'ipv4' ? 32 : 128];
  } catch (error) {
    throw new AcemuxError(
      'config_invalid',
      `"${entry}" is neither an IP address nor a network like 10.0.0.0/8.`,
      {
        cause: error,
      },
    );
  }
}

function parseAddress(text: string): Address | undefined {
  // isValid alone would take `10.1` and octal forms, which mean something else to most people.
  const isStrict = ipaddr.IPv4.isValidFourPartDecimal(text) || ipaddr.IPv6.isValid(text);
  return isStrict ? ipaddr.process(text) : undefined;
}
