import type { Config } from './config.ts';
import type { PortRange } from './port-range.ts';

/** How a control server is told who asks. */
export type ControlCredentials =
  | { readonly kind: 'none' }
  | { readonly kind: 'apikey'; readonly key: string }
  | { readonly kind: 'basic'; readonly user: string; readonly password: string };

/** One VPN with all that was said of it, and what follows from that. */
export interface ConfiguredVpn {
  readonly name: string;
  /** Where its control server listens. */
  readonly control: { readonly host: string; readonly port: number };
  readonly credentials: ControlCredentials;
  /** Where its engines are reached. */
  readonly host: string;
  /** Undefined: it is looked at without Docker. */
  readonly containerName: string | undefined;
  readonly portRange: PortRange | undefined;
  readonly forwardedPort: number | undefined;
  /** Only engines in ENGINES name it: engines that acemux makes are not put behind it. */
  readonly isOfStaticEngines: boolean;
}

/**
 * All VPNs: GLUETUN_CONTAINER_NAME and its second, those in the list, and those that only an engine in ENGINES names.
 * The last are looked for where that engine is: it lives in its VPN's network, and is reached at its VPN's address.
 */
export function configuredVpns(config: Config): readonly ConfiguredVpn[] {
  const { vpn, engines } = config;
  const credentials = credentialsOf(vpn.apiKey, vpn.apiUser, vpn.apiPassword);
  const usual = (name: string, host: string): ConfiguredVpn => ({
    name,
    control: { host, port: vpn.apiPort },
    credentials,
    host,
    containerName: name,
    portRange: undefined,
    forwardedPort: undefined,
    isOfStaticEngines: false,
  });
  const vpns: ConfiguredVpn[] = [];
  if (vpn.containerName !== undefined) {
    vpns.push({ ...usual(vpn.containerName, vpn.containerName), portRange: vpn.portRange1 });
  }
  if (vpn.containerName2 !== undefined && vpn.mode !== 'single') {
    vpns.push({ ...usual(vpn.containerName2, vpn.containerName2), portRange: vpn.portRange2 });
  }
  for (const listed of vpn.list) {
    const { name, control = { host: name, port: vpn.apiPort } } = listed;
    const own = credentialsOf(listed.apiKey, listed.user, listed.password);
    vpns.push({
      name,
      control,
      credentials: own.kind === 'none' ? credentials : own,
      host: listed.host ?? control.host,
      containerName: listed.container ?? name,
      portRange: listed.portRange,
      forwardedPort: listed.forwardedPort,
      isOfStaticEngines: false,
    });
  }
  for (const { vpn: name, host } of engines.static) {
    if (name === undefined || vpns.some((each) => each.name === name)) continue;
    vpns.push({ ...usual(name, host), containerName: undefined, isOfStaticEngines: true });
  }
  return vpns;
}

function credentialsOf(
  key: string | undefined,
  user: string | undefined,
  password: string | undefined,
): ControlCredentials {
  if (key !== undefined) return { kind: 'apikey', key };
  if (user !== undefined && password !== undefined) return { kind: 'basic', user, password };
  return { kind: 'none' };
}
