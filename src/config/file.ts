import { readFileSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { isAlias, isMap, isScalar, LineCounter, type Node, type Pair, parseDocument } from 'yaml';
import { nearestName } from '../base/nearest-name.ts';
import { AcemuxError } from '../base/reasons.ts';
import { declaredKeys, sectionNames } from './config.ts';
import { exampleOf, type Layer, type RawValue } from './layers.ts';

/** A configuration file that has been read. */
export interface ConfigFile {
  /** How messages call it. */
  readonly name: string;
  readonly text: string;
}

/** The file that is read when none is named, if it exists. */
export const DEFAULT_FILE = 'acemux.yaml';

const FILE_BYTES_MAX = 1024 * 1024;
/** What Node's error codes mean here. */
const CANNOT_READ: Readonly<Record<string, string | undefined>> = {
  ENOENT: 'it does not exist',
  EISDIR: 'it is a folder',
  EACCES: 'acemux may not',
};

/**
 * Reads the configuration file: `path`, which must exist, or without one `acemux.yaml` in `workingDirectory`
 * if there is one.
 * @throws AcemuxError config_invalid if the file can't be read or is over 1 MiB
 */
export function readConfigFile(path: string | undefined, workingDirectory: string): ConfigFile | undefined {
  const wanted = path ?? join(workingDirectory, DEFAULT_FILE);
  try {
    const stat = statSync(wanted, { throwIfNoEntry: path !== undefined });
    if (!stat) return undefined;
    if (stat.size > FILE_BYTES_MAX) {
      throw new AcemuxError('config_invalid', `The configuration file ${wanted} is larger than 1 MiB.`);
    }
    return { name: path ?? DEFAULT_FILE, text: readFileSync(wanted, 'utf8') };
  } catch (cause) {
    if (cause instanceof AcemuxError) throw cause;
    const code = cause instanceof Error && 'code' in cause ? String(cause.code) : String(cause);
    const why = CANNOT_READ[code] ?? code;
    throw new AcemuxError('config_invalid', `The configuration file ${wanted} cannot be read: ${why}.`, {
      cause,
    });
  }
}

/** The layer of the configuration file. */
export function fileLayer(file: ConfigFile): Layer {
  return new FileReader(file).read();
}

class FileReader {
  readonly #name: string;
  readonly #text: string;
  readonly #lines = new LineCounter();
  readonly #values = new Map<string, RawValue>();
  readonly #errors: string[] = [];

  constructor(file: ConfigFile) {
    this.#name = basename(file.name);
    this.#text = file.text;
  }

  read(): Layer {
    const document = parseDocument(this.#text, { lineCounter: this.#lines, prettyErrors: false });
    for (const error of document.errors) this.#errors.push(`${this.#at(error.pos[0])}: ${error.message}`);
    if (this.#errors.length === 0) this.#readSections(document.contents);
    return { values: this.#values, errors: this.#errors, warnings: [] };
  }

  #readSections(root: Node | null): void {
    for (const { name, offset, value } of this.#pairs(root, 'the file')) {
      if (sectionNames().includes(name)) this.#readKeys(name, value);
      else this.#unknown(name, offset, sectionNames());
    }
  }

  #readKeys(section: string, node: Node | null): void {
    const known = declaredKeys().filter((declared) => declared.section === section);
    for (const { name, offset, value } of this.#pairs(node, `section ${section}`)) {
      const declared = known.find(({ key }) => key.yaml === name);
      if (!declared) {
        this.#unknown(
          `${section}.${name}`,
          offset,
          known.map(({ path }) => path),
        );
        continue;
      }
      const raw = this.#plain(value);
      // A key without a value says as much as no key.
      if (raw === null || raw === undefined) continue;
      const origin = { layer: 'file', text: this.#at(offset) } as const;
      this.#values.set(declared.path, { raw, origin, example: `${name}: ${exampleOf(declared.key)}` });
    }
  }

  #pairs(node: Node | null, place: string): { name: string; offset: number; value: Node | null }[] {
    if (node === null || (isScalar(node) && node.value === null)) return [];
    if (!isMap<Node, Node | null>(node)) {
      this.#errors.push(`${this.#at(node.range?.[0] ?? 0)}: ${place} must hold keys, like "port: 8000".`);
      return [];
    }
    return node.items.map(({ key, value }: Pair<Node, Node | null>) => ({
      name: isScalar(key) ? String(key.value) : '?',
      offset: key.range?.[0] ?? 0,
      value,
    }));
  }

  /** The value of a node without anchors: a configuration needs none, and they can be nested into a bomb. */
  #plain(node: Node | null): unknown {
    if (node === null) return null;
    if (isAlias(node)) return undefined;
    const value: unknown = node.toJSON();
    return value;
  }

  #unknown(name: string, offset: number, siblings: readonly string[]): void {
    const byVariable = declaredKeys().find(({ key }) => key.environment === name.toUpperCase())?.path;
    const nearest = byVariable ?? nearestName(name, siblings) ?? nearestName(name, allPaths());
    const advice = nearest ? `did you mean ${nearest}?` : `known here: ${siblings.join(', ')}.`;
    this.#errors.push(`${this.#at(offset)}: ${name} is no key; ${advice}`);
  }

  #at(offset: number): string {
    return `${this.#name} line ${this.#lines.linePos(offset).line}`;
  }
}

function allPaths(): string[] {
  return declaredKeys().map(({ path }) => path);
}
