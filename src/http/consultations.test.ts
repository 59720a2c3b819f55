import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { MediaFiles } from '../engine/types.ts';
import type { Consultant } from '../fleet/engine-record.ts';
import { CONSULTATIONS_MAX } from './consultations.ts';
import { call, HASH, openRaw, type Parts, type Rig, startRig } from './testing/rig.ts';

const PATH = `/server/api?api_version=3&method=get_media_files&content_id=${HASH}`;
const CONTENT: MediaFiles = {
  infohash: HASH,
  isLive: true,
  name: undefined,
  transportType: undefined,
  files: [],
};

/** An engine that answers when the test says so. */
function slowConsultant() {
  const signals: AbortSignal[] = [];
  const answers: (() => void)[] = [];
  const waiting: (() => void)[] = [];
  const consultant: Consultant = {
    mediaFiles(_name, signal) {
      if (signal) signals.push(signal);
      for (const wake of waiting.splice(0)) wake();
      return new Promise((resolve) => answers.push(() => resolve(CONTENT)));
    },
    search: () => Promise.reject(new Error('not in this test')),
  };
  const asked = async (times: number): Promise<void> => {
    while (signals.length < times) await new Promise<void>((resolve) => waiting.push(resolve));
  };
  return { consultant, signals, answers, asked };
}

async function codeOf(rig: Rig): Promise<string> {
  const reply = await call(rig, PATH);
  return reply.status === 200 ? 'answered' : `${reply.status} ${Object(reply.json()).code}`;
}

test('so many questions are under way at once and no more, and then again', async (t) => {
  const { answers, asked, consultant } = slowConsultant();
  const rig = await startRig(t, { consultant });
  const held = Array.from({ length: CONSULTATIONS_MAX }, () => codeOf(rig));
  await asked(CONSULTATIONS_MAX);
  assert.equal(await codeOf(rig), '503 overloaded');
  const refused = await call(rig, PATH);
  assert.equal(refused.headers['retry-after'], '5');
  for (const answer of answers.splice(0)) answer();
  assert.deepEqual(new Set(await Promise.all(held)), new Set(['answered']));
  const again = codeOf(rig);
  await asked(CONSULTATIONS_MAX + 1);
  answers[0]?.();
  assert.equal(await again, 'answered');
});

test('a question ends when its client leaves', async (t) => {
  const { asked, consultant, signals } = slowConsultant();
  const rig = await startRig(t, { consultant });
  const raw = await openRaw(t, rig);
  raw.write(`GET ${PATH} HTTP/1.1\r\nHost: test\r\n\r\n`);
  await asked(1);
  const [signal] = signals;
  assert.ok(signal);
  const aborted = new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()));
  raw.socket.destroy();
  await aborted;
  assert.equal(Object(signal.reason).code, 'client_left');
});

test('where nobody can be asked, the reply says why', async (t) => {
  const cases: readonly (readonly [Partial<Parts>, string])[] = [
    [{ phase: 'starting' }, '503 starting'],
    [{ phase: 'draining' }, '503 draining'],
    [{ readiness: { configured: false, healthy: 0, total: 0 } }, '503 no_engines_configured'],
    [{ readiness: { configured: true, healthy: 0, total: 1 } }, '503 no_engine_available'],
  ];
  for (const [parts, expected] of cases) {
    const rig = await startRig(t, parts);
    assert.equal(await codeOf(rig), expected);
  }
});
