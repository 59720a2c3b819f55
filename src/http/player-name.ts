/** What stands in the User-Agent of players, and what people call them; the first that fits counts. */
const PLAYERS: readonly (readonly [RegExp, string])[] = [
  [/\bVLC\b|LibVLC/i, 'VLC'],
  [/\bKodi\b/i, 'Kodi'],
  [/TiviMate/i, 'TiviMate'],
  [/Jellyfin/i, 'Jellyfin'],
  [/Plex/i, 'Plex'],
  [/Emby/i, 'Emby'],
  [/\bmpv\b/i, 'mpv'],
  [/IPTV ?Smarters/i, 'IPTV Smarters'],
  [/OTT ?Navigator/i, 'OTT Navigator'],
  [/Threadfin|xTeVe/i, 'Threadfin'],
  [/tvheadend|TVH/i, 'Tvheadend'],
  [/ExoPlayer|AndroidXMedia3/i, 'ExoPlayer'],
  [/AppleCoreMedia/i, 'Apple'],
  [/\bLavf\//i, 'ffmpeg'],
  [/GStreamer|souphttpsrc/i, 'GStreamer'],
  [/Edg\//, 'Edge'],
  [/Firefox\//, 'Firefox'],
  [/Chrome\//, 'Chrome'],
  [/Safari\//, 'Safari'],
  [/\bcurl\//i, 'curl'],
  [/\bWget\b/i, 'Wget'],
];

/** The player's name by its User-Agent; undefined if it is none that is known. */
export function playerOf(userAgent: string | undefined): string | undefined {
  if (userAgent === undefined) return undefined;
  return PLAYERS.find(([pattern]) => pattern.test(userAgent))?.[1];
}
