import type { Clock } from '../base/clock.ts';
import { nearestName } from '../base/nearest-name.ts';
import { AcemuxError } from '../base/reasons.ts';
import { combinationProblems, valueIn } from './combinations.ts';
import { buildConfig, type Config, type DeclaredKey, declaredKeys } from './config.ts';
import { exampleOf, type Origin } from './layers.ts';
import type { LoadedConfig } from './load.ts';
import { type Parsed, shownValue } from './value-type.ts';

/** A setting that was changed at run time. */
export interface ChangedSetting {
  /** The key's YAML path. */
  readonly path: string;
  /** As YAML has it. */
  readonly value: unknown;
  /** Wall clock, milliseconds since the Unix epoch. */
  readonly changedAtMs: number;
  /** Who did it, for people. */
  readonly changedBy: string;
}

/** One change, as the audit shows it; undefined: not set. */
export interface SettingChange extends ChangedSetting {
  readonly previous: unknown;
}

/** Where changes outlive the process. What is held there is read and changed at once, whatever its file does. */
export interface SettingsStore {
  list(): readonly ChangedSetting[];
  /** Never rejects. */
  set(setting: ChangedSetting): Promise<unknown>;
  /** Never rejects. */
  reset(path: string, changedAtMs: number, changedBy: string): Promise<unknown>;
  /** The newest first. Rejects where that can't be read now. */
  changes(countMax: number): Promise<readonly SettingChange[]>;
  /** Settings are others without having been changed here. Returns how to stop listening. */
  onReloaded(listener: () => void): () => void;
}

/** One key as it is in force. */
export interface Setting {
  readonly declared: DeclaredKey;
  /** What the process goes by. */
  readonly value: unknown;
  readonly origin: Origin;
  /** A flag or the environment says it: nothing else counts. */
  readonly isLocked: boolean;
  /** What it will be at the next start is something else. */
  readonly isPending: boolean;
  readonly change: ChangedSetting | undefined;
}

export interface SettingsDeps {
  /** What flags, environment and file made at the start. */
  readonly loaded: LoadedConfig;
  /** Reads them anew; throws config_invalid. Undefined: there is nothing to be read. */
  readonly reload?: (() => LoadedConfig) | undefined;
  readonly store: SettingsStore;
  readonly clock: Clock;
  /** Something is wrong with what is stored, for the log. */
  readonly onWarning: (text: string) => void;
}

/** Told of the YAML paths whose values are others now. */
export type SettingsListener = (changed: ReadonlySet<string>) => void;

interface State {
  readonly config: Config;
  readonly origins: ReadonlyMap<string, Origin>;
}

/**
 * The configuration while the process runs: what it was started with, and over that what was changed since. Of a key that
 * is read at start only, the value of the start stays in force.
 */
export class Settings {
  readonly #deps: SettingsDeps;
  readonly #listeners = new Set<SettingsListener>();
  #loaded: LoadedConfig;
  /** What would hold after a restart. */
  #next: State;
  #current: Config;
  #unsubscribe: (() => void) | undefined;

  constructor(deps: SettingsDeps) {
    this.#deps = deps;
    this.#loaded = deps.loaded;
    this.#next = deps.loaded;
    this.#current = deps.loaded.config;
  }

  /** What is in force now. To be asked each time, where a key may change. */
  get current(): Config {
    return this.#current;
  }

  /** Where each value of the next start comes from, by YAML path. */
  get origins(): ReadonlyMap<string, Origin> {
    return this.#next.origins;
  }

  /** Takes up what is stored. */
  start(): void {
    this.#unsubscribe = this.#deps.store.onReloaded(() => this.#apply());
    this.#apply();
  }

  stop(): void {
    this.#unsubscribe?.();
  }

