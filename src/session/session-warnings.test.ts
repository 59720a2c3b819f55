import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RecordingObserver } from '../../test/support/fake-engines.ts';
import { silentLog } from '../telemetry/log.ts';
import { Ring } from './ring.ts';
import { SessionWarnings } from './session-warnings.ts';

test('each warning is given once, and told to the observer', () => {
  const observer = new RecordingObserver();
  const warnings = new SessionWarnings(silentLog(), observer, {
    id: 'a'.repeat(40),
    keyType: 'content_id',
    isLive: true,
  });
  const ring = new Ring({ bytesMax: 1_000_000, mediaMsMax: 1_000 });
  warnings.look({ noKeyframe: false, ring });
  assert.deepEqual(warnings.given, []);
  warnings.look({ noKeyframe: true, ring });
  warnings.look({ noKeyframe: true, ring });
  assert.deepEqual(warnings.given, ['no_keyframe']);
  assert.deepEqual(observer.events, ['session warned: no_keyframe']);
});
