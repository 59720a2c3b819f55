/** Why the fleet does not grow, and how engines end. Rows of the table of reasons. */
export const FLEET_REASONS = {
  engine_creation_paused: {
    status: 503,
    retryAfterSeconds: 30,
    what: 'New engines failed again and again, so acemux pauses before it tries the next one.',
    todo: 'The log and the detail say why they failed. Mend that; `POST /health/circuit-breaker/reset` ends the pause.',
  },
  engine_occupied: {
    status: 503,
    retryAfterSeconds: 60,
    what: 'The engine may still play this stream for a process before this one, and does not say that it has stopped.',
    todo: 'Wait: it ends what nobody reads after a minute. With another engine, that one is asked.',
  },
  host_memory: {
    status: 503,
    retryAfterSeconds: 30,
    what: 'The host has so little memory left that no engine is started (HOST_MEMORY_RESERVE).',
    todo: 'Free some, give engines a lower ENGINE_MEMORY_LIMIT, or lower MAX_REPLICAS.',
  },
  provider_unreachable: {
    status: 503,
    retryAfterSeconds: 10,
    what: 'What makes the engines does not answer: none can be started or removed, those that run go on.',
    todo: 'The log says why; acemux goes on by itself when it answers again.',
  },
  engine_exited: {
    what: 'The engine ended by itself.',
    todo: 'The event has its exit code and its last lines. Frequent exits are often wrong flags or too little memory.',
  },
  engine_out_of_memory: {
    what: 'The engine was ended because it needed more memory than it may have.',
    todo: 'Raise ENGINE_MEMORY_LIMIT, or make the engine’s memory caches smaller.',
  },
  engine_not_ready: {
    what: 'The new engine did not answer within STARTUP_TIMEOUT_S.',
    todo: 'Look at the engine’s log; raise STARTUP_TIMEOUT_S where machines are slow.',
  },
  engine_unknown: {
    status: 404,
    what: 'There is no engine with this id now.',
    todo: 'See /engines for those that there are.',
  },
  max_replicas: {
    status: 409,
    what: 'There are as many engines as there may be (MAX_REPLICAS, or the maximum of the provider).',
    todo: 'Raise MAX_REPLICAS, or remove an engine first.',
  },
};
