import { queryFields } from './query-fields.ts';
import { isContainerName, isHost, listItems } from './texts.ts';
import { type Parsed, parsed, refused, shownValue, type ValueType } from './value-type.ts';

/** One engine that the operator named. */
export interface ConfiguredEngine {
  readonly host: string;
  readonly port: number;
  /** Whether its peer-to-peer port is reachable from outside; such engines are preferred. */
  readonly forwarded: boolean;
  /** How it is shown; undefined: by its address. */
  readonly name: string | undefined;
  /** The VPN that it is behind, a name of the operator's; undefined: none. */
  readonly vpn: string | undefined;
  /** The name of its container in Docker; undefined: not known. */
  readonly container: string | undefined;
  /** Whether acemux may restart that container, when only that gives the engine its network back. */
  readonly restart: boolean;
}

const FORM = 'host:port[?forwarded=true&name=…&vpn=…&container=…&restart=true]';
const FIELDS = ['host', 'port', 'forwarded', 'name', 'vpn', 'container', 'restart'];
const PORT = { minimum: 1, maximum: 65_535 };

/** Engines: text with commas, or a YAML list of texts and of objects with the same fields. */
export function engineList(): ValueType<readonly ConfiguredEngine[]> {
  return {
    description: `engines as \`${FORM}\`, comma-separated or a YAML list`,
    example: '192.168.1.20:6878',
    schema: {
      anyOf: [
        { type: 'string' },
        {
          type: 'array',
          items: {
            anyOf: [
              { type: 'string' },
              {
                type: 'object',
                additionalProperties: false,
                required: ['host', 'port'],
                properties: {
                  host: { type: 'string' },
                  port: { type: 'integer', ...PORT },
                  forwarded: { type: 'boolean' },
                  name: { type: 'string' },
                  vpn: { type: 'string' },
                  container: { type: 'string' },
                  restart: { type: 'boolean' },
                },
              },
            ],
          },
        },
      ],
    },
    parse: parseEngines,
    print: (engines) => engines.map(printEngine),
  };
}

function parseEngines(raw: unknown): Parsed<readonly ConfiguredEngine[]> {
  const items = listItems(raw);
  if (!items) return refused(`a list of engines as ${FORM}`);
  const engines: ConfiguredEngine[] = [];
  const seen = new Set<string>();
  for (const item of items) {
    const engine = parseEngine(item);
    if (!engine.ok) return engine;
    for (const label of [addressOf(engine.value), engine.value.name]) {
      if (label === undefined) continue;
      if (seen.has(label)) return refused(`a list that names each engine once; "${label}" is there twice`);
      seen.add(label);
    }
    engines.push(engine.value);
  }
  return parsed(engines);
}

/** The address of a text is told apart from its fields: it has two of these itself. */
function parseEngine(item: unknown): Parsed<ConfiguredEngine> {
  const shown = shownValue(item).trim();
  if (typeof item === 'object' && item !== null) return fromFields(new Map(Object.entries(item)), shown);
  if (typeof item !== 'string') return refused(`engines as ${FORM}, not ${shown}`);
  if (shown.includes('://')) return refused(`engines as ${FORM}; "${shown}" must lose its "scheme://"`);
  const given = queryFields(shown, 'address');
  if ('repeated' in given) return refused(`engines as ${FORM}; "${shown}" gives one field twice`);
  const match = /^(?:\[([^\]]*)\]|([^:[\]]*)):(\d{1,5})$/.exec(String(given.get('address')));
  if (!match) return refused(`engines as ${FORM}; "${shown}" has no port or is no address`);
  if (given.has('host') || given.has('port')) return refused(`engines as ${FORM}, not "${shown}"`);
  const { address: _taken, ...rest } = Object.fromEntries(given);
  const fields = { ...rest, host: match[1] ?? match[2], port: Number(match[3]) };
  return fromFields(new Map(Object.entries(fields)), shown);
}

function fromFields(fields: ReadonlyMap<string, unknown>, shown: string): Parsed<ConfiguredEngine> {
  for (const field of fields.keys()) {
    if (!FIELDS.includes(field)) {
      return refused(`engines with the fields ${FIELDS.join(', ')}; "${shown}" has "${field}"`);
    }
  }
  const host = fields.get('host');
  if (typeof host !== 'string' || !isHost(host)) return refused(`engines with a host; "${shown}" has none`);
  const port = fields.get('port');
  if (typeof port !== 'number' || !Number.isInteger(port) || port < PORT.minimum || port > PORT.maximum) {
    return refused(`engines with a port from 1 to 65535; that of "${shown}" is not`);
  }
  const forwarded = truth(fields.get('forwarded') ?? false);
  if (forwarded === undefined)
    return refused(`engines with forwarded=true or false; that of "${shown}" is neither`);
  const name = label(fields.get('name'));
  const vpn = label(fields.get('vpn'));
  if (name === null || vpn === null)
    return refused(`engines whose name and vpn are short texts; not so in "${shown}"`);
  const container = fields.get('container') ?? undefined;
  if (container !== undefined && (typeof container !== 'string' || !isContainerName(container)))
    return refused(`engines whose container is the name of one; that of "${shown}" is not`);
  const restart = truth(fields.get('restart') ?? false);
  if (restart === undefined || (restart && (container === undefined || vpn === undefined)))
    return refused(`engines with restart=true beside container=NAME and vpn=NAME; not so in "${shown}"`);
  return parsed({ host, port, forwarded, name, vpn, container, restart });
}

function truth(raw: unknown): boolean | undefined {
  if (typeof raw === 'boolean') return raw;
  if (raw === 'true' || raw === '1') return true;
  return raw === 'false' || raw === '0' ? false : undefined;
}

/** A label as given; undefined if there is none, null if it is not fit to be shown. */
function label(raw: unknown): string | undefined | null {
  if (raw === undefined || raw === null) return undefined;
  return typeof raw === 'string' && /^[^\p{Cc},]{1,64}$/u.test(raw) ? raw : null;
}

function addressOf(engine: ConfiguredEngine): string {
  const host = engine.host.toLowerCase();
  return `${host.includes(':') ? `[${host}]` : host}:${engine.port}`;
}

function printEngine(engine: ConfiguredEngine): string {
  const query = new URLSearchParams();
  if (engine.forwarded) query.set('forwarded', 'true');
  if (engine.name !== undefined) query.set('name', engine.name);
  if (engine.vpn !== undefined) query.set('vpn', engine.vpn);
  if (engine.container !== undefined) query.set('container', engine.container);
  if (engine.restart) query.set('restart', 'true');
  return addressOf(engine) + (query.size > 0 ? `?${query}` : '');
}
