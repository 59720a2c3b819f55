/** A stretch of media that came in one piece. */
export interface MediaPiece {
  readonly bytes: number;
  /** That it plays. */
  readonly seconds: number;
}

/** Bytes for each second of media; undefined while there is nothing to tell it by. */
export function rateOfPieces(pieces: readonly MediaPiece[]): number | undefined {
  const seconds = pieces.reduce((sum, piece) => sum + piece.seconds, 0);
  const bytes = pieces.reduce((sum, piece) => sum + piece.bytes, 0);
  return seconds > 0 && bytes > 0 ? bytes / seconds : undefined;
}
