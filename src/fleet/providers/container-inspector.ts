/** What a container does, in the words of Docker. */
export type ContainerState =
  | 'created'
  | 'running'
  | 'paused'
  | 'restarting'
  | 'removing'
  | 'exited'
  | 'dead'
  | 'unknown';

/** A container, whoever made it. */
export interface InspectedContainer {
  readonly id: string;
  readonly name: string;
  readonly state: ContainerState;
  /** Of its own HEALTHCHECK; `none`: it has none. */
  readonly health: 'none' | 'starting' | 'healthy' | 'unhealthy';
  /** By the clock of the machine that it runs on; undefined: it has never started. */
  readonly startedAtMs: number | undefined;
}

/** Who can tell of containers that acemux did not make: that of a VPN above all. */
export interface ContainerInspector {
  /**
   * By name or id; undefined: there is none. Bounds its own time.
   * @throws AcemuxError docker_unreachable, docker_forbidden, docker_tls, docker_refused: nothing is known then
   */
  inspect(name: string, signal: AbortSignal): Promise<InspectedContainer | undefined>;
  /**
   * Stops it and starts it again; resolves when it runs.
   * @throws AcemuxError as `inspect`, and docker_refused if there is no such container
   */
  restart(name: string, signal: AbortSignal): Promise<void>;
}
