import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { RECORDING_FORMAT, RECORDING_VERSION, type Recording } from './format.ts';
import { loadRecording, mediaFileOf, parseRecording, writeRecording } from './recording-file.ts';

const RECORDING: Recording = {
  format: RECORDING_FORMAT,
  version: RECORDING_VERSION,
  acemux: '0.1.0',
  day: '2026-01-31',
  seconds: 12.5,
  facts: { secondSession: 'share', delays: { replyMs: 20 }, headers: { json: [['Server', 'x']] } },
  results: [],
  exchanges: [],
};

function folder(t: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), 'acemux-recording-'));
  t.after(() => rmSync(path, { recursive: true }));
  return path;
}

test('what is written is read again, with the media beside it or without', (t) => {
  const place = folder(t);
  const plain = join(place, 'plain.json');
  writeRecording(plain, RECORDING, undefined);
  assert.deepEqual(loadRecording(plain), { recording: RECORDING, media: undefined });

  const file = join(place, 'with.json');
  assert.equal(mediaFileOf(file), join(place, 'with.ts'));
  const recording = {
    ...RECORDING,
    media: { file: 'with.ts', fileBytes: 3, chunks: [[0, 3]] satisfies [[number, number]] },
  };
  writeRecording(file, recording, Buffer.from('abc'));
  assert.deepEqual(loadRecording(file), { recording, media: Buffer.from('abc') });
});

test('a file that is there already is not written over', (t) => {
  const place = folder(t);
  const file = join(place, 'a.json');
  writeFileSync(file, 'mine');
  assert.throws(() => writeRecording(file, RECORDING, Buffer.from('x')), { code: 'EEXIST' });
  assert.deepEqual(readdirSync(place), ['a.json']);
});

test('a wrong file is refused, with what is wrong with it', () => {
  const refused = (value: unknown, message: RegExp): void => {
    const text = typeof value === 'string' ? value : JSON.stringify(value);
    assert.throws(() => parseRecording(text, 'x.json'), { code: 'recording_invalid', message });
  };
  refused('{', /^x\.json: it is not JSON/);
  refused(null, /not a recording of acemux doctor/);
  refused({ ...RECORDING, format: 'har' }, /not a recording of acemux doctor/);
  refused(
    { ...RECORDING, version: RECORDING_VERSION + 1 },
    /has version 2, this acemux reads 1: use a newer acemux/,
  );
  refused({ ...RECORDING, version: 0 }, /at \/version it /);
  refused({ ...RECORDING, facts: { secondSession: 'explodes' } }, /at \/facts\/secondSession it /);
  refused({ ...RECORDING, facts: { delays: { replyMs: -1 } } }, /at \/facts\/delays\/replyMs it /);
  refused({ ...RECORDING, more: 1 }, /x\.json: at /);
});

test('a missing file, missing media, and media elsewhere are refused', (t) => {
  const place = folder(t);
  const refused = (name: string, message: RegExp): void => {
    assert.throws(() => loadRecording(join(place, name)), { code: 'recording_invalid', message });
  };
  refused('none.json', /it cannot be read: ENOENT/);
  for (const [name, file] of [
    ['gone.json', 'gone.ts'],
    ['up.json', '../up.ts'],
    ['win.json', '..\\up.ts'],
  ] as const) {
    writeFileSync(
      join(place, name),
      JSON.stringify({ ...RECORDING, media: { file, fileBytes: 1, chunks: [] } }),
    );
    refused(name, name === 'gone.json' ? /gone\.ts: it cannot be read/ : /is not a plain name/);
  }
});
