/** What a session's buffers ask for memory (see `BufferMemory`). Bytes. */
export interface BufferShare {
  /** More than this may soon be taken back; infinite while there is memory enough for everybody. */
  readonly capBytes: number;
  /**
   * To be called before so many bytes are allocated: whoever can do without lets go of as many, also the one who asks.
   * False: nobody can, and nothing has been taken.
   */
  take(bytes: number): boolean;
  /** The same for what is not needed: nobody has to do without for it. */
  takeFree(bytes: number): boolean;
  /** The same for what is needed in any case: it is taken over the bound if nobody can do without. */
  takeAnyway(bytes: number): void;
  /** To be called when so many bytes have been let go of. */
  give(bytes: number): void;
}

/** Memory without a bound. */
export const UNBOUNDED: BufferShare = {
  capBytes: Number.POSITIVE_INFINITY,
  take: () => true,
  takeFree: () => true,
  takeAnyway: () => {},
  give: () => {},
};
