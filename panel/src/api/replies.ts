// Written by `npm run docs` from the OpenAPI document: change the schemas of the routes in src/http.
// biome-ignore-all lint: generated
// biome-ignore-all format: generated

/** What each request is answered with 200. */
export interface Replies {
  'GET /ace/cmd/{infohash}/{token}': {
    /** Null after an error. */
    readonly response: unknown;
    readonly error: string | null;
  };
  'GET /ace/getstream': {
    /** Null after an error. */
    readonly response: unknown;
    readonly error: string | null;
  };
  'GET /ace/stat/{infohash}/{token}': {
    /** Null after an error. */
    readonly response: unknown;
    readonly error: string | null;
  };
  'GET /ace/status': {
    /** Streams that are open now. */
    readonly streams: number;
  } | {
    /** Who watches it now. */
    readonly clients: number;
    /** Always empty, as acexy prints it. */
    readonly stream_id: { readonly [name: string]: unknown };
    /** Where acemux itself tells more about it. */
    readonly stat_url: string;
  };
  'GET /by-label': readonly ({
    readonly id: string;
    readonly name: string;
    readonly image: string;
    /** The digest of what the image’s name meant when it was created. */
    readonly image_id: string;
    readonly created: string;
    readonly started_at: string | null;
    /** created, running or paused. */
    readonly status: string;
    readonly labels: { readonly [name: string]: string };
    /** Where its HTTP API is reached. */
    readonly ports: { readonly [name: string]: readonly ({
      readonly HostIp: string;
      readonly HostPort: string;
    })[] };
    readonly memory_limit_bytes: number | null;
  })[];
  'GET /clients': readonly ({
    /** Opaque; the client_id of events, and what DELETE /clients/{id} takes. */
    readonly id: string;
    /** The 40 digits that its stream was first asked for. */
    readonly stream_id: string;
    /** The id of its stream in /streams. */
    readonly session_id: string;
    readonly address: string;
    readonly user_agent: string | null;
    readonly player: string | null;
    readonly name: string | null;
    /** ISO 8601, UTC */
    readonly joined_at: string;
    readonly output: string | null;
    /** playing; lagging: its connection takes less than the stream; paused: it takes nothing, and may go on from disk. */
    readonly state: string;
    readonly position: number | null;
    readonly lag_bytes: number | null;
    readonly seconds_behind_live: number | null;
    /** What it is sent comes from disk. */
    readonly is_in_timeshift: boolean;
    readonly bytes_sent: number | null;
    readonly bytes_per_second: number | null;
    readonly max_bytes_per_second: number | null;
    /** That cap holds it back now. Of HLS: a piece of its stream waits for its address. */
    readonly is_throttled: boolean;
    /** Times that it was too slow, and went on at a newer keyframe. */
    readonly skips: number;
    readonly longest_pause_seconds: number | null;
  })[];
  'DELETE /clients/{id}': {
    readonly message: string;
    readonly client_id: string;
  };
  'GET /containers/{id}': {
    readonly id: string;
    readonly name: string;
    readonly image: string;
    /** The digest of what the image’s name meant when it was created. */
    readonly image_id: string;
    readonly created: string;
    readonly started_at: string | null;
    /** created, running or paused. */
    readonly status: string;
    readonly labels: { readonly [name: string]: string };
    /** Where its HTTP API is reached. */
    readonly ports: { readonly [name: string]: readonly ({
      readonly HostIp: string;
      readonly HostPort: string;
    })[] };
    readonly memory_limit_bytes: number | null;
  };
  'DELETE /containers/{id}': {
    readonly deleted: string;
  };
  'GET /engines': readonly ({
    /** The engine’s id: opaque. */
    readonly container_id: string;
    readonly container_name: string;
    readonly host: string;
    readonly port: number;
    readonly labels: { readonly [name: string]: string };
    readonly forwarded: boolean;
    readonly first_seen: string;
    readonly last_seen: string;
    /** Ids of /streams. */
    readonly streams: readonly (string)[];
    /** healthy, unhealthy or unknown. */
    readonly health_status: string;
    readonly last_health_check: string | null;
    readonly last_stream_usage: string | null;
    readonly vpn_container: string | null;
    readonly engine_variant: string | null;
    readonly platform: string | null;
    readonly version: string | null;
    readonly forwarded_port: number | null;
    /** starting, healthy, degraded, unhealthy or draining. */
    readonly state: string;
    readonly state_since: string;
    readonly detail: string | null;
    readonly draining: boolean;
    readonly drain_reason: string | null;
    /** Places taken on it, starts under way included. */
    readonly stream_count: number;
    readonly provider: string;
    /** Held to be the cause of failures, and therefore taken last. */
    readonly suspected: boolean;
    /** Its provider can’t be asked now: all this may be out of date. */
    readonly unseen: boolean;
    readonly vpn_state: string | null;
    readonly container: {
      readonly id: string;
      readonly name: string;
      readonly image: string;
      /** The digest of what the image’s name meant when it was created. */
      readonly image_id: string;
      readonly created: string;
      readonly started_at: string | null;
      /** created, running or paused. */
      readonly status: string;
      readonly labels: { readonly [name: string]: string };
      /** Where its HTTP API is reached. */
      readonly ports: { readonly [name: string]: readonly ({
        readonly HostIp: string;
        readonly HostPort: string;
      })[] };
      readonly memory_limit_bytes: number | null;
    } | null;
    readonly successes: number;
    readonly failures: number;
    readonly failures_by_reason: { readonly [name: string]: number };
    readonly last_failure: {
      readonly reason: string;
      readonly at: string;
    } | null;
    /** The latest, oldest first. */
    readonly probes: readonly ({
      readonly at: string;
      /** hit or miss. */
      readonly verdict: string;
      readonly reason: string | null;
      readonly detail: string | null;
      readonly took_seconds: number;
    })[];
    readonly explanation?: {
      /** The highest wins. */
      readonly score: number;
      readonly parts: {
        readonly forwarded: number;
        readonly streams: number;
        readonly vpn: number;
        readonly failures: number;
        readonly played: number;
        readonly preferred: number;
      };
      /** Taken where there is no other. */
      readonly is_last_resort: boolean;
      readonly obstacle: string | null;
      readonly is_chosen: boolean;
    };
  })[];
  'GET /engines/stats/all': { readonly [name: string]: {
    readonly container_id: string;
    readonly cpu_percent: number | null;
    /** Bytes, without the cache of files. */
    readonly memory_usage: number;
    readonly memory_limit: number | null;
    readonly memory_percent: number | null;
    readonly network_rx_bytes: number | null;
    readonly network_tx_bytes: number | null;
    readonly block_read_bytes: number;
    readonly block_write_bytes: number;
  } };
  'GET /engines/stats/total': {
    readonly total_cpu_percent: number;
    readonly total_memory_usage: number;
    readonly total_network_rx_bytes: number;
    readonly total_network_tx_bytes: number;
    readonly total_block_read_bytes: number;
    readonly total_block_write_bytes: number;
    readonly container_count: number;
  };
  'GET /engines/{id}': {
    readonly engine: {
      /** The engine’s id: opaque. */
      readonly container_id: string;
      readonly container_name: string;
      readonly host: string;
      readonly port: number;
      readonly labels: { readonly [name: string]: string };
      readonly forwarded: boolean;
      readonly first_seen: string;
      readonly last_seen: string;
      /** Ids of /streams. */
      readonly streams: readonly (string)[];
      /** healthy, unhealthy or unknown. */
      readonly health_status: string;
      readonly last_health_check: string | null;
      readonly last_stream_usage: string | null;
      readonly vpn_container: string | null;
      readonly engine_variant: string | null;
      readonly platform: string | null;
      readonly version: string | null;
      readonly forwarded_port: number | null;
      /** starting, healthy, degraded, unhealthy or draining. */
      readonly state: string;
      readonly state_since: string;
      readonly detail: string | null;
      readonly draining: boolean;
      readonly drain_reason: string | null;
      /** Places taken on it, starts under way included. */
      readonly stream_count: number;
      readonly provider: string;
      /** Held to be the cause of failures, and therefore taken last. */
      readonly suspected: boolean;
      /** Its provider can’t be asked now: all this may be out of date. */
      readonly unseen: boolean;
      readonly vpn_state: string | null;
      readonly container: {
        readonly id: string;
        readonly name: string;
        readonly image: string;
        /** The digest of what the image’s name meant when it was created. */
        readonly image_id: string;
        readonly created: string;
        readonly started_at: string | null;
        /** created, running or paused. */
        readonly status: string;
        readonly labels: { readonly [name: string]: string };
        /** Where its HTTP API is reached. */
        readonly ports: { readonly [name: string]: readonly ({
          readonly HostIp: string;
          readonly HostPort: string;
        })[] };
        readonly memory_limit_bytes: number | null;
      } | null;
      readonly successes: number;
      readonly failures: number;
      readonly failures_by_reason: { readonly [name: string]: number };
      readonly last_failure: {
        readonly reason: string;
        readonly at: string;
      } | null;
      /** The latest, oldest first. */
      readonly probes: readonly ({
        readonly at: string;
        /** hit or miss. */
        readonly verdict: string;
        readonly reason: string | null;
        readonly detail: string | null;
        readonly took_seconds: number;
      })[];
      readonly explanation?: {
        /** The highest wins. */
        readonly score: number;
        readonly parts: {
          readonly forwarded: number;
          readonly streams: number;
          readonly vpn: number;
          readonly failures: number;
          readonly played: number;
          readonly preferred: number;
        };
        /** Taken where there is no other. */
        readonly is_last_resort: boolean;
        readonly obstacle: string | null;
        readonly is_chosen: boolean;
      };
    };
    readonly streams: readonly ({
      /** Opaque, of this session alone. */
      readonly id: string;
      /** What key is: content_id or infohash. */
      readonly key_type: string;
      /** The 40 digits that the stream was first asked for. */
      readonly key: string;
      readonly container_id: string | null;
      readonly playback_session_id: string | null;
      /** acemux’s own: the newest numbers of this stream. */
      readonly stat_url: string;
      /** acemux’s own: `DELETE` ends the stream; batch-stop takes it. */
      readonly command_url: string;
      readonly is_live: boolean;
      readonly started_at: string;
      readonly ended_at: string | null;
      /** started or ended. */
      readonly status: string;
      readonly peers: number | null;
      readonly speed_down: number | null;
      readonly speed_up: number | null;
      readonly downloaded: number | null;
      readonly uploaded: number | null;
      readonly livepos: {
        readonly pos: string | null;
        readonly live_first: string | null;
        readonly live_last: string | null;
        readonly first_ts: string | null;
        readonly last_ts: string | null;
        readonly buffer_pieces: string | null;
      } | null;
      readonly infohash: string | null;
      /** starting, playing, lingering or ended. */
      readonly state: string;
      readonly client_count: number;
      readonly reason: string | null;
      readonly media_bytes_per_second: number | null;
    })[];
  };
  'DELETE /engines/{id}': {
    readonly deleted: string;
  };
  'POST /engines/{id}/drain': {
    readonly id: string;
    /** As it is now. */
    readonly state: string;
  };
  'POST /engines/{id}/restart': {
    readonly id: string;
    /** As it is now. */
    readonly state: string;
  };
  'GET /engines/{id}/stats': {
    readonly container_id: string;
    readonly cpu_percent: number | null;
    /** Bytes, without the cache of files. */
    readonly memory_usage: number;
    readonly memory_limit: number | null;
    readonly memory_percent: number | null;
    readonly network_rx_bytes: number | null;
    readonly network_tx_bytes: number | null;
    readonly block_read_bytes: number;
    readonly block_write_bytes: number;
  };
  'POST /engines/{id}/undrain': {
    readonly id: string;
    /** As it is now. */
    readonly state: string;
  };
  'GET /events': readonly ({
    /** Greater than that of every event before. */
    readonly id: number;
    /** ISO 8601, UTC */
    readonly timestamp: string;
    /** What it is about: the first half of `type`. */
    readonly event_type: string;
    /** What has happened: the second half of `type`. */
    readonly category: string;
    /** A sentence for people. */
    readonly message: string;
    /** docs/events.md has them for each type. */
    readonly details: { readonly [name: string]: unknown };
    readonly container_id: string | null;
    readonly stream_id: string | null;
    /** One of the types of docs/events.md. */
    readonly type: string;
    /** info, warning or error. */
    readonly severity: string;
    readonly client_id: string | null;
    readonly request_id: string | null;
    readonly cause_id: number | null;
  })[];
  'POST /events/cleanup': {
    readonly deleted: number;
    readonly message: string;
  };
  'GET /events/stats': {
    /** Those that are held now. */
    readonly total: number;
    readonly by_type: { readonly [name: string]: number };
    readonly oldest: string | null;
    readonly newest: string | null;
    readonly by_severity: { readonly [name: string]: number };
  };
  'POST /events/stream_ended': {
    readonly updated: boolean;
    readonly stream: {
      /** Opaque, of this session alone. */
      readonly id: string;
      /** What key is: content_id or infohash. */
      readonly key_type: string;
      /** The 40 digits that the stream was first asked for. */
      readonly key: string;
      readonly container_id: string | null;
      readonly playback_session_id: string | null;
      /** acemux’s own: the newest numbers of this stream. */
      readonly stat_url: string;
      /** acemux’s own: `DELETE` ends the stream; batch-stop takes it. */
      readonly command_url: string;
      readonly is_live: boolean;
      readonly started_at: string;
      readonly ended_at: string | null;
      /** started or ended. */
      readonly status: string;
      readonly peers: number | null;
      readonly speed_down: number | null;
      readonly speed_up: number | null;
      readonly downloaded: number | null;
      readonly uploaded: number | null;
      readonly livepos: {
        readonly pos: string | null;
        readonly live_first: string | null;
        readonly live_last: string | null;
        readonly first_ts: string | null;
        readonly last_ts: string | null;
        readonly buffer_pieces: string | null;
      } | null;
      readonly infohash: string | null;
      /** starting, playing, lingering or ended. */
      readonly state: string;
      readonly client_count: number;
      readonly reason: string | null;
      readonly media_bytes_per_second: number | null;
    } | null;
  };
  'POST /events/stream_started': {
    /** Opaque, of this session alone. */
    readonly id: string;
    /** What key is: content_id or infohash. */
    readonly key_type: string;
    /** The 40 digits that the stream was first asked for. */
    readonly key: string;
    readonly container_id: string | null;
    readonly playback_session_id: string | null;
    /** acemux’s own: the newest numbers of this stream. */
    readonly stat_url: string;
    /** acemux’s own: `DELETE` ends the stream; batch-stop takes it. */
    readonly command_url: string;
    readonly is_live: boolean;
    readonly started_at: string;
    readonly ended_at: string | null;
    /** started or ended. */
    readonly status: string;
    readonly peers: number | null;
    readonly speed_down: number | null;
    readonly speed_up: number | null;
    readonly downloaded: number | null;
    readonly uploaded: number | null;
    readonly livepos: {
      readonly pos: string | null;
      readonly live_first: string | null;
      readonly live_last: string | null;
      readonly first_ts: string | null;
      readonly last_ts: string | null;
      readonly buffer_pieces: string | null;
    } | null;
    readonly infohash: string | null;
    /** starting, playing, lingering or ended. */
    readonly state: string;
    readonly client_count: number;
    readonly reason: string | null;
    readonly media_bytes_per_second: number | null;
  };
  'POST /gc': {
    readonly status: string;
  };
  'GET /health': {
    readonly status: string;
  };
  'POST /health/circuit-breaker/reset': {
    readonly message: string;
  };
  'GET /health/live': {
    readonly status: string;
  };
  'GET /health/ready': {
    readonly status: string;
  };
  'GET /health/status': {
    readonly overload: {
      /** Whether new viewers are refused so that those who watch do not suffer. */
      readonly overloaded: boolean;
      readonly causes: readonly (string)[];
    };
    readonly total_engines: number;
    readonly healthy_engines: number;
    readonly unhealthy_engines: number;
    readonly marked_for_replacement: number;
    readonly minimum_required: number;
    /** Seconds. */
    readonly health_check_interval: number;
    readonly circuit_breakers: {
      readonly general: {
        /** closed, open or half_open. */
        readonly state: string;
        readonly failure_count: number;
        readonly failure_threshold: number;
        readonly last_failure_time: string | null;
        readonly last_success_time: string | null;
        readonly retry_at: string | null;
        readonly cause: string | null;
        readonly detail: string | null;
        /** The longest pause, seconds. */
        readonly recovery_timeout: number;
      };
      readonly replacement: {
        /** closed, open or half_open. */
        readonly state: string;
        readonly failure_count: number;
        readonly failure_threshold: number;
        readonly last_failure_time: string | null;
        readonly last_success_time: string | null;
        readonly retry_at: string | null;
        readonly cause: string | null;
        readonly detail: string | null;
        /** The longest pause, seconds. */
        readonly recovery_timeout: number;
      };
    };
    readonly store: {
      /** ok or degraded: whether what is to outlive a restart is written. */
      readonly status: string;
      /** file or memory. */
      readonly place: string;
      readonly reason: string | null;
      readonly detail: string | null;
      readonly since: string;
      /** Writes that wait. */
      readonly waiting: number;
      /** Writes that were lost since the start. */
      readonly lost: number;
    };
  };
  'GET /history': {
    /** ISO 8601, UTC */
    readonly at: string;
    /** ISO 8601, UTC */
    readonly from: string;
    /** ISO 8601, UTC */
    readonly to: string;
    /** One of nothing_known, acemux_overloaded, vpn_down, engine_failed, swarm_starved, viewer_link_slow, delivered_steadily. */
    readonly verdict: string;
    /** The verdict as a sentence. */
    readonly what: string;
    /** What can be done about it. */
    readonly todo: string;
    readonly evidence: readonly ({
      /** ISO 8601, UTC */
      readonly at: string;
      readonly text: string;
      readonly event_id: number | null;
    })[];
    readonly stream: {
      readonly session_id: string;
      /** The 40 digits that it was first asked for. */
      readonly stream_id: string;
      readonly infohash: string | null;
      readonly key_type: string;
      /** ISO 8601, UTC */
      readonly began_at: string;
      readonly started_at: string | null;
      readonly ended_at: string | null;
      readonly error: string | null;
      readonly bytes_in: number;
      readonly bytes_out: number;
    } | null;
    readonly client: {
      readonly client_id: string;
      readonly name: string | null;
      readonly address: string | null;
      readonly stream_id: string;
      /** ISO 8601, UTC */
      readonly joined_at: string;
      readonly left_at: string | null;
      readonly reason: string | null;
    } | null;
    readonly stream_minutes: readonly ({
      /** ISO 8601, UTC */
      readonly at: string;
      readonly engine: string | null;
      readonly clients: number;
      readonly ingest_bytes: number;
      /** The longest time that nothing came from the engine. */
      readonly longest_gap_seconds: number;
      readonly ring_seconds: number | null;
      readonly peers: number | null;
      readonly speed_bytes_per_second: number | null;
    })[];
    readonly client_minutes: readonly ({
      /** ISO 8601, UTC */
      readonly at: string;
      readonly client_id: string;
      /** ts or hls. */
      readonly output: string;
      readonly bytes: number | null;
      readonly longest_gap_seconds: number | null;
      readonly lag_seconds: number | null;
      readonly skips: number;
      readonly null_seconds: number | null;
      /** So long its connection took nothing. */
      readonly blocked_seconds: number;
    })[];
    readonly events: readonly ({
      readonly id: number;
      /** ISO 8601, UTC */
      readonly at: string;
      readonly type: string;
      readonly engine: string | null;
      readonly reason: string | null;
      readonly message: string;
    })[];
  };
  'GET /history/evidence': {
    readonly cases: readonly ({
      /** The event that it is about: `/events`. */
      readonly event_id: number;
      readonly type: string;
      readonly at: string;
      readonly stream_id: string;
      readonly engine: string | null;
      readonly client_id: string | null;
      /** As the event tells it. */
      readonly decision: { readonly [name: string]: unknown };
      /** What the engine said last. */
      readonly stat: unknown;
      /** On engines so far, oldest first. */
      readonly attempts: readonly (unknown)[];
      /** What viewers were given last; of a splice, before it, and `joined` is what the other source had brought by then. `unused`: what an engine whose attempt failed had sent. */
      readonly media: {
        /** Where it begins, in bytes since the session, or that source, began. */
        readonly position: number;
        /** Base64: the four header bytes of each packet of the last two seconds. */
        readonly packet_headers: string;
        /** PES packets: role, key of their bytes, times, position. */
        readonly units: readonly (unknown)[];
      };
      readonly joined: {
        /** Where it begins, in bytes since the session, or that source, began. */
        readonly position: number;
        /** Base64: the four header bytes of each packet of the last two seconds. */
        readonly packet_headers: string;
        /** PES packets: role, key of their bytes, times, position. */
        readonly units: readonly (unknown)[];
      } | null;
      readonly unused: {
        /** Where it begins, in bytes since the session, or that source, began. */
        readonly position: number;
        /** Base64: the four header bytes of each packet of the last two seconds. */
        readonly packet_headers: string;
        /** PES packets: role, key of their bytes, times, position. */
        readonly units: readonly (unknown)[];
      } | null;
    })[];
  };
  'GET /history/streams': {
    readonly streams: readonly ({
      readonly session_id: string;
      /** The 40 digits that it was first asked for. */
      readonly stream_id: string;
      readonly infohash: string | null;
      readonly key_type: string;
      /** ISO 8601, UTC */
      readonly began_at: string;
      readonly started_at: string | null;
      readonly ended_at: string | null;
      readonly error: string | null;
      readonly bytes_in: number;
      readonly bytes_out: number;
    })[];
  };
  'GET /history/streams/{id}': {
    readonly stream: {
      readonly session_id: string;
      /** The 40 digits that it was first asked for. */
      readonly stream_id: string;
      readonly infohash: string | null;
      readonly key_type: string;
      /** ISO 8601, UTC */
      readonly began_at: string;
      readonly started_at: string | null;
      readonly ended_at: string | null;
      readonly error: string | null;
      readonly bytes_in: number;
      readonly bytes_out: number;
    };
    readonly minutes: readonly ({
      /** ISO 8601, UTC */
      readonly at: string;
      readonly engine: string | null;
      readonly clients: number;
      readonly ingest_bytes: number;
      /** The longest time that nothing came from the engine. */
      readonly longest_gap_seconds: number;
      readonly ring_seconds: number | null;
      readonly peers: number | null;
      readonly speed_bytes_per_second: number | null;
    })[];
    readonly clients: readonly ({
      readonly client_id: string;
      readonly name: string | null;
      readonly address: string | null;
      readonly stream_id: string;
      /** ISO 8601, UTC */
      readonly joined_at: string;
      readonly left_at: string | null;
      readonly reason: string | null;
    })[];
    readonly client_minutes: readonly ({
      /** ISO 8601, UTC */
      readonly at: string;
      readonly client_id: string;
      /** ts or hls. */
      readonly output: string;
      readonly bytes: number | null;
      readonly longest_gap_seconds: number | null;
      readonly lag_seconds: number | null;
      readonly skips: number;
      readonly null_seconds: number | null;
      /** So long its connection took nothing. */
      readonly blocked_seconds: number;
    })[];
    readonly events: readonly ({
      readonly id: number;
      /** ISO 8601, UTC */
      readonly at: string;
      readonly type: string;
      readonly engine: string | null;
      readonly reason: string | null;
      readonly message: string;
    })[];
  };
  'GET /history/timeline': {
    /** What one point stands for. */
    readonly step_seconds: number;
    readonly points: readonly ({
      readonly at: string;
      /** The most at once. */
      readonly clients: number;
      readonly streams: number;
      readonly egress_bytes_per_second: number;
      readonly engines: number;
      /** The fewest. */
      readonly healthy_engines: number;
    })[];
  };
  'GET /keys': {
    readonly keys: readonly ({
      /** Opaque; for DELETE /keys/{id} and for signed URLs. */
      readonly id: string;
      readonly name: string;
      readonly role: string;
      /** admin, configured or made (by API). */
      readonly origin: string;
      readonly created_at: string | null;
      /** What is left out has no limit of its own. */
      readonly limits: {
        /** Different streams at once. */
        readonly streams_max?: number;
        /** Viewers at once. */
        readonly viewers_max?: number;
        /** Starts of streams. */
        readonly starts_per_minute?: number;
        /** All viewers together. */
        readonly bytes_per_second?: number;
        /** At streams_max: the oldest stream ends, or the new one is refused. */
        readonly on_limit?: "replace_oldest" | "refuse";
      };
      /** Who watches by it now, or by what was signed on its account. */
      readonly viewer_count: number;
    })[];
  };
  'DELETE /keys/{id}': {
    /** Opaque; for DELETE /keys/{id} and for signed URLs. */
    readonly id: string;
    readonly name: string;
    readonly role: string;
    /** admin, configured or made (by API). */
    readonly origin: string;
    readonly created_at: string | null;
    /** What is left out has no limit of its own. */
    readonly limits: {
      /** Different streams at once. */
      readonly streams_max?: number;
      /** Viewers at once. */
      readonly viewers_max?: number;
      /** Starts of streams. */
      readonly starts_per_minute?: number;
      /** All viewers together. */
      readonly bytes_per_second?: number;
      /** At streams_max: the oldest stream ends, or the new one is refused. */
      readonly on_limit?: "replace_oldest" | "refuse";
    };
  };
  'GET /livez': {
    readonly status: string;
  };
  'POST /login': {
    readonly role: string;
    readonly name: string;
  };
  'POST /login-links': {
    readonly url: string;
    readonly expires_at: string;
  };
  'POST /logout': {
    readonly message: string;
  };
  'GET /metrics': unknown;
  'GET /openapi.json': unknown;
  'GET /orchestrator/status': {
    /** healthy, degraded or unavailable. */
    readonly status: string;
    readonly engines: {
      readonly total: number;
      readonly running: number;
      readonly healthy: number;
      readonly unhealthy: number;
      readonly starting: number;
      readonly draining: number;
    };
    readonly streams: {
      readonly active: number;
      readonly total: number;
    };
    readonly capacity: {
      /** Engines. */
      readonly total: number;
      /** Engines with at least one stream. */
      readonly used: number;
      readonly available: number;
      readonly max_replicas: number;
      readonly min_replicas: number;
      /** Streams that could be started without another engine. */
      readonly free_places: number;
    };
    readonly vpn: {
      readonly enabled: boolean;
      readonly connected: boolean;
      readonly health: string;
      readonly container: string | null;
      readonly forwarded_port: number | null;
    };
    readonly provisioning: {
      readonly can_provision: boolean;
      readonly circuit_breaker_state: string;
      readonly last_failure: string | null;
      readonly blocked_reason: string | null;
      readonly blocked_reason_details: {
        readonly code: string;
        readonly message: string;
        readonly recovery_eta_seconds: number | null;
        readonly can_retry: boolean;
        readonly should_wait: boolean;
        /** acemux’s own word. */
        readonly reason: string;
        /** What can be done about it. */
        readonly todo: string;
      } | null;
    };
    readonly can_start_stream: {
      /** Whether a new stream would find a place without waiting. */
      readonly now: boolean;
      readonly reason: string | null;
      readonly detail: string | null;
      readonly eta_seconds: number | null;
    };
    /** Containers that look like engines of this acemux and are none: neither used nor removed. */
    readonly left_alone: readonly ({
      readonly container: string;
      readonly container_id: string;
      readonly provider: string;
      /** A reason code. */
      readonly reason: string;
      readonly detail: string;
      /** What can be done about it. */
      readonly todo: string;
    })[];
    readonly overload: {
      /** Whether new viewers are refused so that those who watch do not suffer. */
      readonly overloaded: boolean;
      readonly causes: readonly (string)[];
    };
    readonly acexy: {
      readonly enabled: boolean;
      readonly deprecated: boolean;
    };
    readonly config: {
      readonly auto_delete: boolean;
      readonly grace_period_s: number;
      readonly engine_variant: string | null;
      readonly debug_mode: boolean;
    };
    readonly timestamp: string;
  };
  'GET /overview': {
    readonly at: string;
    /** starting, ready or draining. */
    readonly phase: string;
    readonly streams: readonly ({
      /** Opaque, of this session alone: as in /streams. */
      readonly id: string;
      /** The 40 digits that the stream was first asked for. */
      readonly stream_id: string;
      /** What stream_id is: content_id or infohash. */
      readonly key_type: string;
      readonly infohash: string | null;
      readonly is_live: boolean;
      /** starting, playing, lingering or ended. */
      readonly state: string;
      readonly container_id: string | null;
      readonly client_count: number;
      readonly paused_count: number;
      readonly idle_seconds: number;
      readonly created_at: string;
      readonly started_at: string | null;
      readonly ended_at: string | null;
      readonly reason: string | null;
      /** Received from engines. */
      readonly bytes_in: number;
      /** Handed to viewers. */
      readonly bytes_out: number;
      readonly media_bytes_per_second: number | null;
      readonly peers: number | null;
      readonly speed_down: number | null;
      readonly buffer_pieces: number | null;
      readonly codecs: readonly (string)[] | null;
      readonly width: number | null;
      readonly height: number | null;
      /** How often another source has gone on with it. */
      readonly splices: number;
      readonly warnings: readonly (string)[];
    })[];
    readonly engines: readonly ({
      /** The engine’s id: opaque. */
      readonly container_id: string;
      readonly container_name: string;
      readonly provider: string;
      /** starting, healthy, degraded, unhealthy or draining. */
      readonly state: string;
      readonly detail: string | null;
      readonly draining: boolean;
      readonly suspected: boolean;
      /** Places taken on it, starts under way included. */
      readonly stream_count: number;
      readonly forwarded: boolean;
      readonly vpn_container: string | null;
      readonly vpn_state: string | null;
    })[];
    /** MAX_STREAMS_PER_ENGINE */
    readonly streams_per_engine_max: number;
  };
  'POST /provision': {
    readonly container_id: string;
    readonly container_name: string;
  };
  'POST /provision/acestream': {
    readonly container_id: string;
    readonly container_name: string;
    readonly host_http_port: number;
    readonly container_http_port: number;
    readonly container_https_port: number | null;
  };
  'GET /proxy/sessions': {
    readonly sessions: readonly ({
      /** The 40 digits that the session was first asked for. */
      readonly stream_id: string;
      /** The same as stream_id. */
      readonly ace_id: string;
      readonly engine_host: string | null;
      readonly engine_port: number | null;
      readonly container_id: string | null;
      readonly playback_session_id: string | null;
      readonly is_live: boolean;
      /** Whether it can be joined. */
      readonly is_active: boolean;
      readonly client_count: number;
      /** ISO 8601, UTC */
      readonly created_at: string;
      readonly started_at: string | null;
      readonly ended_at: string | null;
      readonly error: string | null;
      /** Since a client was last added or last given bytes. */
      readonly idle_seconds: number;
      /** What stream_id is: content_id or infohash. */
      readonly key_type: string;
      readonly infohash: string | null;
      /** starting, playing, lingering or ended. */
      readonly state: string;
      /** Received from engines. */
      readonly bytes_in: number;
      /** Handed to viewers. */
      readonly bytes_out: number;
      readonly warnings: readonly (string)[];
      /** Viewers beside client_count that have paused (time-shift). */
      readonly paused_count: number;
    })[];
  };
  'GET /proxy/sessions/{id}': {
    /** The 40 digits that the session was first asked for. */
    readonly stream_id: string;
    /** The same as stream_id. */
    readonly ace_id: string;
    readonly engine_host: string | null;
    readonly engine_port: number | null;
    readonly container_id: string | null;
    readonly playback_session_id: string | null;
    readonly is_live: boolean;
    /** Whether it can be joined. */
    readonly is_active: boolean;
    readonly client_count: number;
    /** ISO 8601, UTC */
    readonly created_at: string;
    readonly started_at: string | null;
    readonly ended_at: string | null;
    readonly error: string | null;
    /** Since a client was last added or last given bytes. */
    readonly idle_seconds: number;
    /** What stream_id is: content_id or infohash. */
    readonly key_type: string;
    readonly infohash: string | null;
    /** starting, playing, lingering or ended. */
    readonly state: string;
    /** Received from engines. */
    readonly bytes_in: number;
    /** Handed to viewers. */
    readonly bytes_out: number;
    readonly warnings: readonly (string)[];
    /** Viewers beside client_count that have paused (time-shift). */
    readonly paused_count: number;
    /** What has happened to the stream, oldest first: the newest 100 of its events. */
    readonly timeline: readonly ({
      /** Greater than that of every event before. */
      readonly id: number;
      /** ISO 8601, UTC */
      readonly timestamp: string;
      /** What it is about: the first half of `type`. */
      readonly event_type: string;
      /** What has happened: the second half of `type`. */
      readonly category: string;
      /** A sentence for people. */
      readonly message: string;
      /** docs/events.md has them for each type. */
      readonly details: { readonly [name: string]: unknown };
      readonly container_id: string | null;
      readonly stream_id: string | null;
      /** One of the types of docs/events.md. */
      readonly type: string;
      /** info, warning or error. */
      readonly severity: string;
      readonly client_id: string | null;
      readonly request_id: string | null;
      readonly cause_id: number | null;
    })[];
    /** The id in /streams, of this session alone. */
    readonly session_id?: string;
    /** Viewers that wait for the start. */
    readonly waiting_count?: number;
    /** From engines, lately. */
    readonly bytes_in_per_second?: number;
    readonly media?: {
      readonly codecs: readonly (string)[] | null;
      readonly width: number | null;
      readonly height: number | null;
      readonly frames_per_second: number | null;
      readonly streams: readonly ({
        readonly pid: number;
        /** video, audio or other. */
        readonly kind: string;
        readonly codec: string | null;
      })[];
      readonly bytes_per_second: number | null;
      readonly gop_seconds: number | null;
      readonly gop_longest_seconds: number | null;
    };
    readonly buffer?: {
      /** Of the oldest byte in memory, since the session began. */
      readonly tail_position: number;
      /** The live edge. */
      readonly head_position: number;
      readonly memory_bytes: number;
      /** Of media in memory. */
      readonly seconds: number;
      /** Since when nothing new has come. */
      readonly held_seconds: number;
      readonly keyframes: readonly ({
        readonly position: number;
        readonly seconds_behind_live: number;
        /** Why a viewer can begin there; fallback: nothing better came. */
        readonly kind: string;
      })[];
    };
    readonly timeshift?: {
      readonly window_seconds: number;
      readonly oldest_at: string | null;
      /** ISO 8601, UTC */
      readonly newest_at: string;
      readonly size_bytes: number;
    } | null;
    readonly standby_container_id?: string | null;
    readonly settings?: {
      readonly buffer_seconds: number;
      readonly buffer_size_bytes: number;
      readonly prebuffer_seconds: number;
      /** off, warm or hot. */
      readonly standby: string;
    };
    readonly clients?: readonly ({
      /** Opaque; the client_id of events, and what DELETE /clients/{id} takes. */
      readonly id: string;
      /** The 40 digits that its stream was first asked for. */
      readonly stream_id: string;
      /** The id of its stream in /streams. */
      readonly session_id: string;
      readonly address: string;
      readonly user_agent: string | null;
      readonly player: string | null;
      readonly name: string | null;
      /** ISO 8601, UTC */
      readonly joined_at: string;
      readonly output: string | null;
      /** playing; lagging: its connection takes less than the stream; paused: it takes nothing, and may go on from disk. */
      readonly state: string;
      readonly position: number | null;
      readonly lag_bytes: number | null;
      readonly seconds_behind_live: number | null;
      /** What it is sent comes from disk. */
      readonly is_in_timeshift: boolean;
      readonly bytes_sent: number | null;
      readonly bytes_per_second: number | null;
      readonly max_bytes_per_second: number | null;
      /** That cap holds it back now. Of HLS: a piece of its stream waits for its address. */
      readonly is_throttled: boolean;
      /** Times that it was too slow, and went on at a newer keyframe. */
      readonly skips: number;
      readonly longest_pause_seconds: number | null;
    })[];
    /** On engines, oldest first. */
    readonly attempts?: readonly ({
      /** The engine. */
      readonly container_id: string;
      readonly engine_host: string;
      readonly engine_port: number;
      /** It began beside the engine in use, as insurance. */
      readonly is_standby: boolean;
      /** ISO 8601, UTC */
      readonly began_at: string;
      readonly opened_after_seconds: number | null;
      readonly first_byte_after_seconds: number | null;
      readonly delivering_after_seconds: number | null;
      readonly over_after_seconds: number | null;
      readonly reason: string | null;
    })[];
  };
  'GET /proxy/status': {
    readonly running: boolean;
    readonly total_sessions: number;
    readonly active_sessions: number;
    readonly total_clients: number;
    readonly sessions: readonly ({
      /** The 40 digits that the session was first asked for. */
      readonly stream_id: string;
      /** The same as stream_id. */
      readonly ace_id: string;
      readonly engine_host: string | null;
      readonly engine_port: number | null;
      readonly container_id: string | null;
      readonly playback_session_id: string | null;
      readonly is_live: boolean;
      /** Whether it can be joined. */
      readonly is_active: boolean;
      readonly client_count: number;
      /** ISO 8601, UTC */
      readonly created_at: string;
      readonly started_at: string | null;
      readonly ended_at: string | null;
      readonly error: string | null;
      /** Since a client was last added or last given bytes. */
      readonly idle_seconds: number;
      /** What stream_id is: content_id or infohash. */
      readonly key_type: string;
      readonly infohash: string | null;
      /** starting, playing, lingering or ended. */
      readonly state: string;
      /** Received from engines. */
      readonly bytes_in: number;
      /** Handed to viewers. */
      readonly bytes_out: number;
      readonly warnings: readonly (string)[];
      /** Viewers beside client_count that have paused (time-shift). */
      readonly paused_count: number;
    })[];
  };
  'GET /readyz': {
    readonly status: string;
  };
  'POST /scale/{n}': {
    /** Within the bounds of the configuration. */
    readonly scaled_to: number;
    readonly requested: number;
  };
  'GET /search': {
    readonly result: unknown;
  };
  'GET /server/api': {
    readonly result: unknown;
  };
  'GET /settings': readonly ({
    /** Its path in the file: `log.level`. */
    readonly key: string;
    /** Its variable: `LOG_LEVEL`. */
    readonly environment: string;
    /** As YAML has it: `30s`, `64MiB`, a list, …; null: not set. */
    readonly value: unknown;
    /** As YAML has it: `30s`, `64MiB`, a list, …; null: not set. */
    readonly default: unknown;
    /** What it may be, for people. */
    readonly type: string;
    /** What it may be: JSON Schema. */
    readonly schema: unknown;
    readonly documentation: string;
    /** Where the value comes from: `environment LOG_LEVEL`, `default`, … */
    readonly origin: string;
    /** The same in a word: flag, environment, setting, file or default. */
    readonly layer: string;
    /** A flag or the environment sets it: it can’t be changed here. */
    readonly is_locked: boolean;
    /** PUT and DELETE are possible. */
    readonly is_changeable: boolean;
    /** now: a change applies at once; next: to streams and viewers that begin from then on; restart: it is read at start. */
    readonly applies: string;
    /** It was changed in the file, and waits for a restart. */
    readonly needs_restart: boolean;
    readonly changed_at: string | null;
    readonly changed_by: string | null;
  })[];
  'GET /settings/audit': readonly ({
    readonly key: string;
    /** As YAML has it: `30s`, `64MiB`, a list, …; null: not set. */
    readonly value: unknown;
    /** As YAML has it: `30s`, `64MiB`, a list, …; null: not set. */
    readonly previous: unknown;
    readonly changed_at: string;
    readonly changed_by: string;
  })[];
  'GET /settings/{key}': {
    /** Its path in the file: `log.level`. */
    readonly key: string;
    /** Its variable: `LOG_LEVEL`. */
    readonly environment: string;
    /** As YAML has it: `30s`, `64MiB`, a list, …; null: not set. */
    readonly value: unknown;
    /** As YAML has it: `30s`, `64MiB`, a list, …; null: not set. */
    readonly default: unknown;
    /** What it may be, for people. */
    readonly type: string;
    /** What it may be: JSON Schema. */
    readonly schema: unknown;
    readonly documentation: string;
    /** Where the value comes from: `environment LOG_LEVEL`, `default`, … */
    readonly origin: string;
    /** The same in a word: flag, environment, setting, file or default. */
    readonly layer: string;
    /** A flag or the environment sets it: it can’t be changed here. */
    readonly is_locked: boolean;
    /** PUT and DELETE are possible. */
    readonly is_changeable: boolean;
    /** now: a change applies at once; next: to streams and viewers that begin from then on; restart: it is read at start. */
    readonly applies: string;
    /** It was changed in the file, and waits for a restart. */
    readonly needs_restart: boolean;
    readonly changed_at: string | null;
    readonly changed_by: string | null;
  };
  'PUT /settings/{key}': {
    /** Its path in the file: `log.level`. */
    readonly key: string;
    /** Its variable: `LOG_LEVEL`. */
    readonly environment: string;
    /** As YAML has it: `30s`, `64MiB`, a list, …; null: not set. */
    readonly value: unknown;
    /** As YAML has it: `30s`, `64MiB`, a list, …; null: not set. */
    readonly default: unknown;
    /** What it may be, for people. */
    readonly type: string;
    /** What it may be: JSON Schema. */
    readonly schema: unknown;
    readonly documentation: string;
    /** Where the value comes from: `environment LOG_LEVEL`, `default`, … */
    readonly origin: string;
    /** The same in a word: flag, environment, setting, file or default. */
    readonly layer: string;
    /** A flag or the environment sets it: it can’t be changed here. */
    readonly is_locked: boolean;
    /** PUT and DELETE are possible. */
    readonly is_changeable: boolean;
    /** now: a change applies at once; next: to streams and viewers that begin from then on; restart: it is read at start. */
    readonly applies: string;
    /** It was changed in the file, and waits for a restart. */
    readonly needs_restart: boolean;
    readonly changed_at: string | null;
    readonly changed_by: string | null;
  };
  'DELETE /settings/{key}': {
    /** Its path in the file: `log.level`. */
    readonly key: string;
    /** Its variable: `LOG_LEVEL`. */
    readonly environment: string;
    /** As YAML has it: `30s`, `64MiB`, a list, …; null: not set. */
    readonly value: unknown;
    /** As YAML has it: `30s`, `64MiB`, a list, …; null: not set. */
    readonly default: unknown;
    /** What it may be, for people. */
    readonly type: string;
    /** What it may be: JSON Schema. */
    readonly schema: unknown;
    readonly documentation: string;
    /** Where the value comes from: `environment LOG_LEVEL`, `default`, … */
    readonly origin: string;
    /** The same in a word: flag, environment, setting, file or default. */
    readonly layer: string;
    /** A flag or the environment sets it: it can’t be changed here. */
    readonly is_locked: boolean;
    /** PUT and DELETE are possible. */
    readonly is_changeable: boolean;
    /** now: a change applies at once; next: to streams and viewers that begin from then on; restart: it is read at start. */
    readonly applies: string;
    /** It was changed in the file, and waits for a restart. */
    readonly needs_restart: boolean;
    readonly changed_at: string | null;
    readonly changed_by: string | null;
  };
  'POST /signed-urls': {
    readonly url: string;
    readonly expires_at: string;
  };
  'GET /streams': readonly ({
    /** Opaque, of this session alone. */
    readonly id: string;
    /** What key is: content_id or infohash. */
    readonly key_type: string;
    /** The 40 digits that the stream was first asked for. */
    readonly key: string;
    readonly container_id: string | null;
    readonly playback_session_id: string | null;
    /** acemux’s own: the newest numbers of this stream. */
    readonly stat_url: string;
    /** acemux’s own: `DELETE` ends the stream; batch-stop takes it. */
    readonly command_url: string;
    readonly is_live: boolean;
    readonly started_at: string;
    readonly ended_at: string | null;
    /** started or ended. */
    readonly status: string;
    readonly peers: number | null;
    readonly speed_down: number | null;
    readonly speed_up: number | null;
    readonly downloaded: number | null;
    readonly uploaded: number | null;
    readonly livepos: {
      readonly pos: string | null;
      readonly live_first: string | null;
      readonly live_last: string | null;
      readonly first_ts: string | null;
      readonly last_ts: string | null;
      readonly buffer_pieces: string | null;
    } | null;
    readonly infohash: string | null;
    /** starting, playing, lingering or ended. */
    readonly state: string;
    readonly client_count: number;
    readonly reason: string | null;
    readonly media_bytes_per_second: number | null;
  })[];
  'POST /streams/batch-stop': {
    readonly total: number;
    readonly success_count: number;
    readonly failure_count: number;
    readonly results: readonly ({
      readonly command_url: string;
      readonly success: boolean;
      readonly message: string;
      readonly stream_id: string | null;
    })[];
  };
  'DELETE /streams/{id}': {
    readonly message: string;
    readonly stream_id: string;
  };
  'PATCH /streams/{id}': {
    readonly stream_id: string;
    readonly settings: {
      readonly buffer_seconds: number;
      readonly buffer_size_bytes: number;
      readonly prebuffer_seconds: number;
      /** off, warm or hot. */
      readonly standby: string;
    };
  };
  'GET /streams/{id}/extended-stats': {
    /** The kind of transport file; empty if the engine does not tell. */
    readonly content_type: string;
    readonly title: string;
    readonly is_live: boolean;
    readonly mime: string;
    readonly categories: readonly (string)[];
    readonly infohash: string;
    readonly files: readonly ({
      readonly index: number;
      readonly name: string;
    })[];
  };
  'GET /streams/{id}/livepos': {
    readonly has_livepos: boolean;
    readonly is_live: boolean;
    readonly livepos?: {
      readonly pos: string | null;
      readonly live_first: string | null;
      readonly live_last: string | null;
      readonly first_ts: string | null;
      readonly last_ts: string | null;
      readonly buffer_pieces: string | null;
    };
  };
  'POST /streams/{id}/move': {
    readonly message: string;
    readonly stream_id: string;
  };
  'GET /streams/{id}/stats': readonly ({
    readonly ts: string;
    readonly peers: number;
    /** Kilobytes per second. */
    readonly speed_down: number;
    readonly speed_up: number;
    /** Bytes. */
    readonly downloaded: number;
    readonly uploaded: number;
    readonly status: string;
    readonly livepos: {
      readonly pos: string | null;
      readonly live_first: string | null;
      readonly live_last: string | null;
      readonly first_ts: string | null;
      readonly last_ts: string | null;
      readonly buffer_pieces: string | null;
    } | null;
  })[];
  'GET /vpn/publicip': {
    readonly public_ip: string;
  };
  'GET /vpn/status': {
    /** disabled, single, or redundant with several. */
    readonly mode: string;
    readonly enabled: boolean;
    readonly status: string;
    readonly container_name: string | null;
    readonly container: string | null;
    readonly health: string;
    readonly connected: boolean;
    readonly forwarded_port: number | null;
    readonly public_ip: string | null;
    readonly provider: string | null;
    readonly country: string | null;
    readonly city: string | null;
    readonly region: string | null;
    readonly last_check: string | null;
    readonly last_check_at: string | null;
    readonly vpn1: {
      readonly mode: "single";
      readonly enabled: boolean;
      /** The state of its container: running, …, not_found; unknown without Docker. */
      readonly status: string;
      readonly container_name: string | null;
      readonly container: string | null;
      /** healthy, unhealthy, starting or unknown. */
      readonly health: string;
      readonly connected: boolean;
      readonly forwarded_port: number | null;
      readonly last_check: string | null;
      readonly last_check_at: string | null;
      readonly public_ip: string | null;
      readonly provider: string | null;
      readonly country: string | null;
      readonly city: string | null;
      readonly region: string | null;
      /** unknown, ok, suspect, down, recovering or draining: see docs/vpn.md. */
      readonly state: string;
      readonly since: string;
      readonly reason: string | null;
      readonly detail: string | null;
      readonly forwarded_port_since: string | null;
      readonly tunnel: string | null;
      readonly version: string | null;
      /** Its latest changes, oldest first. */
      readonly history: readonly ({
        readonly at: string;
        readonly state: string;
        readonly reason: string | null;
        readonly public_ip: string | null;
        readonly country: string | null;
        readonly region: string | null;
        readonly forwarded_port: number | null;
      })[];
    } | null;
    readonly vpn2: {
      readonly mode: "single";
      readonly enabled: boolean;
      /** The state of its container: running, …, not_found; unknown without Docker. */
      readonly status: string;
      readonly container_name: string | null;
      readonly container: string | null;
      /** healthy, unhealthy, starting or unknown. */
      readonly health: string;
      readonly connected: boolean;
      readonly forwarded_port: number | null;
      readonly last_check: string | null;
      readonly last_check_at: string | null;
      readonly public_ip: string | null;
      readonly provider: string | null;
      readonly country: string | null;
      readonly city: string | null;
      readonly region: string | null;
      /** unknown, ok, suspect, down, recovering or draining: see docs/vpn.md. */
      readonly state: string;
      readonly since: string;
      readonly reason: string | null;
      readonly detail: string | null;
      readonly forwarded_port_since: string | null;
      readonly tunnel: string | null;
      readonly version: string | null;
      /** Its latest changes, oldest first. */
      readonly history: readonly ({
        readonly at: string;
        readonly state: string;
        readonly reason: string | null;
        readonly public_ip: string | null;
        readonly country: string | null;
        readonly region: string | null;
        readonly forwarded_port: number | null;
      })[];
    } | null;
    readonly emergency_mode: {
      /** One VPN is left of several. */
      readonly active: boolean;
      readonly failed_vpn: string | null;
      readonly healthy_vpn: string | null;
      readonly duration_seconds: number;
      readonly entered_at: string | null;
    };
    /** All of them. */
    readonly vpns: readonly ({
      readonly mode: "single";
      readonly enabled: boolean;
      /** The state of its container: running, …, not_found; unknown without Docker. */
      readonly status: string;
      readonly container_name: string | null;
      readonly container: string | null;
      /** healthy, unhealthy, starting or unknown. */
      readonly health: string;
      readonly connected: boolean;
      readonly forwarded_port: number | null;
      readonly last_check: string | null;
      readonly last_check_at: string | null;
      readonly public_ip: string | null;
      readonly provider: string | null;
      readonly country: string | null;
      readonly city: string | null;
      readonly region: string | null;
      /** unknown, ok, suspect, down, recovering or draining: see docs/vpn.md. */
      readonly state: string;
      readonly since: string;
      readonly reason: string | null;
      readonly detail: string | null;
      readonly forwarded_port_since: string | null;
      readonly tunnel: string | null;
      readonly version: string | null;
      /** Its latest changes, oldest first. */
      readonly history: readonly ({
        readonly at: string;
        readonly state: string;
        readonly reason: string | null;
        readonly public_ip: string | null;
        readonly country: string | null;
        readonly region: string | null;
        readonly forwarded_port: number | null;
      })[];
    })[];
  };
  'GET /webui/api/service': {
    readonly result: unknown;
  };
  'GET /whoami': {
    /** admin, operator, viewer, metrics; guest without a key. */
    readonly role: string;
    readonly key: {
      readonly id: string;
      readonly name: string;
    } | null;
    /** What may be done now, of open, entry, play, overview, metrics, view, operate, admin. */
    readonly may: readonly (string)[];
    /** Where acemux sees the request come from. */
    readonly address: string;
  };
}
