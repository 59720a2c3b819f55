/** What happens to engines, to the fleet and to its VPNs: rows of the table of events. */
export const FLEET_EVENTS = {
  // ── engines ───────────────────────────────────────────────────────────────────────────────────────────────
  'engine.appeared': {
    severity: 'info',
    what: 'A provider has an engine that the fleet did not have.',
    details: { name: 'text', provider: 'text', is_back: 'flag' },
    hasOwnLogLine: true,
  },
  'engine.gone': {
    severity: 'info',
    what: 'A provider does not have an engine any longer; where it ended by itself, with how.',
    details: {
      streams: 'number',
      reason: 'text?',
      todo: 'text?',
      exit_code: 'number?',
      ran_seconds: 'number?',
      log_tail: 'texts?',
    },
    hasOwnLogLine: true,
  },
  'engine.draining': {
    severity: 'info',
    what: 'An engine gets no new streams, and those that it has move to others.',
    details: { streams: 'number', why: 'text' },
    hasOwnLogLine: true,
  },
  'engine.undrained': {
    severity: 'info',
    what: 'An engine that was drained is in use again.',
    details: {},
    hasOwnLogLine: true,
  },
  'engine.drained': {
    severity: 'info',
    what: 'The last stream has left an engine that is drained.',
    details: { why: 'text' },
    hasOwnLogLine: true,
  },
  'engine.creating': {
    severity: 'info',
    what: 'An engine is being created.',
    details: { pool: 'text', why: 'text', vpn: 'text?' },
    hasOwnLogLine: true,
  },
  'engine.created': {
    severity: 'info',
    what: 'An engine has been created; it has yet to become ready.',
    details: { pool: 'text', why: 'text', took_seconds: 'number' },
    hasOwnLogLine: true,
  },
  'engine.create_failed': {
    severity: 'warning',
    what: 'An engine could not be created.',
    details: { pool: 'text', why: 'text', reason: 'text', detail: 'text', todo: 'text' },
    hasOwnLogLine: true,
  },
  'engine.removed': {
    severity: 'info',
    what: 'An engine was removed.',
    details: { pool: 'text', why: 'text' },
    hasOwnLogLine: true,
  },
  'engine.remove_failed': {
    severity: 'warning',
    what: 'An engine could not be removed; it is tried again.',
    details: { pool: 'text', why: 'text', reason: 'text', detail: 'text' },
    hasOwnLogLine: true,
  },
  'engine.left_alone': {
    severity: 'warning',
    what: 'A container looks like an engine of this acemux and is none: it is neither used nor removed.',
    details: { pool: 'text', container: 'text', reason: 'text', detail: 'text', todo: 'text' },
    hasOwnLogLine: true,
  },
  'engine.image': {
    severity: 'info',
    what: 'How far a provider is with the image that engines are made of.',
    details: { pool: 'text', image: 'text', state: 'text', percent: 'number?', detail: 'text?' },
  },
  'health.failed': {
    severity: 'warning',
    what: 'An engine is unhealthy: it gets no streams until it answers as it should.',
    details: { from: 'text', reason: 'text?', detail: 'text?' },
    hasOwnLogLine: true,
  },
  'health.recovered': {
    severity: 'info',
    what: 'An engine answers as it should, and may be given streams.',
    details: { from: 'text' },
    hasOwnLogLine: true,
  },

  'health.degraded': {
    severity: 'warning',
    what: 'An engine can be used, and is taken last: it misses probes, is held to be the cause of failures, or can’t be asked about.',
    details: { from: 'text', detail: 'text?' },
    hasOwnLogLine: true,
  },

  // ── the fleet ─────────────────────────────────────────────────────────────────────────────────────────────
  'fleet.blocked': {
    severity: 'warning',
    what: 'No engine can be created, for this reason.',
    details: { reason: 'text', detail: 'text', todo: 'text', eta_seconds: 'number?' },
    hasOwnLogLine: true,
  },
  'fleet.unblocked': {
    severity: 'info',
    what: 'Engines can be created again.',
    details: {},
  },

  // ── VPNs ──────────────────────────────────────────────────────────────────────────────────────────────────
  'vpn.connected': {
    severity: 'info',
    what: 'A VPN is shown to be up: engines behind it get streams, and new ones are put behind it.',
    details: { vpn: 'text', from: 'text', to: 'text', reason: 'text?', detail: 'text?' },
    hasOwnLogLine: true,
  },
  'vpn.disconnected': {
    severity: 'error',
    what: 'A VPN is down: streams of the engines behind it move to others.',
    details: { vpn: 'text', from: 'text', to: 'text', reason: 'text?', detail: 'text?' },
    hasOwnLogLine: true,
  },
  'vpn.state_changed': {
    severity: 'info',
    what: 'A VPN is suspected, recovers, or is taken out of use: engines behind it get streams only where there are no others.',
    details: { vpn: 'text', from: 'text', to: 'text', reason: 'text?', detail: 'text?' },
    hasOwnLogLine: true,
  },
  'vpn.control_failed': {
    severity: 'warning',
    what: 'The control server of a VPN does not tell what it is asked, as one that wants a password: the VPN is judged by its engines and its container alone.',
    details: { vpn: 'text', reason: 'text', detail: 'text', todo: 'text' },
    hasOwnLogLine: true,
  },
  'vpn.control_answers': {
    severity: 'info',
    what: 'The control server of a VPN tells again what it is asked.',
    details: { vpn: 'text' },
    hasOwnLogLine: true,
  },
  'vpn.port_changed': {
    severity: 'info',
    what: 'The port that a VPN forwards is another one, and has been stable: an engine with it takes the place of the one before.',
    details: { vpn: 'text', from: 'number?', to: 'number?' },
    hasOwnLogLine: true,
  },
  'vpn.address_changed': {
    severity: 'info',
    what: 'The public address of a VPN is another one.',
    details: { vpn: 'text', from: 'text?', to: 'text', country: 'text?' },
    hasOwnLogLine: true,
  },
  'vpn.restarted': {
    severity: 'warning',
    what: 'The container of a VPN was restarted or made anew: engines behind it from before have no network.',
    details: { vpn: 'text', container: 'text', is_new: 'flag' },
    hasOwnLogLine: true,
  },
  'vpn.restart_tried': {
    severity: 'warning',
    what: 'A VPN was down for long, and acemux has tried to restart it, as VPN_MANAGE says.',
    details: { vpn: 'text', what: 'text', problem: 'text?' },
    hasOwnLogLine: true,
  },
  'vpn.engine_cut_off': {
    severity: 'warning',
    what: 'An engine has no network while its VPN is well, mostly because that was restarted: the engine needs a restart, too.',
    details: { vpn: 'text', command: 'text', is_restarted: 'flag' },
    hasOwnLogLine: true,
  },
} as const;
