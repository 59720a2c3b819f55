/** Reads settings for a command: `readStoredSettings` (settings-file.ts) starts it, because SQLite blocks its thread. */
import { parentPort, workerData } from 'node:worker_threads';
import { Database } from './database.ts';
import { type Row, StoreFailure } from './statement.ts';
import { ALL_SETTINGS } from './stored-settings.ts';

/** What it says: once, and then it ends. */
export type SettingsAnswer = { readonly rows: readonly Row[] } | { readonly failure: string };

parentPort?.postMessage(answer());

function answer(): SettingsAnswer {
  try {
    const database = Database.openToRead(String(workerData));
    try {
      return { rows: database.read(ALL_SETTINGS) };
    } finally {
      database.close();
    }
  } catch (error) {
    if (!(error instanceof StoreFailure)) throw error;
    return { failure: `${error.problem}: ${error.message}` };
  }
}
