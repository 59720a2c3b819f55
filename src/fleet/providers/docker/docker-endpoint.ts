/** Where a Docker daemon listens. */
export type DockerEndpoint =
  | { readonly kind: 'socket'; readonly path: string }
  | {
      readonly kind: 'tcp';
      readonly host: string;
      readonly port: number;
      /** A folder with ca.pem, cert.pem and key.pem; undefined: without TLS. */
      readonly tlsFolder: string | undefined;
    };

/** As DOCKER_HOST writes it. */
export function endpointText(endpoint: DockerEndpoint): string {
  if (endpoint.kind === 'socket') return `unix://${endpoint.path}`;
  const host = endpoint.host.includes(':') ? `[${endpoint.host}]` : endpoint.host;
  return `tcp://${host}:${endpoint.port}`;
}
