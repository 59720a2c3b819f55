import { type DockerAddress, printDockerAddress, readDockerAddress } from './docker-values.ts';
import { type PortRange, printPortRange, readPortRange } from './port-range.ts';
import { queryFields } from './query-fields.ts';
import { isHost, listItems } from './texts.ts';
import { type Parsed, parsed, refused, shownValue, type ValueType } from './value-type.ts';

/** One of several Docker hosts; what is undefined is as for all of them. */
export interface ListedDockerHost {
  readonly name: string;
  readonly address: DockerAddress;
  readonly certPath: string | undefined;
  /** Where ports that it publishes are reached. */
  readonly engineHost: string | undefined;
  readonly network: string | undefined;
  readonly ports: PortRange | undefined;
  /** The VPNs that are on it, by name; undefined: all. */
  readonly vpns: readonly string[] | undefined;
  readonly min: number;
  readonly max: number | undefined;
}

const FORM = 'tcp://HOST:PORT?name=…&cert_path=…&engine_host=…&network=…&ports=FIRST-LAST&vpns=…&min=N&max=N';
const FIELDS = [
  'host',
  'name',
  'cert_path',
  'engine_host',
  'network',
  'ports',
  'vpns',
  'min',
  'max',
] as const;
type Field = (typeof FIELDS)[number];
const REPLICAS_MAX = 1000;

/** Docker hosts: text with commas, or a YAML list of texts and of objects with the same fields. */
export function dockerHostList(): ValueType<readonly ListedDockerHost[]> {
  const texts = Object.fromEntries(FIELDS.map((field) => [field, { type: 'string' }]));
  const count = { type: 'integer', minimum: 0, maximum: REPLICAS_MAX };
  return {
    description: `Docker hosts as \`${FORM}\`, comma-separated or a YAML list`,
    example: 'tcp://192.168.1.20:2376?name=attic&cert_path=/certs',
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
                required: ['host', 'name'],
                properties: { ...texts, vpns: { type: ['string', 'array'] }, min: count, max: count },
              },
            ],
          },
        },
      ],
    },
    parse(raw) {
      const items = listItems(raw);
      if (!items) return refused(`a list of Docker hosts as ${FORM}`);
      const hosts: ListedDockerHost[] = [];
      for (const item of items) {
        const fields = queryFields(item, 'host');
        if ('repeated' in fields) {
          return refused(`Docker hosts as ${FORM}; one gives "${fields.repeated}" twice`);
        }
        const host = fromFields(fields);
        if (!host.ok) return host;
        for (const what of ['name', 'address'] as const) {
          const shown = (of: ListedDockerHost): string =>
            what === 'name' ? of.name : printDockerAddress(of.address);
          if (hosts.some((other) => shown(other) === shown(host.value))) {
            return refused(`a list that names each Docker host once; "${shown(host.value)}" is there twice`);
          }
        }
        hosts.push(host.value);
      }
      return parsed(hosts);
    },
    print: (hosts) => hosts.map((host) => Object.fromEntries(printedFields(host))),
  };
}

function fromFields(fields: ReadonlyMap<string, unknown>): Parsed<ListedDockerHost> {
  const given = (field: Field): unknown => fields.get(field) ?? undefined;
  const name = given('name');
  if (typeof name !== 'string' || !/^[\w.-]{1,64}$/.test(name)) {
    return refused(`Docker hosts with a name of letters, digits and _.-, ${FORM}`);
  }
  const unknown = [...fields.keys()].find((field) => !FIELDS.some((each) => each === field));
  if (unknown !== undefined) {
    return refused(`Docker hosts with the fields ${FIELDS.join(', ')}; "${name}" has "${unknown}"`);
  }
  const address = readDockerAddress(given('host'));
  if (!address.ok) return refused(`Docker hosts whose host is ${address.problem}; not so "${name}"`);
  const engineHost = text(given('engine_host'));
  if (engineHost === null || (engineHost !== undefined && !isHost(engineHost))) {
    return refused(`Docker hosts whose engine_host is an address or a name; that of "${name}" is neither`);
  }
  const ports = given('ports') === undefined ? undefined : readPortRange(given('ports'));
  if (given('ports') !== undefined && !ports) {
    return refused(`Docker hosts whose ports are FIRST-LAST; those of "${name}" are not`);
  }
  const [certPath, network] = [text(given('cert_path')), text(given('network'))];
  if (certPath === null || network === null) {
    return refused(`Docker hosts whose cert_path and network are texts without spaces; not so "${name}"`);
  }
  const [min, max] = [count(given('min')), count(given('max'))];
  if (min === null || max === null || (min ?? 0) > (max ?? REPLICAS_MAX)) {
    return refused(
      `Docker hosts with min and max from 0 to ${REPLICAS_MAX}, min no more than max; not so "${name}"`,
    );
  }
  const vpns = namesOf(given('vpns'));
  return parsed({
    name,
    address: address.value,
    certPath,
    engineHost,
    network,
    ports,
    vpns,
    min: min ?? 0,
    max,
  });
}

/** As given; undefined if it was not, null if it is not fit for its use. */
function text(raw: unknown): string | undefined | null {
  if (raw === undefined) return undefined;
  return typeof raw === 'string' && /^[!-~]{1,512}$/.test(raw) ? raw : null;
}

/** Text with spaces, or a list. */
function namesOf(raw: unknown): readonly string[] | undefined {
  if (raw === undefined) return undefined;
  if (Array.isArray(raw)) return raw.map((name) => shownValue(name));
  return shownValue(raw)
    .split(/\s+/)
    .filter((name) => name !== '');
}

function count(raw: unknown): number | undefined | null {
  if (raw === undefined) return undefined;
  const value = /^\d{1,4}$/.test(shownValue(raw)) ? Number(raw) : -1;
  return value >= 0 && value <= REPLICAS_MAX ? value : null;
}

function printedFields(host: ListedDockerHost): [Field, string | number][] {
  const all: [Field, string | number | undefined][] = [
    ['host', printDockerAddress(host.address)],
    ['name', host.name],
    ['cert_path', host.certPath],
    ['engine_host', host.engineHost],
    ['network', host.network],
    ['ports', host.ports && printPortRange(host.ports)],
    ['vpns', host.vpns?.join(' ')],
    ['min', host.min],
    ['max', host.max],
  ];
  return all.flatMap(([field, value]): [Field, string | number][] =>
    value === undefined ? [] : [[field, value]],
  );
}
