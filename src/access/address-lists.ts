import type { ClientAddress } from './client-address.ts';
import { parseAddressSet } from './ip-address.ts';

/** The areas that have lists of their own; `guard.ts` says which lists an area goes by. */
export type ListedPart = 'play' | 'view' | 'admin';

/** Addresses and networks as they were written. */
export interface WrittenLists {
  /** Empty: all. */
  readonly allow: readonly string[];
  readonly deny: readonly string[];
}

/** The two refusals are reason codes. */
export type ListVerdict = 'allow' | 'address_not_allowed' | 'proxy_not_trusted';

/** Who may come near at all, whatever key they have. */
export interface AddressLists {
  judge(part: ListedPart, client: ClientAddress): ListVerdict;
}

/**
 * Reads the lists: `deny` wins over `allow`, and an empty `allow` allows everybody. Who comes through a proxy that is
 * not trusted has an address that nobody knows: such a client is refused where there is a list.
 * @throws AcemuxError config_invalid for an entry that is neither an address nor a network
 */
export function readAddressLists(written: Readonly<Record<ListedPart, WrittenLists>>): AddressLists {
  const read = ({ allow, deny }: WrittenLists) => ({
    allow: parseAddressSet(allow),
    deny: parseAddressSet(deny),
  });
  const parts = { play: read(written.play), view: read(written.view), admin: read(written.admin) };
  return {
    judge(part, { address, isBehindUnknownProxy }) {
      const { allow, deny } = parts[part];
      if (allow.size === 0 && deny.size === 0) return 'allow';
      if (isBehindUnknownProxy) return 'proxy_not_trusted';
      if (deny.contains(address)) return 'address_not_allowed';
      return allow.size === 0 || allow.contains(address) ? 'allow' : 'address_not_allowed';
    },
  };
}

/** Everybody may come near. */
export const NO_LISTS: AddressLists = { judge: () => 'allow' };
