import type { Grant, TokenSigner } from './signed-token.ts';

/** What a signed URL is to be. */
export interface SignedUrlWish extends Grant {
  /** How `stream` names it; undefined where it is undefined. */
  readonly kind: 'id' | 'infohash' | undefined;
  readonly format: 'ts' | 'hls';
}

const PATHS = { ts: '/ace/getstream', hls: '/ace/manifest.m3u8' } as const;

/** A URL that lets whoever has it play. Without a stream its user adds `&id=…`. */
export function signedUrl(
  base: string,
  { format, kind, ...grant }: SignedUrlWish,
  signer: TokenSigner,
): string {
  const query = new URLSearchParams();
  if (kind !== undefined && grant.stream !== undefined) query.set(kind, grant.stream);
  query.set('token', signer.sign(grant));
  return `${base}${PATHS[format]}?${query.toString()}`;
}
