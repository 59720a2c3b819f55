const ENGINE_FLAGS = 'flags of engines are set by ENGINE_FLAGS.';
const BY_URL = 'whether a viewer gets MPEG-TS or HLS is decided by the URL that it asks for.';
const ONE_PORT = 'everything is served on PORT.';
const HTTP_API = 'engines are started by their HTTP API.';
const OWN_VPN =
  'acemux makes no VPNs; run Gluetun and name it in GLUETUN_CONTAINER_NAME or in vpn.list (docs/vpn.md).';

/**
 * Variables of acexy and of the orchestrator that people bring along and that acemux does not need or does not
 * have yet: why each has no effect. They are warnings, so that nobody wonders in silence.
 */
export const FOREIGN_VARIABLES: Readonly<Record<string, string | undefined>> = {
  ACEXY_SCHEME: 'engines are spoken to by plain http, the only scheme that they have.',
  ACEXY_M3U8: BY_URL,
  ACEXY_M3U8_STREAM_TIMEOUT: BY_URL,
  ACEXY_BUFFER_SIZE: 'acemux sends at once; STREAM_BUFFER_SIZE is the memory of one stream.',
  ACEXY_EMPTY_TIMEOUT: 'EMPTY_STREAM_TIMEOUT is the time to the first byte of media.',
  ACEXY_NO_RESPONSE_TIMEOUT: 'EMPTY_STREAM_TIMEOUT is the time to the first byte of media.',
  ACEXY_EMPTY_RETRY_COUNT: 'a start tries up to three engines; a stream that plays ends with its engine.',
  ACESTREAM_STREAMS_PER_INSTANCE: 'MAX_STREAMS_PER_ENGINE is the most that one engine plays.',
  ACESTREAM_IDLE_TIMEOUT: 'ENGINE_GRACE_PERIOD_S is how long an engine without a stream is kept.',
  ACE_HTTP_RANGE: 'engines have the same port inside and outside, of PORT_RANGE_HOST.',
  ENGINE_MAX_DOWNLOAD_RATE: ENGINE_FLAGS,
  ENGINE_MAX_UPLOAD_RATE: ENGINE_FLAGS,
  ENGINE_LIVE_CACHE_TYPE: ENGINE_FLAGS,
  ENGINE_LIVE_BUFFER: ENGINE_FLAGS,
  IDLE_TTL_S: 'ENGINE_GRACE_PERIOD_S is how long an engine without a stream is kept.',
  MONITOR_INTERVAL_S: 'providers tell of changes; ENGINE_CACHE_TTL is for those that do not.',
  CIRCUIT_BREAKER_REPLACEMENT_THRESHOLD:
    'there is one breaker for each cause: CIRCUIT_BREAKER_FAILURE_THRESHOLD.',
  CIRCUIT_BREAKER_REPLACEMENT_TIMEOUT_S:
    'there is one breaker for each cause: CIRCUIT_BREAKER_RECOVERY_TIMEOUT_S.',
  ORCHESTRATOR_LISTEN_ADDR: ONE_PORT,
  STREAM_MODE: BY_URL,
  CONTROL_MODE: HTTP_API,
  CHANNEL_SHUTDOWN_DELAY_S: 'STREAM_IDLE_TIMEOUT is how long a stream without viewers is kept.',
  PROXY_PREBUFFER_SECONDS: 'PREBUFFER_SECONDS is how far behind the live edge a viewer starts.',
  MAX_MEMORY_MB: 'STREAM_BUFFER_SIZE is the memory of one stream.',
  VPN_ENABLED: OWN_VPN,
  VPN_IMAGE: OWN_VPN,
  VPN_PROVIDER: OWN_VPN,
  VPN_PROTOCOL: OWN_VPN,
  VPN_REGIONS: OWN_VPN,
};
