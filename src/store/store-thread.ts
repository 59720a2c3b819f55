/** The only thread that opens SQLite: `Store` (store.ts) starts it, and talks to it by store-messages.ts. */
import { parentPort, workerData } from 'node:worker_threads';
import { systemClock } from '../base/clock.ts';
import { Outbox } from '../base/outbox.ts';
import { ResilientDatabase } from './resilient-database.ts';
import type { Answer, Request, ThreadData } from './store-messages.ts';

const port = parentPort;
if (!port) throw new Error('store-thread.ts is to be run as a thread');
// Both ends are acemux's own, of one version.
const { file, memoryBytesMax } = workerData as ThreadData;

const outbox = new Outbox<Answer>((answers) => port.postMessage(answers));
const tell = (answer: Answer): void => outbox.add(answer);
const database = new ResilientDatabase({
  file,
  memoryBytesMax,
  clock: systemClock,
  owner: {
    stateChanged: (state, isReloaded) => tell({ kind: 'state', state, isReloaded }),
    written: (id, to) => tell({ kind: 'written', id, to }),
    mistaken: (id, error) => tell({ kind: 'mistaken', id, detail: error.message }),
  },
});
database.start();

let flushing: NodeJS.Immediate | undefined;
const hear = (request: Request): void => {
  switch (request.kind) {
    case 'write':
      database.add(request);
      // All that has been told by then goes in one transaction.
      flushing ??= setImmediate(() => {
        flushing = undefined;
        database.flush();
      });
      return;
    case 'read':
      answer(request.id, () => database.read(request.statement));
      return;
    case 'size':
      answer(request.id, () => [{ bytes: database.usedBytes }]);
      return;
    case 'shrink':
      database.shrink();
      return;
    case 'close':
      clearImmediate(flushing);
      database.stop();
      outbox.flush();
      port.close();
  }
};

port.on('message', (requests: readonly Request[]) => {
  for (const request of requests) hear(request);
});

function answer(id: number, read: () => Extract<Answer, { kind: 'rows' }>['rows']): void {
  try {
    // Whoever reads has what was told before.
    database.flush();
    tell({ kind: 'rows', id, rows: read() });
  } catch (error) {
    tell({ kind: 'failed', id, detail: error instanceof Error ? error.message : String(error) });
  }
}
