/** What containers of engines carry, so that a restarted acemux knows them again: nothing else is remembered. */

/** Whose engine it is. */
export const INSTANCE_LABEL = 'acemux.instance';

/** An engine, as far as its container's labels tell. */
export interface EngineLabels {
  /** Of the specification that it was made from. */
  readonly specHash: string;
  /** Of the one attempt that made it: what a broken connection left behind is known by it. */
  readonly attempt: string;
  readonly httpPort: number;
  readonly httpsPort: number | undefined;
  readonly apiPort: number | undefined;
  readonly peerPort: number | undefined;
  /** Where the port of its API is published on the host; undefined: it is not. */
  readonly hostHttpPort: number | undefined;
  readonly hostHttpsPort: number | undefined;
  /** The network that it is reached on; undefined: by a published port, or behind a VPN. */
  readonly network: string | undefined;
  readonly vpn: VpnLabels | undefined;
  readonly forwarded: boolean;
  /** The port that its VPN forwards to it. */
  readonly forwardedPort: number | undefined;
  readonly variant: string;
  readonly isManual: boolean;
}

/** Behind which VPN it was put, and which life of that VPN's container that was. */
export interface VpnLabels {
  readonly name: string;
  readonly container: string;
  readonly containerId: string;
  readonly startedAtMs: number;
}

/** The names that the orchestrator has for the same things are its own. */
export function writeLabels(instance: string, engine: EngineLabels): Readonly<Record<string, string>> {
  const { vpn } = engine;
  const labels: Readonly<Record<string, string | number | undefined>> = {
    [INSTANCE_LABEL]: instance,
    'acemux.attempt': engine.attempt,
    'acemux.network': engine.network,
    'acemux.vpn': vpn?.name,
    'acemux.vpn_container_id': vpn?.containerId,
    'acemux.vpn_started_at': vpn?.startedAtMs,
    'acemux.peer_port': engine.peerPort,
    'acemux.forwarded_port': engine.forwardedPort,
    'acestream.config_hash': engine.specHash,
    'acestream.engine_variant': engine.variant,
    'acestream.vpn_container': vpn?.container,
    'acestream.forwarded': engine.forwarded ? 'true' : undefined,
    'acestream.http_port': engine.httpPort,
    'acestream.https_port': engine.httpsPort,
    'acestream.api_port': engine.apiPort,
    'host.http_port': engine.hostHttpPort,
    'host.https_port': engine.hostHttpsPort,
    manual: engine.isManual ? 'true' : undefined,
  };
  const given = Object.entries(labels).filter(([, value]) => value !== undefined);
  return Object.fromEntries(given.map(([name, value]) => [name, String(value)]));
}

/** Undefined: they are not those of an engine of ours. Total. */
export function readLabels(
  labels: Readonly<Record<string, string>>,
  instance: string,
): EngineLabels | undefined {
  if (labels[INSTANCE_LABEL] !== instance) return undefined;
  const httpPort = portOf(labels['acestream.http_port']);
  if (httpPort === undefined) return undefined;
  return {
    specHash: labels['acestream.config_hash'] ?? '',
    attempt: labels['acemux.attempt'] ?? '',
    httpPort,
    httpsPort: portOf(labels['acestream.https_port']),
    apiPort: portOf(labels['acestream.api_port']),
    peerPort: portOf(labels['acemux.peer_port']),
    hostHttpPort: portOf(labels['host.http_port']),
    hostHttpsPort: portOf(labels['host.https_port']),
    network: labels['acemux.network'],
    vpn: readVpn(labels),
    forwarded: labels['acestream.forwarded'] === 'true',
    forwardedPort: portOf(labels['acemux.forwarded_port']),
    variant: labels['acestream.engine_variant'] ?? '',
    isManual: labels['manual'] === 'true',
  };
}

function readVpn(labels: Readonly<Record<string, string>>): VpnLabels | undefined {
  const container = labels['acestream.vpn_container'];
  if (container === undefined) return undefined;
  return {
    name: labels['acemux.vpn'] ?? container,
    container,
    containerId: labels['acemux.vpn_container_id'] ?? '',
    startedAtMs: Number(labels['acemux.vpn_started_at'] ?? Number.NaN),
  };
}

/** All ports that it has taken, wherever that is. */
export function portsOf(engine: EngineLabels): readonly number[] {
  const { httpPort, httpsPort, apiPort, peerPort, hostHttpPort, hostHttpsPort } = engine;
  return [httpPort, httpsPort, apiPort, peerPort, hostHttpPort, hostHttpsPort].filter(
    (port) => port !== undefined,
  );
}

function portOf(text: string | undefined): number | undefined {
  const port = Number(text ?? Number.NaN);
  return Number.isInteger(port) && port >= 1 && port <= 65_535 ? port : undefined;
}
