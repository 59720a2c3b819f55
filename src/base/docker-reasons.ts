/** Why Docker, or what it was asked for, does not work. Rows of the table of reasons. */
export const DOCKER_REASONS = {
  docker_unreachable: {
    status: 503,
    retryAfterSeconds: 15,
    what: 'Docker does not answer.',
    todo: 'Check that Docker runs, and that DOCKER_HOST names it; in a container, mount its socket. Engines that run are used on.',
  },
  docker_forbidden: {
    status: 503,
    retryAfterSeconds: 60,
    what: 'acemux may not use the socket of Docker.',
    todo: 'Let the user that acemux runs as use it: in a container `group_add` with the number of the group of docker.sock, else the group docker.',
  },
  docker_tls: {
    status: 503,
    retryAfterSeconds: 60,
    what: 'There is no trust between acemux and Docker: TLS failed.',
    todo: 'Look at ca.pem, cert.pem and key.pem in DOCKER_CERT_PATH: one authority signs both sides, and the server’s certificate names its address.',
  },
  docker_protocol: {
    status: 502,
    retryAfterSeconds: 60,
    what: 'What answers at DOCKER_HOST is not the API of Docker, or one that acemux does not know.',
    todo: 'Check DOCKER_HOST; Docker 20.10 or newer is needed.',
  },
  docker_refused: {
    status: 502,
    retryAfterSeconds: 15,
    what: 'Docker refused what acemux asked for.',
    todo: 'The message has Docker’s own words; look into its log, too.',
  },
  docker_image_invalid: {
    status: 503,
    retryAfterSeconds: 60,
    what: 'What is set as the image of engines is no name of an image.',
    todo: 'Mend ENGINE_IMAGE or ENGINE_VARIANT: NAME:TAG or NAME@sha256:DIGEST.',
  },
  docker_image_missing: {
    status: 503,
    retryAfterSeconds: 60,
    what: 'The image of engines is not there, and can’t be had under this name.',
    todo: 'Check ENGINE_IMAGE; an image that needs a login is to be pulled by hand, with `docker pull`.',
  },
  docker_pull_failed: {
    status: 503,
    retryAfterSeconds: 60,
    what: 'Pulling the image of engines failed.',
    todo: 'The message has Docker’s own words: often the registry can’t be reached, or the disk is full. `docker pull` by hand shows the same.',
  },
  docker_name_taken: {
    status: 503,
    retryAfterSeconds: 5,
    what: 'A container of this name exists already.',
    todo: 'Choose another name, or another ENGINE_NAME_PREFIX. What acemux did not make it does not touch.',
  },
  docker_ports_taken: {
    status: 503,
    retryAfterSeconds: 60,
    what: 'No port is free for an engine: all of its range are used by engines, or by other programs.',
    todo: 'Make PORT_RANGE_HOST larger, or choose one that nothing else uses.',
  },
  docker_disk_full: {
    status: 503,
    retryAfterSeconds: 60,
    what: 'The disk of Docker is full.',
    todo: 'Make room: `docker system df` shows what takes it.',
  },
  docker_limits: {
    status: 503,
    retryAfterSeconds: 60,
    what: 'Docker does not accept the limits for engines.',
    todo: 'Mend ENGINE_MEMORY_LIMIT, ENGINE_CPU_LIMIT or ENGINE_PIDS_LIMIT: no more than the machine has.',
  },
  docker_network_missing: {
    status: 503,
    retryAfterSeconds: 60,
    what: 'The network for engines does not exist.',
    todo: 'Make it (`docker network create NAME`) or mend DOCKER_NETWORK; compose puts the name of the project before that of a network.',
  },
  docker_vpn_not_running: {
    status: 503,
    retryAfterSeconds: 15,
    what: 'The container of the VPN does not run on this Docker, so no engine can be put behind it.',
    todo: 'Start it, or mend its name (GLUETUN_CONTAINER_NAME). An engine is never started outside its VPN instead.',
  },
  docker_start_failed: {
    status: 503,
    retryAfterSeconds: 30,
    what: 'Docker made the container of an engine and could not start it.',
    todo: 'The message has Docker’s own words. `docker run` with the same image shows more.',
  },
  docker_not_ours: {
    status: 403,
    what: 'This container was not made by this acemux.',
    todo: 'Remove it yourself, if it is to go. What is ours carries the label `acemux.instance` with our number.',
  },
  docker_removal_stuck: {
    what: 'Docker has not removed the container in time.',
    todo: 'Nothing: its name and ports are kept until it is gone. If it stays, look into the log of Docker.',
  },
};
