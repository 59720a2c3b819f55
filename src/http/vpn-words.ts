import { type Static, Type } from '../base/schema.ts';
import type { VpnSnapshot, VpnState } from '../fleet/vpn/vpn.ts';
import { timeOf } from './times.ts';

const Text = (description?: string) =>
  Type.OrNull(Type.String(description === undefined ? {} : { description }));
const Port = () => Type.OrNull(Type.Integer());

const OneVpnSchema = Type.Object({
  mode: Type.Literal('single'),
  enabled: Type.Boolean(),
  status: Type.String({
    description: 'The state of its container: running, …, not_found; unknown without Docker.',
  }),
  container_name: Text(),
  container: Text(),
  health: Type.String({ description: 'healthy, unhealthy, starting or unknown.' }),
  connected: Type.Boolean(),
  forwarded_port: Port(),
  last_check: Text(),
  last_check_at: Text(),
  public_ip: Text(),
  provider: Text('Who the public address belongs to.'),
  country: Text(),
  city: Text(),
  region: Text(),
  state: Type.String({ description: 'unknown, ok, suspect, down, recovering or draining: see docs/vpn.md.' }),
  since: Type.String({ format: 'date-time' }),
  reason: Text('A reason code.'),
  detail: Text('What is wrong, and what to do.'),
  forwarded_port_since: Text(),
  tunnel: Text('What its control server says.'),
  version: Text('Gluetun’s.'),
  history: Type.Array(
    Type.Object({
      at: Type.String({ format: 'date-time' }),
      state: Type.String(),
      reason: Text(),
      public_ip: Text(),
      country: Text(),
      region: Text(),
      forwarded_port: Port(),
    }),
    { description: 'Its latest changes, oldest first.' },
  ),
});

export const VpnStatusSchema = Type.Object({
  mode: Type.String({ description: 'disabled, single, or redundant with several.' }),
  enabled: Type.Boolean(),
  status: Type.String(),
  container_name: Text(),
  container: Text(),
  health: Type.String(),
  connected: Type.Boolean(),
  forwarded_port: Port(),
  public_ip: Text(),
  provider: Text(),
  country: Text(),
  city: Text(),
  region: Text(),
  last_check: Text(),
  last_check_at: Text(),
  vpn1: Type.OrNull(OneVpnSchema),
  vpn2: Type.OrNull(OneVpnSchema),
  emergency_mode: Type.Object({
    active: Type.Boolean({ description: 'One VPN is left of several.' }),
    failed_vpn: Text(),
    healthy_vpn: Text(),
    duration_seconds: Type.Number(),
    entered_at: Text(),
  }),
  vpns: Type.Array(OneVpnSchema, { description: 'All of them.' }),
});

type OneVpn = Static<typeof OneVpnSchema>;

/** All VPNs in the words of acestream-orchestrator, which knows two; `vpns` has them all. */
export function vpnStatusWords(vpns: readonly VpnSnapshot[], nowMs: number): Static<typeof VpnStatusSchema> {
  const [first, second] = vpns;
  const all = vpns.map(oneVpn);
  // Alone, it speaks for itself; of several, the best speaks.
  const spokesman = all.find(({ health }) => health === 'healthy') ?? all[0];
  const isSingle = vpns.length === 1;
  const own = <Name extends keyof OneVpn>(name: Name): OneVpn[Name] | null =>
    isSingle && all[0] ? all[0][name] : null;
  return {
    mode: vpns.length === 0 ? 'disabled' : isSingle ? 'single' : 'redundant',
    enabled: vpns.length > 0,
    status: spokesman?.status ?? 'disabled',
    container_name: spokesman?.container_name ?? null,
    container: spokesman?.container ?? null,
    health: spokesman?.health ?? 'unknown',
    connected: spokesman?.connected ?? false,
    forwarded_port: spokesman?.forwarded_port ?? null,
    public_ip: own('public_ip'),
    provider: own('provider'),
    country: own('country'),
    city: own('city'),
    region: own('region'),
    last_check: spokesman?.last_check ?? null,
    last_check_at: spokesman?.last_check_at ?? null,
    vpn1: first ? oneVpn(first) : null,
    vpn2: second ? oneVpn(second) : null,
    emergency_mode: emergencyOf(vpns, nowMs),
    vpns: all,
  };
}

/** The public address under which engines are seen: of the first VPN that is up and knows it. */
export function publicIpOf(vpns: readonly VpnSnapshot[]): string | undefined {
  return vpns.find(({ publicIp, state }) => publicIp !== undefined && state === 'ok')?.publicIp;
}

function oneVpn(vpn: VpnSnapshot): OneVpn {
  const checkedAt = vpn.checkedAtMs === undefined ? null : timeOf(vpn.checkedAtMs);
  return {
    mode: 'single',
    enabled: true,
    status: vpn.containerState === 'missing' ? 'not_found' : (vpn.containerState ?? 'unknown'),
    container_name: vpn.name,
    container: vpn.name,
    health: HEALTH[vpn.state],
    connected: vpn.state === 'ok' || vpn.state === 'recovering',
    forwarded_port: vpn.forwardedPort ?? null,
    last_check: checkedAt,
    last_check_at: checkedAt,
    public_ip: vpn.publicIp ?? null,
    provider: vpn.organization ?? null,
    country: vpn.country ?? null,
    city: vpn.city ?? null,
    region: vpn.region ?? null,
    state: vpn.state,
    since: timeOf(vpn.sinceMs),
    reason: vpn.reason ?? null,
    detail: vpn.detail ?? null,
    forwarded_port_since: vpn.forwardedPortSinceMs === undefined ? null : timeOf(vpn.forwardedPortSinceMs),
    tunnel: vpn.tunnel ?? null,
    version: vpn.version ?? null,
    history: vpn.history.map((moment) => ({
      at: timeOf(moment.atMs),
      state: moment.state,
      reason: moment.reason ?? null,
      public_ip: moment.publicIp ?? null,
      country: moment.country ?? null,
      region: moment.region ?? null,
      forwarded_port: moment.forwardedPort ?? null,
    })),
  };
}

/** The orchestrator's four words. What is only suspected is not known to be unhealthy. */
const HEALTH: Readonly<Record<VpnState, string>> = {
  unknown: 'unknown',
  ok: 'healthy',
  suspect: 'unknown',
  down: 'unhealthy',
  recovering: 'starting',
  draining: 'healthy',
};

function emergencyOf(
  vpns: readonly VpnSnapshot[],
  nowMs: number,
): Static<typeof VpnStatusSchema>['emergency_mode'] {
  const up = vpns.filter(({ state }) => state === 'ok');
  const failed = vpns.filter(({ state }) => state === 'down').toSorted((a, b) => a.sinceMs - b.sinceMs)[0];
  const [left] = up;
  if (!failed || !left || up.length > 1) {
    return { active: false, failed_vpn: null, healthy_vpn: null, duration_seconds: 0, entered_at: null };
  }
  return {
    active: true,
    failed_vpn: failed.name,
    healthy_vpn: left.name,
    duration_seconds: Math.max(0, Math.round((nowMs - failed.sinceMs) / 1000)),
    entered_at: timeOf(failed.sinceMs),
  };
}
