import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { headerList, parseHeaders, TO_CLIENTS, TO_ENGINES } from './header-list.ts';

const toClients = headerList(TO_CLIENTS);

function problemOf(raw: unknown, type = toClients): string {
  const result = type.parse(raw);
  return result.ok ? 'none' : result.problem;
}

describe('headers', () => {
  test('are read from text, from a list and from a map', () => {
    const wanted = { 'X-House': 'attic', 'X-Room': '7' };
    for (const raw of [
      'X-House: attic, X-Room: 7',
      ' X-House:attic ,X-Room:7,',
      ['X-House: attic', 'X-Room: 7'],
      { 'X-House': 'attic', 'X-Room': 7 },
    ]) {
      assert.deepEqual(toClients.parse(raw), { ok: true, value: wanted }, JSON.stringify(raw));
    }
    assert.deepEqual(toClients.parse(''), { ok: true, value: {} });
  });

  test('may have commas in their values', () => {
    assert.deepEqual(toClients.parse('X-Tags: a, b, c, X-Room: 7'), {
      ok: true,
      value: { 'X-Tags': 'a, b, c', 'X-Room': '7' },
    });
  });

  test('are written back as they are read', () => {
    const value = { 'X-House': 'attic' };
    assert.deepEqual(toClients.parse(toClients.print(value)), { ok: true, value });
  });

  test('of one connection, and those that acemux sets itself, may not be set', () => {
    for (const name of ['Connection', 'transfer-encoding', 'Content-Length', 'Keep-Alive', 'TE', 'Upgrade']) {
      assert.match(problemOf({ [name]: 'x' }), /one connection/, name);
      assert.match(problemOf({ [name]: 'x' }, headerList(TO_ENGINES)), /one connection/, name);
    }
    for (const name of ['Content-Type', 'cache-control', 'Access-Control-Allow-Origin', 'Set-Cookie']) {
      assert.match(problemOf({ [name]: 'x' }), /acemux sets|it sets/, name);
    }
    for (const name of ['Host', 'Range', 'accept-encoding']) {
      assert.match(problemOf({ [name]: 'x' }, headerList(TO_ENGINES)), /it sets/, name);
    }
    assert.deepEqual(headerList(TO_ENGINES).parse('User-Agent: TV/1'), {
      ok: true,
      value: { 'User-Agent': 'TV/1' },
    });
  });

  test('that are none, or are there twice, are refused', () => {
    for (const raw of [
      'no colon',
      { 'a b': 'x' },
      { '': 'x' },
      'X-Room:',
      7,
      null,
      { X: 'é' },
      { X: 'a'.repeat(1025) },
    ]) {
      assert.notEqual(problemOf(raw), 'none', JSON.stringify(raw));
    }
    assert.match(problemOf(['X-Room: 7', 'x-room: 8']), /twice/);
    const many = Object.fromEntries(Array.from({ length: 33 }, (_, number) => [`X-${number}`, 'x']));
    assert.match(problemOf(many), /at most 32/);
  });

  test('can’t end a line, whatever is written', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' }), (name, value) => {
        const result = parseHeaders({ [name]: value }, []);
        if (!result.ok) return;
        for (const [key, text] of Object.entries(result.value))
          assert.doesNotMatch(`${key}${text}`, /[\r\n\0]/);
      }),
    );
    assert.match(problemOf({ 'X-A': 'b\r\nSet-Cookie: c' }), /printable/);
  });
});
