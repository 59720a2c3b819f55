import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Observers } from './observers.ts';

test('each observer is told what it has a method for, with all that is told', () => {
  const heard: unknown[] = [];
  const names = Object.getOwnPropertyNames(Observers.prototype).filter((name) => name !== 'constructor');
  const listener = Object.fromEntries(
    names.map((name) => [name, (...told: unknown[]) => heard.push([name, ...told])]),
  );
  const observers = new Observers([listener, {}, listener]);
  for (const name of names) {
    heard.length = 0;
    const told = name === 'bytesStreamed' ? [188, 'ts'] : ['one', 'two', 'three', 'four'];
    Reflect.apply(Reflect.get(observers, name), observers, told);
    assert.deepEqual(heard, [
      [name, ...told],
      [name, ...told],
    ]);
  }
  assert.equal(names.length, 21);
});
