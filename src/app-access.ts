import { readAddressLists } from './access/address-lists.ts';
import { type AdminKey, loadOrCreateAdminKey } from './access/admin-key.ts';
import { limitsOf } from './access/key-limits.ts';
import { KeyRing } from './access/key-ring.ts';
import type { KeyStore } from './access/key-store.ts';
import { LoginSessions } from './access/login-sessions.ts';
import { TokenSigner } from './access/signed-token.ts';
import { FollowedSecrets, loadOrCreateSigningSecrets } from './access/signing-secrets.ts';
import type { Clock } from './base/clock.ts';
import type { Config } from './config/config.ts';
import type { AccessParts } from './http/access-control.ts';
import type { Log } from './telemetry/log.ts';

/** What decides who may do what, ready to be asked. */
export interface AccessHouse {
  readonly adminKey: AdminKey;
  readonly parts: AccessParts;
  /** Follows what becomes of the file of signing secrets. */
  start(): void;
  stop(): Promise<void>;
}

/**
 * The part of the composition root that is about who may do what.
 * @throws AcemuxError config_invalid if DATA_DIR or a file of secrets in it cannot be used
 */
export async function buildAccess(
  { access, storage: { dataDir } }: Config,
  { clock, keyStore, log }: { readonly keyStore: KeyStore; readonly clock: Clock; readonly log: Log },
): Promise<AccessHouse> {
  const adminKey = await loadOrCreateAdminKey({ configured: access.apiKey, dataDir });
  if (adminKey.isNew) log.info({ file: adminKey.file }, 'generated an admin key');
  const secrets = await loadOrCreateSigningSecrets(dataDir);
  const signer = new TokenSigner(secrets);
  const followed = new FollowedSecrets(secrets, {
    dataDir,
    onChange: (changed) => {
      signer.replaceSecrets(changed);
      log.info({ accepted: changed.length }, 'signed URLs are signed with a new secret from now on');
    },
    onProblem: (error) =>
      log.warn({ err: error }, 'the file of signing secrets cannot be used; those of before are'),
    clock,
  });
  const configured = access.keys.map(({ limits, ...key }) => ({ ...key, limits: limitsOf(limits) }));
  const keys = new KeyRing({ adminKey: adminKey.key, configured, store: keyStore, clock });
  try {
    await keys.start();
  } catch (error) {
    // The admin key and those of the configuration open all the same.
    log.error({ err: error }, 'the keys that were made by API cannot be read: they are not accepted');
  }
  const lists = readAddressLists({
    play: { allow: access.playAllow, deny: access.playDeny },
    view: { allow: access.viewAllow, deny: access.viewDeny },
    admin: { allow: access.adminAllow, deny: access.adminDeny },
  });
  const policy = { play: access.play, view: access.view };
  const parts = { policy, lists, keys, signer, logins: new LoginSessions(clock) };
  return {
    adminKey,
    parts,
    start: () => followed.start(),
    async stop() {
      keys.stop();
      await followed.stop();
    },
  };
}
