import type { CombinationRule } from './combination-rule.ts';

/** What is wrong together in the section `docker`. */
export const DOCKER_RULES: readonly CombinationRule[] = [
  {
    paths: ['docker.host', 'docker.tls_verify', 'docker.cert_path'],
    grade: 'error',
    broken: ({ docker }) =>
      docker.host.kind === 'tcp' && docker.tlsVerify === true && docker.certPath === undefined,
    what: 'TLS needs to know whom to trust; set DOCKER_CERT_PATH to the folder of ca.pem, cert.pem and key.pem',
  },
  {
    paths: ['docker.host', 'docker.cert_path'],
    grade: 'warning',
    broken: ({ docker, engines }) =>
      engines.providers.includes('docker') &&
      docker.hosts.length === 0 &&
      docker.host.kind === 'tcp' &&
      (docker.certPath === undefined || docker.tlsVerify === false),
    what: 'Docker is spoken to without TLS: whoever reaches that port is root there; use TLS, or a network of your own',
  },
  {
    paths: ['docker.reach', 'docker.network'],
    grade: 'error',
    broken: ({ docker }) =>
      docker.reach === 'network' &&
      docker.network === undefined &&
      !(docker.hosts.length > 0 && docker.hosts.every(({ network }) => network !== undefined)),
    what: 'engines can’t be reached on a network that is not named; set DOCKER_NETWORK',
  },
  {
    paths: ['docker.ports', 'docker.https_ports'],
    grade: 'error',
    broken: ({ docker: { ports, httpsPorts } }) =>
      ports.first <= httpsPorts.last && httpsPorts.first <= ports.last,
    what: 'one port can’t be used twice; make PORT_RANGE_HOST and ACE_HTTPS_RANGE disjoint',
  },
];
