import type { ChangedSetting, SettingChange, SettingsStore } from './settings.ts';

/** Settings that are kept as long as the process: for commands and tests. */
export class MemorySettings implements SettingsStore {
  readonly #settings = new Map<string, ChangedSetting>();
  readonly #changes: SettingChange[] = [];
  readonly #listeners = new Set<() => void>();

  list(): readonly ChangedSetting[] {
    return [...this.#settings.values()];
  }

  async set(setting: ChangedSetting): Promise<void> {
    this.#changes.unshift({ ...setting, previous: this.#settings.get(setting.path)?.value });
    this.#settings.set(setting.path, setting);
  }

  async reset(path: string, changedAtMs: number, changedBy: string): Promise<void> {
    const previous = this.#settings.get(path)?.value;
    this.#changes.unshift({ path, value: undefined, previous, changedAtMs, changedBy });
    this.#settings.delete(path);
  }

  async changes(countMax: number): Promise<readonly SettingChange[]> {
    return this.#changes.slice(0, countMax);
  }

  onReloaded(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** The database has become another one, with these. */
  replace(...settings: readonly ChangedSetting[]): void {
    this.#settings.clear();
    for (const setting of settings) this.#settings.set(setting.path, setting);
    for (const listener of this.#listeners) listener();
  }
}
