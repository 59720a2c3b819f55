/** Why a VPN is not well, and what follows from it. Rows of the table of reasons. */
export const VPN_REASONS = {
  vpn_unproved: {
    what: 'Nothing has shown yet that the VPN is up.',
    todo: 'If it stays so: give acemux access to Gluetun’s control server (docs/vpn.md) or to Docker.',
  },
  vpn_container_gone: {
    what: 'The VPN’s container is not there, or does not run.',
    todo: 'Start it (`docker start NAME`), or correct GLUETUN_CONTAINER_NAME.',
  },
  vpn_unhealthy: {
    what: 'Docker says that the VPN’s container is unhealthy.',
    todo: 'Look at its log: mostly the VPN’s server does not answer.',
  },
  vpn_tunnel_down: {
    what: 'Gluetun says that its tunnel is not running.',
    todo: 'Look at its log: mostly the server does not answer, or user and key are wrong.',
  },
  vpn_engines_offline: {
    what: 'No engine behind the VPN has a network, whatever the VPN says of itself.',
    todo: 'If Gluetun was restarted, its engines must be, too. Else look at Gluetun’s log.',
  },
  vpn_unreachable: {
    what: 'Nothing answers at the address of the VPN’s control server.',
    todo: 'Check GLUETUN_API_PORT (Gluetun’s HTTP_CONTROL_SERVER_ADDRESS) and that acemux is in the same Docker network.',
  },
  vpn_unauthorized: {
    what: 'The VPN’s control server asks for a key or a user, or does not know the route: that says nothing of the tunnel.',
    todo: 'Set GLUETUN_API_KEY, or GLUETUN_API_USER and GLUETUN_API_PASSWORD, as in Gluetun (docs/vpn.md).',
  },
  vpn_timeout: {
    what: 'The VPN’s control server took the connection and did not answer in time.',
    todo: 'Look at Gluetun’s log; restart it if it hangs.',
  },
  vpn_protocol: {
    what: 'The VPN’s control server answered something that acemux does not understand.',
    todo: 'Check that GLUETUN_API_PORT is that of Gluetun’s control server (docs/vpn.md names the versions).',
  },
  vpn_recovering: {
    what: 'The VPN is back, and is watched until it has been stable for a while.',
    todo: 'Nothing: its engines are used again soon.',
  },
  vpn_draining: {
    what: 'The operator is taking the VPN out of use; its streams move to others.',
    todo: 'Nothing: viewers stay connected.',
  },
  vpn_engine_cut_off: {
    what: 'The VPN is well, and an engine behind it has no network: its VPN’s container was restarted since.',
    todo: 'Restart the engine’s container: `docker restart NAME`. With `container=NAME&restart=true` in its entry acemux does.',
  },
};
