import type { CombinationRule } from './combination-rule.ts';

/** What is wrong together in the section `vpn`. */
export const VPN_RULES: readonly CombinationRule[] = [
  {
    paths: ['vpn.mode', 'vpn.container_name', 'vpn.container_name_2'],
    grade: 'error',
    broken: ({ vpn }) =>
      vpn.mode === 'redundant' && (vpn.containerName === undefined || vpn.containerName2 === undefined),
    what: 'redundant needs two VPNs; set GLUETUN_CONTAINER_NAME and GLUETUN_CONTAINER_NAME_2',
  },
  {
    paths: ['vpn.container_name', 'vpn.container_name_2'],
    grade: 'error',
    broken: ({ vpn }) => vpn.containerName2 !== undefined && vpn.containerName === vpn.containerName2,
    what: 'two VPNs are two containers; give GLUETUN_CONTAINER_NAME_2 the name of the other one',
  },
  {
    paths: ['vpn.container_name', 'vpn.container_name_2'],
    grade: 'error',
    broken: ({ vpn }) => vpn.containerName2 !== undefined && vpn.containerName === undefined,
    what: 'there is a second VPN and no first one; set GLUETUN_CONTAINER_NAME',
  },
  {
    paths: ['vpn.mode', 'vpn.container_name_2'],
    grade: 'warning',
    broken: ({ vpn }) => vpn.mode === 'single' && vpn.containerName2 !== undefined,
    what: 'GLUETUN_CONTAINER_NAME_2 has no effect with VPN_MODE=single',
  },
  {
    paths: ['vpn.port_range_1', 'vpn.port_range_2'],
    grade: 'error',
    broken: ({ vpn: { portRange1, portRange2 } }) =>
      portRange1 !== undefined &&
      portRange2 !== undefined &&
      portRange1.first <= portRange2.last &&
      portRange2.first <= portRange1.last,
    what: 'the ports of two VPNs must not overlap, because both may be published on this machine; make them disjoint',
  },
  {
    paths: ['vpn.api_user', 'vpn.api_password'],
    grade: 'error',
    broken: ({ vpn }) => (vpn.apiUser === undefined) !== (vpn.apiPassword === undefined),
    what: 'a user needs a password and a password a user; set both GLUETUN_API_USER and GLUETUN_API_PASSWORD, or neither',
  },
  {
    paths: ['vpn.api_key', 'vpn.api_user'],
    grade: 'error',
    broken: ({ vpn }) => vpn.apiKey !== undefined && vpn.apiUser !== undefined,
    what: 'a control server asks for a key or for a user; keep the one that Gluetun is set up with',
  },
  {
    paths: ['vpn.container_name', 'vpn.list'],
    grade: 'error',
    broken: ({ vpn }) =>
      vpn.list.some(({ name }) => name === vpn.containerName || name === vpn.containerName2),
    what: 'a VPN is named twice; keep it in vpn.list or in GLUETUN_CONTAINER_NAME',
  },
];
