/** Where a viewer wants to begin. */
export type StartWish =
  | { readonly kind: 'behind'; readonly seconds: number }
  /** Milliseconds since the Unix epoch. */
  | { readonly kind: 'at'; readonly wallMs: number };

/** What a viewer asks for beside the stream. */
export interface ViewerWish {
  readonly start?: StartWish;
  /** Where it wants to end; for an excerpt. */
  readonly end?: StartWish;
  /** How far behind the live edge it begins, milliseconds of media, instead of PREBUFFER_SECONDS. */
  readonly bufferMs?: number;
}
