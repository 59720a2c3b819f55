import { ACCESS_REASONS } from './access-reasons.ts';
import { DOCKER_REASONS } from './docker-reasons.ts';
import { FLEET_REASONS } from './fleet-reasons.ts';
import { LIMIT_REASONS } from './limit-reasons.ts';
import { REQUEST_REASONS } from './request-reasons.ts';
import { STORE_REASONS } from './store-reasons.ts';
import { TIMESHIFT_REASONS } from './timeshift-reasons.ts';
import { VPN_REASONS } from './vpn-reasons.ts';

/**
 * Every way in which acemux refuses, gives up or ends something: one word, used in the reply, the log, the
 * event, the metric and the page docs/reasons.md (a test compares that page with this table, both ways).
 */
export interface Reason {
  /** HTTP status when it answers a request; absent where it only ends something that was already under way. */
  readonly status?: number;
  /** Seconds for `Retry-After`; present exactly where trying again may help. */
  readonly retryAfterSeconds?: number;
  /** What happened, one sentence for people. */
  readonly what: string;
  /** What the person who sees it can do about it. */
  readonly todo: string;
}

export const REASON_TABLE = {
  ...REQUEST_REASONS,
  ...LIMIT_REASONS,
  ...ACCESS_REASONS,

  // ── the content ───────────────────────────────────────────────────────────────────────────────────────
  content_unknown: {
    status: 404,
    what: 'The engine cannot load this content: the id is unknown to it.',
    todo: 'Check the id; the broadcast may have ended or moved.',
  },
  content_scrambled: {
    status: 422,
    what: 'The broadcast is scrambled and the engine does not descramble it.',
    todo: 'Nothing can be done here; choose another source of the channel.',
  },
  paid_option_missing: {
    status: 422,
    what: 'The engine asks for a paid option to play this content.',
    todo: 'Give the engine an account that has the option.',
  },
  foreign_redirect: {
    status: 422,
    what: 'The engine points at an address outside itself instead of playing.',
    todo: 'acemux calls configured engines only; play that origin directly if you trust it.',
  },
  not_mpegts: {
    status: 422,
    what: 'What the engine delivers is not MPEG-TS.',
    todo: 'Nothing can be done here: the engine takes the content for a live stream, and what it sends is none.',
  },
  hls_unsupported: {
    status: 422,
    what: 'The engine offers this broadcast as HLS of a kind that acemux does not put together.',
    todo: 'With INGEST=hls, try `auto`. Else play it from an engine directly, or choose another source of the channel.',
  },
  vod_not_yet: {
    status: 422,
    what: 'This is recorded video, which is not served in this form yet.',
    todo: 'Play it from `/ace/getstream`, which serves it as a file.',
  },
  file_unknown: {
    status: 404,
    what: 'The recording has no file with this number.',
    todo: 'Ask `/ace/getstream` without `_idx` for the list of its files.',
  },
  range_unsatisfiable: {
    status: 416,
    what: 'The file is shorter than that: it has no bytes in the range.',
    todo: 'The reply’s `Content-Range` tells the length of the file.',
  },
  recording_changed: {
    what: 'Another engine has this file with another length, so it cannot go on where the first one stopped.',
    todo: 'Play it again.',
  },

  // ── the engine ────────────────────────────────────────────────────────────────────────────────────────
  engine_unreachable: {
    status: 503,
    retryAfterSeconds: 5,
    what: 'The engine does not accept connections.',
    todo: 'Check that it runs and that host and port are right.',
  },
  engine_busy: {
    status: 503,
    retryAfterSeconds: 5,
    what: 'The engine answered that it is not able to serve now.',
    todo: 'Wait, or add an engine.',
  },
  engine_broken: {
    status: 502,
    retryAfterSeconds: 5,
    what: 'The engine answered with an error of its own.',
    todo: 'Look into the log of the engine; restart it if it persists.',
  },
  engine_protocol: {
    status: 502,
    retryAfterSeconds: 5,
    what: 'The engine answered with something that is not its protocol.',
    todo: 'Check that the address is an AceStream engine and its version is supported.',
  },
  engine_closed: {
    status: 502,
    retryAfterSeconds: 5,
    what: 'The engine closed the connection before any media came.',
    todo: 'Try again; look into the log of the engine if it persists.',
  },
  engine_refuses_call: {
    status: 502,
    what: 'The engine does not answer this kind of question.',
    todo: 'Nothing: engines differ in what they offer. Ask through an acemux with another version of the engine.',
  },
  engine_timeout: {
    status: 504,
    retryAfterSeconds: 10,
    what: 'The engine did not answer in time.',
    todo: 'Try again; restart the engine if it persists.',
  },
  zero_peers: {
    status: 504,
    retryAfterSeconds: 30,
    what: 'The engine found nobody who has this broadcast.',
    todo: 'The broadcast is probably off air; try later.',
  },
  no_media: {
    status: 504,
    retryAfterSeconds: 10,
    what: 'The engine delivered no playable media in time.',
    todo: 'Try again; the broadcast may be off air or the swarm too weak.',
  },
  playback_unknown: {
    status: 502,
    retryAfterSeconds: 5,
    what: 'The engine no longer knows the playback: it was stopped, superseded or expired.',
    todo: 'Let nobody else use the engines that acemux uses.',
  },

  // ── the fleet and the house ───────────────────────────────────────────────────────────────────────────
  no_engines_configured: {
    status: 503,
    what: 'acemux has no engine to play from.',
    todo: 'Set ENGINES=host:port (or --engine host:port), or start with --demo to try it without one.',
  },
  no_engine_available: {
    status: 503,
    retryAfterSeconds: 5,
    what: 'No engine is healthy.',
    todo: 'Check that the engines run and are reachable from here; /health/ready tells more.',
  },
  no_capacity: {
    status: 503,
    retryAfterSeconds: 10,
    what: 'Every engine plays as many streams as it may.',
    todo: 'Add an engine, or raise MAX_STREAMS_PER_ENGINE.',
  },
  memory: {
    status: 503,
    retryAfterSeconds: 10,
    what: 'The streams that play need all the memory that buffers may take.',
    todo: 'Raise BUFFER_MEMORY_MAX if the machine has more memory; else wait until a stream has ended.',
  },
  too_many_leases: {
    status: 503,
    retryAfterSeconds: 10,
    what: 'There are as many playbacks opened with `format=json` as there may be.',
    todo: 'Stop those that are not needed with `method=stop`.',
  },
  overloaded: {
    status: 503,
    retryAfterSeconds: 5,
    what: 'acemux is doing as much of this as it may at once.',
    todo: 'Wait a moment; if it persists, find out who asks so much.',
  },
  too_many_connections: {
    status: 503,
    retryAfterSeconds: 5,
    what: 'acemux has as many connections as it may, or this address has.',
    todo: 'Close some; more are possible where the process may open more files (ulimit -n).',
  },
  starting: {
    status: 503,
    retryAfterSeconds: 2,
    what: 'acemux is starting.',
    todo: 'Wait a moment.',
  },
  draining: {
    status: 503,
    retryAfterSeconds: 10,
    what: 'acemux is shutting down.',
    todo: 'Try again when it is back.',
  },
  internal: {
    status: 500,
    what: 'acemux made a mistake.',
    todo: 'The log has the details; please report it.',
  },

  // ── why something that ran has ended ──────────────────────────────────────────────────────────────────
  client_left: {
    what: 'The client closed its connection.',
    todo: 'Nothing: this is how viewers leave.',
  },
  delivered: {
    what: 'The client has all that it asked for of a recorded file.',
    todo: 'Nothing: this is how requests for files end.',
  },
  client_stalled: {
    what: 'The client accepted no byte for CLIENT_TIMEOUT.',
    todo: 'Look at the network between acemux and the player, or raise CLIENT_TIMEOUT.',
  },
  client_vanished: {
    what: 'The client is gone without a word: for 20 s nothing that it was sent was acknowledged.',
    todo: 'Look at the network between acemux and the player, or at the player: its machine may have lost power or its line.',
  },
  client_too_slow: {
    what: 'The client fell further behind than the ring reaches back.',
    todo: 'The line to the player is slower than the stream: use a better line or a smaller stream.',
  },
  client_silent: {
    what: 'An HLS player has not asked for its playlist for three target durations, and not for CLIENT_TIMEOUT.',
    todo: 'Nothing: this is how HLS viewers leave. One that asks again is let in again.',
  },
  client_pipelined: {
    what: 'The client sent another request on a connection that was playing a stream.',
    todo: 'Use one connection for each stream; acemux answers with `Connection: close`.',
  },
  lease_stopped: {
    what: 'The program that had opened the playback with `format=json` stopped it.',
    todo: 'Nothing: this is how such programs leave.',
  },
  lease_unread: {
    what: 'Nobody read the playback that a program had opened with `format=json` for 60 seconds.',
    todo: 'Nothing: programs that crash leave like this. Open the playback URL within a minute.',
  },
  reader_replaced: {
    what: 'The same playback URL was opened a third time, and only the two newest connections are kept.',
    todo: 'Open one playback with `format=json` for each player, or play `/ace/getstream` directly.',
  },
  no_keyframe: {
    what: 'The stream had no random access point for 10 s; viewers start at any picture.',
    todo: 'Nothing can be done here: the picture is broken for a moment after each join.',
  },
  buffer_cut: {
    what: 'STREAM_BUFFER_SIZE does not hold STREAM_BUFFER_SECONDS of this stream.',
    todo: 'Raise STREAM_BUFFER_SIZE, or accept that slow viewers are given up sooner.',
  },
  buffer_shrunk: {
    what: 'All buffers together reached BUFFER_MEMORY_MAX, so this stream keeps less than STREAM_BUFFER_SECONDS.',
    todo: 'Raise BUFFER_MEMORY_MAX if the machine has more memory, or lower STREAM_BUFFER_SECONDS.',
  },
  playback_contested: {
    what: 'Three times within five minutes an engine had lost its playback of this stream, which nobody here had stopped.',
    todo: 'Probably another program, or a second acemux, plays the same stream from the same engine: give each its own engines.',
  },
  source_ended: {
    status: 502,
    retryAfterSeconds: 5,
    what: 'The engine ended the stream while it was playing.',
    todo: 'Play again; look into the log of the engine if it persists.',
  },
  source_failed: {
    status: 502,
    retryAfterSeconds: 5,
    what: 'The connection to the engine broke while the stream was playing.',
    todo: 'Play again; look into the log of the engine if it persists.',
  },
  idle: {
    what: 'Nobody watched the session for STREAM_IDLE_TIMEOUT.',
    todo: 'Nothing: this is how sessions end.',
  },
  abandoned: {
    status: 503,
    retryAfterSeconds: 2,
    what: 'Everybody left before the stream had started.',
    todo: 'Nothing: the start was finished in the background and stopped.',
  },
  source_silent: {
    what: 'The engine delivered nothing any more.',
    todo: 'Nothing: another engine was asked. If it is frequent, add engines, or look at their network.',
  },
  source_stuck: {
    what: 'The engine delivered bytes, but no new media: it repeats itself, or sends stuffing.',
    todo: 'Nothing: another engine was asked.',
  },
  source_slow: {
    what: 'The engine delivered the stream more slowly than it plays.',
    todo: 'Nothing: another engine was asked. If it is frequent, the engine has too few peers or too many streams.',
  },
  source_damaged: {
    what: 'The engine delivered the stream with many gaps.',
    todo: 'Nothing: another engine was asked. If it is frequent, look at the network of the engine.',
  },
  source_behind: {
    what: 'The engine was too far behind what viewers had seen already.',
    todo: 'Nothing: another engine was asked.',
  },
  outrun: {
    what: 'Another engine that was asked for the same stream was quicker, or another stream needed the place.',
    todo: 'Nothing: when a start is slow, a second engine is asked (HEDGE_AFTER).',
  },
  source_replaced: {
    what: 'Another engine took the stream over.',
    todo: 'Nothing: this is how streams move.',
  },
  engine_leaving: {
    what: 'The engine is being drained, or is not healthy any more; its streams move to others.',
    todo: 'Nothing: viewers stay connected.',
  },
  retry_budget_spent: {
    status: 503,
    retryAfterSeconds: 60,
    what: 'No engine could go on with the stream for as long as viewers are held (RETRY_BUDGET).',
    todo: 'Try again in a minute; if others play, the broadcast itself may have ended.',
  },
  merged: {
    what: 'The name means a broadcast that another session plays already; its viewers were sent there.',
    todo: 'Nothing: one broadcast has one engine session.',
  },
  superseded: {
    status: 503,
    retryAfterSeconds: 2,
    what: 'A newer playback of the same broadcast on the same engine has taken its place.',
    todo: 'Nothing, if it is rare. If it happens again and again, another program uses the same engine: give it its own.',
  },
  infohash_in_use: {
    status: 503,
    retryAfterSeconds: 10,
    what: 'The engine plays this broadcast with other parameters, and can play it only once.',
    todo: 'Add an engine, or play it with the same parameters.',
  },
  moved_by_operator: {
    what: 'Somebody with the admin key wants the stream on another engine.',
    todo: 'Nothing: viewers stay connected.',
  },
  stopped_by_operator: {
    what: 'Somebody with the admin key ended the stream.',
    todo: 'Play again if it is wanted after all.',
  },
  shutdown: {
    what: 'acemux stopped.',
    todo: 'Play again when it is back.',
  },

  ...FLEET_REASONS,
  ...TIMESHIFT_REASONS,

  // ── what is stored ────────────────────────────────────────────────────────────────────────────────────
  ...STORE_REASONS,
  ...DOCKER_REASONS,

  ...VPN_REASONS,

  // ── start of the process ──────────────────────────────────────────────────────────────────────────────
  config_invalid: {
    what: 'The configuration has errors.',
    todo: 'Mend the keys that the message names; `acemux config` shows what is in force.',
  },
  port_taken: {
    what: 'The address that acemux should listen on is taken.',
    todo: 'Set PORT (or --port) to a free one; Gluetun’s control server uses 8000 too.',
  },
  recording_invalid: {
    what: 'The file is no recording of an engine that this acemux can read.',
    todo: 'Use a file that `acemux doctor` of this version or an older one wrote, with its media beside it.',
  },
  provider_fixed: {
    status: 409,
    what: 'This provider cannot start or remove engines.',
    todo: 'Change its list of engines in the configuration.',
  },
} as const satisfies Record<string, Reason>;