  /** Calls back after each change. Returns how to end that. */
  onChange(listener: SettingsListener): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  list(): readonly Setting[] {
    const changes = new Map(this.#deps.store.list().map((change) => [change.path, change]));
    return declaredKeys().map((declared) => {
      const { path } = declared;
      const value = valueIn(this.#current, path);
      const isPending = !isSame(declared, value, valueIn(this.#next.config, path));
      const origin = this.#next.origins.get(path) ?? DEFAULT_ORIGIN;
      return {
        declared,
        value,
        origin,
        isLocked: this.#isLocked(path),
        isPending,
        change: changes.get(path),
      };
    });
  }

  /**
   * One key, by its YAML path or its environment variable in upper or lower case.
   * @throws AcemuxError setting_unknown
   */
  get(name: string): Setting {
    const found = this.list().find(({ declared }) => isCalled(declared, name));
    if (found) return found;
    const near = nearestName(
      name,
      declaredKeys().map(({ path }) => path),
    );
    throw new AcemuxError(
      'setting_unknown',
      `There is no setting ${name.slice(0, 100)}${near === undefined ? '' : `; did you mean ${near}?`}`,
    );
  }

  /**
   * Sets a key from now on, and for the starts to come; null unsets one that may be.
   * @throws AcemuxError setting_unknown, set_by_environment, setting_fixed, setting_invalid
   */
  async set(name: string, raw: unknown, by: string): Promise<Setting> {
    const { declared } = this.#changeable(name);
    const { key, path } = declared;
    const parsed = readValue(declared, raw);
    if (!parsed.ok) {
      throw new AcemuxError(
        'setting_invalid',
        `${path} cannot be ${shownValue(raw).slice(0, 200)}; it must be ${parsed.problem}. For example: ${exampleOf(key)}`,
      );
    }
    const change = {
      path,
      value: parsed.value === undefined ? null : key.type.print(parsed.value),
      changedAtMs: this.#deps.clock.wallMs(),
      changedBy: by,
    };
    const others = this.#deps.store.list().filter((each) => each.path !== path);
    const { errors } = this.#resolve([...others, change]);
    if (errors.length > 0) throw new AcemuxError('setting_invalid', errors.join(' '));
    const saved = this.#deps.store.set(change);
    this.#apply();
    await saved;
    return this.get(path);
  }

  /**
   * Back to what holds without a change.
   * @throws AcemuxError setting_unknown, set_by_environment, setting_fixed, setting_invalid
   */
  async reset(name: string, by: string): Promise<Setting> {
    const { declared } = this.#changeable(name);
    const { path } = declared;
    const { clock, store } = this.#deps;
    const { errors } = this.#resolve(store.list().filter((each) => each.path !== path));
    if (errors.length > 0) throw new AcemuxError('setting_invalid', errors.join(' '));
    const saved = store.reset(path, clock.wallMs(), by);
    this.#apply();
    await saved;
    return this.get(path);
  }

  /** What was changed when and by whom, the newest first. Rejects where that can't be read now. */
  changes(countMax: number): Promise<readonly SettingChange[]> {
    return this.#deps.store.changes(countMax);
  }

  /**
   * Reads flags, environment and file anew.
   * @returns the YAML paths of what has changed, and of what has to wait for a restart
   * @throws AcemuxError config_invalid; then all is as it was
   */
  reload(): { readonly changed: readonly string[]; readonly pending: readonly string[] } {
    const before = this.#next.config;
    const loaded = this.#deps.reload?.() ?? this.#loaded;
    for (const warning of loaded.warnings) this.#deps.onWarning(warning);
    this.#loaded = loaded;
    this.#apply();
    const changed = declaredKeys()
      .filter((key) => !isSame(key, valueIn(before, key.path), valueIn(this.#next.config, key.path)))
      .map(({ path }) => path);
    const pending = this.list()
      .filter(({ isPending }) => isPending)
      .map(({ declared }) => declared.path);
    return { changed, pending };
  }

  #changeable(name: string): Setting {
    const setting = this.get(name);
    const { key, path } = setting.declared;
    if (setting.isLocked) {
      throw new AcemuxError(
        'set_by_environment',
        `${path} is set by ${setting.origin.text}, which counts more than what is changed here.`,
      );
    }
    if (key.applies === 'restart' || key.onlyInFile) {
      throw new AcemuxError(
        'setting_fixed',
        key.onlyInFile
          ? `${path} is changed in the file or the environment only; SIGHUP has the file read again.`
          : `${path} is read at start: change it in the file or the environment, and start acemux again.`,
      );
    }
    return setting;
  }

  #isLocked(path: string): boolean {
    const layer = this.#loaded.origins.get(path)?.layer;
    return layer === 'flag' || layer === 'environment';
  }

  /** What flags, environment, these changes, file and defaults make together. */
  #resolve(changes: readonly ChangedSetting[]): State & { readonly errors: readonly string[] } {
    const values = new Map<string, unknown>();
    const origins = new Map(this.#loaded.origins);
    for (const { path, value, changedBy } of changes) {
      const declared = declaredKeys().find((each) => each.path === path);
      if (!declared || this.#isLocked(path) || declared.key.applies === 'restart') continue;
      const parsed = readValue(declared, value);
      if (!parsed.ok) {
        this.#deps.onWarning(`The stored ${path} is left out: it must be ${parsed.problem}.`);
        continue;
      }
      values.set(path, parsed.value);
      origins.set(path, { layer: 'setting', text: `changed by ${changedBy}` });
    }
    const config = buildConfig(({ path }) =>
      values.has(path) ? values.get(path) : valueIn(this.#loaded.config, path),
    );
    const { errors } = combinationProblems(config, origins, new Set());
    return { config, origins, errors };
  }

  #apply(): void {
    const resolved = this.#resolve(this.#deps.store.list());
    const isRight = resolved.errors.length === 0;
    // The file may have been changed so that what is stored does not fit it any more.
    if (!isRight) {
      this.#deps.onWarning(`What was changed at run time is left out: ${resolved.errors.join(' ')}`);
    }
    this.#next = isRight ? resolved : this.#resolve([]);
    const before = this.#current;
    this.#current = buildConfig(({ path, key }) =>
      valueIn(key.applies === 'restart' ? this.#deps.loaded.config : this.#next.config, path),
    );
    const changed = declaredKeys()
      .filter((key) => !isSame(key, valueIn(before, key.path), valueIn(this.#current, key.path)))
      .map(({ path }) => path);
    if (changed.length === 0) return;
    for (const listener of this.#listeners) listener(new Set(changed));
  }
}

const DEFAULT_ORIGIN: Origin = { layer: 'default', text: 'default' };

function isCalled({ key, path }: DeclaredKey, name: string): boolean {
  return path === name.toLowerCase() || key.environment === name.toUpperCase();
}

/** Null where being unset means something of its own: that, whatever the file says. */
function readValue({ key }: DeclaredKey, raw: unknown): Parsed<unknown> {
  const isUnset = raw === null && key.default === undefined && key.whenUnset !== undefined;
  return isUnset ? { ok: true, value: undefined } : key.type.parse(raw);
}

function isSame({ key }: DeclaredKey, one: unknown, other: unknown): boolean {
  const print = (value: unknown): unknown => (value === undefined ? null : key.type.print(value));
  return JSON.stringify(print(one)) === JSON.stringify(print(other));
}

/** A configuration that was made by hand, as if it had been loaded: nothing in it is locked. For tests. */
export function asLoaded(config: Config): LoadedConfig {
  return { config, origins: new Map(), warnings: [], demo: false };
}
