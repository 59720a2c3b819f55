/** Which form of acemux is started, as `entry-point.mjs` tells. */
export function entryPoint(root: string): { readonly file: string; readonly isSource: boolean };
export const BUILT_MARK: string;
