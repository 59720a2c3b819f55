import { type PortRange, printPortRange, readPortRange } from './port-range.ts';
import { queryFields } from './query-fields.ts';
import { isHost, listItems } from './texts.ts';
import { type Parsed, parsed, refused, type ValueType } from './value-type.ts';

/** One VPN that the operator named in the list; what is undefined follows from its name and the other keys. */
export interface ListedVpn {
  readonly name: string;
  /** Where its control server listens. */
  readonly control: { readonly host: string; readonly port: number } | undefined;
  /** Where its engines are reached, if not at its control server's host. */
  readonly host: string | undefined;
  readonly container: string | undefined;
  readonly apiKey: string | undefined;
  readonly user: string | undefined;
  readonly password: string | undefined;
  readonly portRange: PortRange | undefined;
  readonly forwardedPort: number | undefined;
}

const FORM = 'NAME[?control_url=http://HOST:PORT&host=…&ports=FIRST-LAST&…]';
const FIELDS = [
  'name',
  'control_url',
  'host',
  'container',
  'api_key',
  'user',
  'password',
  'ports',
  'forwarded_port',
] as const;
type Field = (typeof FIELDS)[number];

/** VPNs: text with commas, or a YAML list of texts and of objects with the same fields. */
export function vpnList(): ValueType<readonly ListedVpn[]> {
  const texts = Object.fromEntries(FIELDS.map((field) => [field, { type: 'string' }]));
  return {
    description: `VPNs as \`${FORM}\`, comma-separated or a YAML list`,
    example: 'gluetun-no?ports=19000-19499',
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
                required: ['name'],
                properties: { ...texts, forwarded_port: { type: 'integer', minimum: 1, maximum: 65_535 } },
              },
            ],
          },
        },
      ],
    },
    parse(raw) {
      const items = listItems(raw);
      if (!items) return refused(`a list of VPNs as ${FORM}`);
      const vpns: ListedVpn[] = [];
      for (const item of items) {
        const fields = queryFields(item, 'name');
        if ('repeated' in fields) {
          return refused(`VPNs as ${FORM}; one gives "${fields.repeated}" twice`);
        }
        const vpn = fromFields(fields);
        if (!vpn.ok) return vpn;
        if (vpns.some(({ name }) => name === vpn.value.name)) {
          return refused(`a list that names each VPN once; "${vpn.value.name}" is there twice`);
        }
        vpns.push(vpn.value);
      }
      return parsed(vpns);
    },
    print: (vpns) => vpns.map((vpn) => Object.fromEntries(printedFields(vpn))),
  };
}

function fromFields(fields: ReadonlyMap<string, unknown>): Parsed<ListedVpn> {
  const name = fields.get('name');
  if (typeof name !== 'string' || !/^[^\p{Cc},\s]{1,64}$/u.test(name)) {
    return refused(`VPNs with a name, ${FORM}`);
  }
  const unknown = [...fields.keys()].find((field) => !FIELDS.some((each) => each === field));
  if (unknown !== undefined) {
    return refused(`VPNs with the fields ${FIELDS.join(', ')}; "${name}" has "${unknown}"`);
  }
  const given = (field: Field): unknown => fields.get(field) ?? undefined;
  const control = given('control_url') === undefined ? undefined : controlOf(given('control_url'));
  if (control === null) {
    return refused(`VPNs whose control_url is http://HOST:PORT, without a path; that of "${name}" is not`);
  }
  const host = text(given('host'));
  if (host === null || (host !== undefined && !isHost(host))) {
    return refused(`VPNs whose host is an address or a name; that of "${name}" is neither`);
  }
  const portRange = given('ports') === undefined ? undefined : readPortRange(given('ports'));
  if (given('ports') !== undefined && !portRange) {
    return refused(`VPNs whose ports are FIRST-LAST; those of "${name}" are not`);
  }
  const forwardedPort = given('forwarded_port') === undefined ? undefined : Number(given('forwarded_port'));
  if (
    forwardedPort !== undefined &&
    !(Number.isInteger(forwardedPort) && forwardedPort >= 1 && forwardedPort <= 65_535)
  ) {
    return refused(`VPNs whose forwarded_port is from 1 to 65535; that of "${name}" is not`);
  }
  const [container, apiKey, user, password] = [
    text(given('container')),
    text(given('api_key')),
    text(given('user')),
    text(given('password')),
  ];
  if (container === null || apiKey === null || user === null || password === null) {
    return refused(`VPNs whose fields are texts without spaces; not all of "${name}" are`);
  }
  if ((user === undefined) !== (password === undefined) || (user !== undefined && apiKey !== undefined)) {
    return refused(`VPNs with an api_key, or with user and password, or with neither; not so "${name}"`);
  }
  return parsed({ name, control, host, container, apiKey, user, password, portRange, forwardedPort });
}

/** Null: it is not the address of a control server. */
function controlOf(raw: unknown): ListedVpn['control'] | null {
  const url = typeof raw === 'string' ? (URL.parse(raw.trim()) ?? undefined) : undefined;
  if (url?.protocol !== 'http:' || url.username !== '' || !/^\/?$/.test(url.pathname + url.search))
    return null;
  return { host: url.hostname.replace(/^\[(.*)\]$/, '$1'), port: Number(url.port || 80) };
}

/** As given; undefined if it was not, null if it is not fit for its use. */
function text(raw: unknown): string | undefined | null {
  if (raw === undefined) return undefined;
  return typeof raw === 'string' && /^[!-~]{1,512}$/.test(raw) ? raw : null;
}

function printedFields(vpn: ListedVpn): [Field, string | number][] {
  const { control } = vpn;
  const host = control?.host.includes(':') ? `[${control.host}]` : control?.host;
  const all: [Field, string | number | undefined][] = [
    ['name', vpn.name],
    ['control_url', control && `http://${host}:${control.port}`],
    ['host', vpn.host],
    ['container', vpn.container],
    ['api_key', vpn.apiKey],
    ['user', vpn.user],
    ['password', vpn.password],
    ['ports', vpn.portRange && printPortRange(vpn.portRange)],
    ['forwarded_port', vpn.forwardedPort],
  ];
  return all.flatMap(([field, value]): [Field, string | number][] =>
    value === undefined ? [] : [[field, value]],
  );
}
