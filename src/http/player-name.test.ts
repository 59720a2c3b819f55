import assert from 'node:assert/strict';
import { test } from 'node:test';
import { playerOf } from './player-name.ts';

test('players are known by their User-Agent', () => {
  const known: readonly (readonly [string, string | undefined])[] = [
    ['VLC/3.0.21 LibVLC/3.0.21', 'VLC'],
    ['Kodi/21.0 (Linux; Android 12) App_Bitness/64', 'Kodi'],
    ['Lavf/61.7.100', 'ffmpeg'],
    ['mpv 0.39.0', 'mpv'],
    [
      'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36',
      'Chrome',
    ],
    [
      'Mozilla/5.0 (Macintosh) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1 Safari/605.1.15',
      'Safari',
    ],
    ['something of my own', undefined],
    ['', undefined],
  ];
  for (const [userAgent, name] of known) assert.equal(playerOf(userAgent), name, userAgent);
  assert.equal(playerOf(undefined), undefined);
});
