import assert from 'node:assert/strict';
import { test } from 'node:test';
import { EVENT_TYPES } from './event.ts';
import { eventsPage } from './events-page.ts';

test('the page for people has a row for each type, with its details', () => {
  const text = eventsPage();
  for (const [type, { what, details }] of Object.entries(EVENT_TYPES)) {
    const row = text.split('\n').find((line) => line.startsWith(`| \`${type}\` |`));
    assert.ok(row);
    assert.ok(row.includes(what), type);
    for (const name of Object.keys(details)) assert.ok(row.includes(`\`${name}\``), `${type}: ${name}`);
  }
});
