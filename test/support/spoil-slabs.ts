// Loaded before every test (scripts/run-tests.ts): memory of a ring that will be used again is spoilt at once, so that whoever
// still reads a view of it is seen to. 0xDE is no sync byte.
import diagnostics from 'node:diagnostics_channel';
import { SLAB_SPARED } from '../../src/session/slab.ts';

diagnostics.subscribe(SLAB_SPARED, (bytes) => {
  if (Buffer.isBuffer(bytes)) bytes.fill(0xde);
});
