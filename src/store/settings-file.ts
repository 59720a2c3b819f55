import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { Worker } from 'node:worker_threads';
import { AcemuxError } from '../base/reasons.ts';
import type { SettingsAnswer } from './settings-file-thread.ts';
import { type StoredSetting, settingOf } from './stored-settings.ts';
import { threadFile } from './thread-file.ts';

/**
 * What was changed at run time, as this database has it; a running acemux may have it open. Nothing is made or changed.
 * @throws AcemuxError store_unavailable where that can't be read
 */
export async function readStoredSettings(file: string): Promise<readonly StoredSetting[]> {
  if (!existsSync(file)) return [];
  const thread = new Worker(threadFile('settings-file-thread'), { workerData: file });
  // Both ends are acemux's own, of one version.
  const [answer] = (await once(thread, 'message')) as [SettingsAnswer];
  await thread.terminate();
  if ('rows' in answer) return answer.rows.map(settingOf);
  throw new AcemuxError('store_unavailable', `${file} cannot be read (${answer.failure})`);
}
