import { AcemuxError } from '../../base/reasons.ts';
import type { HttpDeps } from '../deps.ts';

const noHistory = async (): Promise<never> => {
  throw new AcemuxError('store_unavailable');
};
/** A history that can't be read. */
export const NO_HISTORY: HttpDeps['history'] = {
  moment: noHistory,
  stream: noHistory,
  streams: noHistory,
  timeline: noHistory,
};

/** A store that is well. */
export const WELL_STORED: HttpDeps['store']['health'] = {
  place: 'file',
  problem: undefined,
  detail: undefined,
  sinceMs: 0,
  waiting: 0,
  lost: 0,
};
