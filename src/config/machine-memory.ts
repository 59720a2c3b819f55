import { totalmem } from 'node:os';

/** The memory that this process may use: its container's, where that has a limit, else the machine's. */
export interface MachineMemory {
  readonly bytes: number;
  readonly isContainers: boolean;
}

const MIB = 1024 * 1024;
/** Buffers get this share of it: the rest is for the process, the kernel's socket buffers and other programs. */
const BUFFER_SHARE = 1 / 4;
/** The range of BUFFER_MEMORY_MAX. */
export const BUFFER_MEMORY_RANGE = { min: 16 * MIB, max: 1024 * 1024 * MIB };

/**
 * @param limitBytes the limit of the control group, as libuv reads it: `memory.max` and `memory.high` of version 2,
 *   `memory.limit_in_bytes` of version 1; 0 or more than the machine has: none
 */
export function machineMemory(
  limitBytes = process.constrainedMemory(),
  totalBytes = totalmem(),
): MachineMemory {
  const isContainers = limitBytes > 0 && limitBytes < totalBytes;
  return { bytes: isContainers ? limitBytes : totalBytes, isContainers };
}

/** What BUFFER_MEMORY_MAX is when it is not set, in whole mebibytes, and a sentence that says why. */
export function defaultBufferMemory({ bytes, isContainers }: MachineMemory): {
  bytes: number;
  origin: string;
} {
  const quarter = Math.floor((bytes * BUFFER_SHARE) / MIB) * MIB;
  const { min, max } = BUFFER_MEMORY_RANGE;
  const owner = isContainers ? 'container' : 'machine';
  return {
    bytes: Math.min(Math.max(quarter, min), max),
    origin: `default: a quarter of the ${owner}'s ${Math.floor(bytes / MIB)}MiB`,
  };
}
