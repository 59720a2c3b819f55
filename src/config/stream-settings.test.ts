import assert from 'node:assert/strict';
import { test } from 'node:test';
import { loadConfig } from './load.ts';
import { streamSettingsOf } from './stream-settings.ts';

const [ONE, OTHER] = ['a'.repeat(40), 'b'.repeat(40)] as const;

function settingsOf(environment: Record<string, string>) {
  return streamSettingsOf(loadConfig({ environment }).config);
}

test('the overrides come before the lists that are about one setting each', () => {
  const settings = settingsOf({
    STANDBY_STREAMS: `${ONE}=warm,${OTHER}=warm`,
    PREBUFFER_STREAMS: `${ONE}=3`,
    TIMESHIFT_STREAMS: `${OTHER}=60`,
    STREAM_OVERRIDES: JSON.stringify({ [ONE]: { standby: 'hot', timeshift_seconds: 30 } }),
  });
  assert.deepEqual(
    [...settings.standby],
    [
      [ONE, 'hot'],
      [OTHER, 'warm'],
    ],
  );
  assert.deepEqual([...settings.prebuffer], [[ONE, 3_000]]);
  assert.deepEqual(
    [...settings.timeshift],
    [
      [OTHER, 60_000],
      [ONE, 30_000],
    ],
  );
});

test('headers of one stream are beside those for all; of the same name they count', () => {
  const settings = settingsOf({
    ENGINE_HEADERS: 'X-House: attic, X-Room: 7',
    CLIENT_HEADERS: 'X-By: acemux',
    STREAM_OVERRIDES: JSON.stringify({ [ONE]: { engine_headers: { 'x-room': '8' } } }),
  });
  assert.deepEqual(settings.engineHeaders([]), { 'X-House': 'attic', 'X-Room': '7' });
  assert.deepEqual(settings.engineHeaders([OTHER, undefined, ONE]), { 'X-House': 'attic', 'x-room': '8' });
  assert.deepEqual(settings.clientHeaders([ONE]), { 'X-By': 'acemux' });
});
