/** Everything that the doctor looks at: what acemux assumes of engines, and how sure that was (reference 2 to 6, 9, 12). */
import type { Result } from '../recording/format.ts';

export type Grade = Result['grade'];
/** What a check needs beside the engine. */
export type Needs = 'engine' | 'content' | 'second' | 'long';

export interface CheckSpec {
  readonly title: string;
  readonly needs: Needs;
  readonly assumed: string;
  readonly grade: Grade;
}

const check = (needs: Needs, title: string, assumed: string, grade: Grade): CheckSpec => ({
  title,
  needs,
  assumed,
  grade,
});

export const CHECKS = {
  version: check('engine', 'get_version', 'answered without a token: version, code, platform', 'M'),
  serverHeader: check('engine', 'Server header', 'BaseHTTP/… Python/…, or none', 'U'),
  jsonSpacing: check('engine', 'JSON spacing', 'as Python writes it: "error": null', 'C'),
  jsonHeaders: check('engine', 'headers of a JSON reply', 'Content-Type and Content-Length', 'C'),
  keepAlive: check('engine', 'connection after a reply', 'left open by the engine', 'M'),
  oddHost: check('engine', 'a Host that is not its own', 'answered, or refused with 500', 'U'),
  status: check('engine', 'get_status', 'answered', 'C'),
  network: check('engine', 'get_network_connection_status', 'connected: true', 'C'),
  otherServiceMethods: check(
    'engine',
    'unlisted methods of /webui/api/service',
    'answered (3.2.3 and older) or access denied (3.2.11)',
    'C',
  ),
  oldVersionCall: check('engine', '/server/api get_version without api_version', 'access denied', 'M'),
  unknownMethod: check('engine', '/server/api, an unknown method', 'unknown method', 'M'),
  noSelector: check('engine', 'getstream that names nothing', 'HTTP 500', 'M'),
  noSelectorJson: check('engine', 'the same with format=json', 'not known', 'U'),
  unknownId: check('engine', 'an unknown id', '200, failed to load content, after 4.6 s', 'M'),
  unknownInfohash: check('engine', 'an unknown infohash', '200, failed to load content, after 28 s', 'M'),
  unknownFiles: check(
    'engine',
    'get_media_files of an unknown id',
    'cannot get transport file, after 4.7 s',
    'M',
  ),
  telnet: check('engine', 'telnet port', 'open', 'C'),

  mediaFiles: check('content', 'get_media_files', 'answered without a token; full mode tells more', 'M'),
  plM3u: check('content', '/pl.m3u', 'HTTP 500; a list on AceServe builds', 'M'),
  startReply: check('content', 'start with format=json', 'the fields of the vendor, numbers as numbers', 'M'),
  startAddresses: check('content', 'addresses in its reply', 'absolute, with the Host that was sent', 'M'),
  startTokens: check('content', 'token and playback session id', '32 and 40 hex digits, unrelated', 'D'),
  firstStat: check('content', 'first stat', 'empty (3.1.74) or full', 'M'),
  statusPath: check('content', 'status from start to media', 'idle → prebuf → dl within 10 s', 'M'),
  redirect: check('content', '302 of the playback URL', 'neither Content-Length nor Connection', 'M'),
  redirectBody: check(
    'content',
    'the end of its body',
    'the connection is closed, or it hangs (3.1.74)',
    'M',
  ),
  headersWait: check('content', 'media headers while prebuffering', 'withheld', 'M'),
  mediaHeaders: check('content', 'headers of the media', 'video/mp2t, no Content-Length', 'U'),
  firstByte: check('content', 'first media byte', 'within 30 s of the start', 'M'),
  alignment: check('content', 'the first bytes', '0x47, whole packets from there', 'M'),
  burst: check('content', 'burst and pace', 'a burst (22 MB in 12 s seen), then real time', 'M'),
  livepos: check('content', 'values of livepos', 'text', 'D'),
  downloaded: check('content', 'steps of downloaded', 'multiples of 16 KiB', 'M'),
  secondReader: check('content', 'second reader of one address', 'a corrupt reply: two status lines', 'M'),
  firstReader: check('content', 'the first reader then', 'reads on', 'U'),
  reconnect: check('content', 'reader leaves and comes back', 'plays again', 'U'),
  stopReply: check('content', 'stop', '"ok" at once', 'M'),
  stoppedReader: check('content', 'what a reader sees at a stop', 'end, reset or silence', 'U'),
  unknownSession: check('content', 'stat after the stop', '200, unknown playback session id', 'C'),
  secondSession: check(
    'content',
    'second session, other pid',
    'replaces the first (3.2.3) or shares with it (3.2.11)',
    'M',
  ),
  supersededReader: check('content', 'the reader of the first then', 'cut, frozen, or reads on', 'U'),
  stopOfSecond: check('content', 'stop of the second of two', 'ends the first, too (3.2.11)', 'M'),
  stopOfFirst: check('content', 'stop of the first of two', 'ends the second, too, where they share', 'U'),
  withoutPid: check('content', 'two starts without a pid', 'one playback', 'M'),
  forceRestart: check('content', 'same pid with force_session_restart=1', 'not known', 'U'),
  stopPrevReadThread: check(
    'content',
    'second reader, stop_prev_read_thread=1',
    'reads; the first is cut',
    'C',
  ),
  allowMultipleThreads: check('content', 'second reader, allow_multiple_threads_reading=1', 'not known', 'U'),
  infohashAsId: check(
    'content',
    'a loaded infohash given as id',
    'failed to load content, or taken for a while',
    'M',
  ),
  hlsPlaylist: check('content', 'first playlist', 'waits, or 404/5xx until there are segments', 'C'),
  hlsHeaders: check('content', 'headers of playlist and segment', 'not known', 'U'),
  hlsNumbers: check('content', 'first number of its segments', '0', 'M'),
  hlsStopped: check('content', 'playlist after the stop', 'HTTP 500', 'M'),
  fileRange: check('content', 'Range on a recording', '206 with Content-Range', 'C'),
  fileReaders: check('content', 'two readers of a recording', 'not known', 'U'),

  idleExpiry: check('long', 'a session nobody reads ends after', '60 s', 'U'),
  statProlongs: check('long', 'polling stat keeps it alive', 'yes', 'C'),
  eventPoll: check('long', 'event poll with nothing to tell', 'not known', 'U'),

  sameBytes: check('second', 'bytes of two engines', "the broadcaster's packets on both", 'U'),
  lag: check('second', 'lag between them', 'some seconds, steady', 'U'),
} as const satisfies Readonly<Record<string, CheckSpec>>;

export type CheckId = keyof typeof CHECKS;

export const CHECK_IDS: readonly CheckId[] = Object.keys(CHECKS).filter(isCheckId);

function isCheckId(name: string): name is CheckId {
  return Object.hasOwn(CHECKS, name);
}
