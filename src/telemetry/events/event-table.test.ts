import assert from 'node:assert/strict';
import { test } from 'node:test';
import { withoutSecrets } from '../redaction.ts';
import { EVENT_TYPES, happeningOf, isEventType, subjectOf } from './event.ts';
import { EVENT_SUBJECTS } from './event-table.ts';

test('each type has a subject and a happening, in small letters, and one sentence', () => {
  for (const [type, { what }] of Object.entries(EVENT_TYPES)) {
    assert.ok(isEventType(type));
    assert.match(type, /^[a-z]+\.[a-z]+(_[a-z]+)*$/);
    assert.ok(subjectOf(type) in EVENT_SUBJECTS, type);
    assert.equal(`${subjectOf(type)}.${happeningOf(type)}`, type);
    assert.match(what, /^\S.*[^.]\.$/, type);
    assert.doesNotMatch(what, /`/, `${type}: it is read beside its details, by people`);
  }
  assert.equal(isEventType('toString'), false);
});

test('details have names in snake_case, a time says its unit, and none has the name of a secret', () => {
  for (const [type, { details }] of Object.entries(EVENT_TYPES)) {
    for (const name of Object.keys(details)) {
      assert.match(name, /^[a-z]+(_[a-z]+)*$/, type);
      assert.doesNotMatch(name, /_ms$|^(session|engine|client|request|cause_id)$/, type);
      const json = JSON.stringify({ [name]: 'word' });
      assert.equal(withoutSecrets(json), json, `${type}: ${name}`);
    }
  }
});
