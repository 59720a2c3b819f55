import { key } from './key.ts';
import { keyList, type ListedKey } from './key-list.ts';
import { choice, networkList, secretText } from './texts.ts';

/** Who needs the key: only public addresses, everybody, nobody. */
export type AccessMode = 'private' | 'key' | 'open';

const addresses = (part: string, kind: 'allow' | 'deny', doc: string) =>
  key({
    yaml: `${part}_${kind}`,
    environment: `${part}_${kind}`.toUpperCase(),
    type: networkList(),
    default: [],
    whenUnset: kind === 'allow' ? 'all' : 'none',
    applies: 'restart',
    doc,
  });

/** Who may do what: the section `access`. */
export const ACCESS_KEYS = {
  apiKey: key<string | undefined>({
    yaml: 'api_key',
    environment: 'API_KEY',
    type: secretText(),
    default: undefined,
    whenUnset: 'generated into `admin.key` in `DATA_DIR` at the first start',
    applies: 'restart',
    doc: 'The admin key. No address is trusted instead of it.',
    secret: true,
  }),
  keys: key<readonly ListedKey[]>({
    yaml: 'keys',
    environment: 'KEYS',
    type: keyList(),
    default: [],
    whenUnset: 'none',
    applies: 'restart',
    doc: 'Further keys, each with a name and a role: `viewer` plays, `metrics` reads `/metrics`, `operator` also stops streams and restarts engines, `admin` may do all (docs/security.md). `sha256` instead of `key` keeps the key itself out of the configuration.',
    secret: true,
  }),
  play: key<AccessMode>({
    yaml: 'play',
    environment: 'PLAY_ACCESS',
    type: choice(['private', 'key', 'open']),
    default: 'private',
    applies: 'restart',
    doc: 'Who may play. `private`: loopback and private networks need no key, others do; `key`: everybody needs it; `open`: nobody does.',
  }),
  view: key<AccessMode>({
    yaml: 'view',
    environment: 'VIEW_ACCESS',
    type: choice(['private', 'key', 'open']),
    default: 'private',
    applies: 'restart',
    doc: 'Who may look at status, sessions and metrics; the same words as for playing.',
  }),
  playAllow: addresses(
    'play',
    'allow',
    'The only addresses and networks that may play, whatever key they have.',
  ),
  playDeny: addresses('play', 'deny', 'Addresses and networks that may not play, whatever key they have.'),
  viewAllow: addresses(
    'view',
    'allow',
    'The only addresses and networks that may look at anything or log in.',
  ),
  viewDeny: addresses('view', 'deny', 'Addresses and networks that may neither look at anything nor log in.'),
  adminAllow: addresses('admin', 'allow', 'The only addresses and networks that may change anything.'),
  adminDeny: addresses('admin', 'deny', 'Addresses and networks that may not change anything.'),
} as const;
