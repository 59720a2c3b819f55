import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { declaredKeys } from './config.ts';
import { engineList } from './engine-list.ts';
import { providerList } from './provider-list.ts';
import { bitRate, duration, integer, size } from './quantities.ts';
import { baseUrl, choice, folder, listenHost, networkList, secretText } from './texts.ts';
import type { ValueType } from './value-type.ts';

const WIDE = { min: 0, max: Number.MAX_SAFE_INTEGER };

/** The value, or undefined if it is refused. */
function read<T>(type: ValueType<T>, raw: unknown): T | undefined {
  const result = type.parse(raw);
  return result.ok ? result.value : undefined;
}

function problem(type: ValueType<unknown>, raw: unknown): string {
  const result = type.parse(raw);
  return result.ok ? '' : result.problem;
}

describe('durations', () => {
  const type = duration(WIDE);

  test('are read in every form into milliseconds', () => {
    const forms: [unknown, number][] = [
      ['30', 30_000],
      [30, 30_000],
      [0.5, 500],
      ['30s', 30_000],
      ['1m30s', 90_000],
      ['500ms', 500],
      ['1.5s', 1500],
      ['1h', 3_600_000],
      [' 2m ', 120_000],
      ['0', 0],
    ];
    for (const [raw, ms] of forms) assert.equal(read(type, raw), ms, String(raw));
  });

  test('in any other form are refused', () => {
    for (const raw of ['', '30 apples', 's', '-1', '1s1m', '1e3', true, null, {}, Number.NaN]) {
      assert.equal(read(type, raw), undefined, String(raw));
    }
  });

  test('keep to their range, and the refusal names it', () => {
    const bounded = duration({ min: 1000, max: 60_000 });
    assert.equal(read(bounded, '1s'), 1000);
    assert.equal(read(bounded, '999ms'), undefined);
    assert.match(problem(bounded, '2m'), /from 1s to 60s/);
  });
});

describe('sizes and bit rates', () => {
  test('are read with binary and decimal units', () => {
    const type = size(WIDE);
    assert.equal(read(type, '64MiB'), 67_108_864);
    assert.equal(read(type, '4MB'), 4_000_000);
    assert.equal(read(type, '1.5 kib'), 1536);
    assert.equal(read(type, '65536'), 65_536);
    assert.equal(read(type, 65_536), 65_536);
    assert.equal(read(type, '4M'), undefined);
    assert.equal(read(type, '4XB'), undefined);
  });

  test('of media count bits', () => {
    const type = bitRate(WIDE);
    assert.equal(read(type, '4M'), 4_000_000);
    assert.equal(read(type, '4Mb/s'), 4_000_000);
    assert.equal(read(type, '800 kbps'), 800_000);
    assert.equal(read(type, '4MiB'), undefined);
  });
});

test('integers are whole and within their range', () => {
  const type = integer({ min: 1, max: 10 });
  assert.equal(read(type, '7'), 7);
  assert.equal(read(type, 10), 10);
  for (const raw of ['0', '11', '1.5', 1.5, '0x5', '', 'abc', true]) assert.equal(read(type, raw), undefined);
});

test('choices are taken in any case and given back as declared', () => {
  assert.equal(read(choice(['info', 'warn']), ' INFO '), 'info');
  assert.match(problem(choice(['info', 'warn']), 'loud'), /one of info, warn/);
});

test('base URLs lose the slash at their end and may have a path', () => {
  assert.equal(read(baseUrl(), 'https://tv.example.org/'), 'https://tv.example.org');
  assert.equal(read(baseUrl(), 'http://example.org:8080/tv/'), 'http://example.org:8080/tv');
  for (const raw of ['example.org', 'ftp://x', 'http://u:p@x', 'http://x?a', 'http://x#a', '']) {
    assert.equal(read(baseUrl(), raw), undefined, raw);
  }
});

test('hosts to listen on are addresses and names without a port', () => {
  assert.equal(read(listenHost(), '[::1]'), '::1');
  assert.equal(read(listenHost(), 'localhost'), 'localhost');
  for (const raw of ['1.2.3.4:80', 'a b', '', 'http://x', '-x'])
    assert.equal(read(listenHost(), raw), undefined, raw);
});

test('networks are addresses and CIDR blocks of either family', () => {
  assert.deepEqual(read(networkList(), '10.0.0.0/8, ::1,192.0.2.7'), ['10.0.0.0/8', '::1', '192.0.2.7']);
  assert.deepEqual(read(networkList(), ['fd00::/8']), ['fd00::/8']);
  for (const raw of ['10.1', 'example.org', '10.0.0.0/33', '::/129', [1], 5]) {
    assert.equal(read(networkList(), raw), undefined, String(raw));
  }
});

test('secrets are visible characters only', () => {
  assert.equal(read(secretText(), 'abc'), 'abc');
  for (const raw of ['a b', 'ä', '', 12_345_678, 'a\nb']) assert.equal(read(secretText(), raw), undefined);
});

test('a folder is any path', () => {
  assert.equal(read(folder(), './data'), './data');
  assert.equal(read(folder(), ''), undefined);
  assert.equal(read(folder(), 'a\0b'), undefined);
});

describe('engine lists', () => {
  const type = engineList();
  const plain = {
    forwarded: false,
    name: undefined,
    vpn: undefined,
    container: undefined,
    restart: false,
  };

  test('are read from text with commas', () => {
    assert.deepEqual(read(type, 'ace_1:6878, [fd00::1]:6879?forwarded=true&name=den&vpn=gluetun'), [
      { host: 'ace_1', port: 6878, ...plain },
      { ...plain, host: 'fd00::1', port: 6879, forwarded: true, name: 'den', vpn: 'gluetun' },
    ]);
  });

  test('are read from YAML as texts and as objects', () => {
    assert.deepEqual(read(type, ['a:1', { host: 'b', port: 2, forwarded: true }]), [
      { host: 'a', port: 1, ...plain },
      { host: 'b', port: 2, ...plain, forwarded: true },
    ]);
  });

  test('that are wrong are refused with the entry that is', () => {
    const wrong: [unknown, RegExp][] = [
      ['ace', /"ace" has no port/],
      ['http://ace:6878', /scheme/],
      ['ace:0', /port from 1/],
      ['ace:70000', /port from 1/],
      ['ace:1?forwarded=maybe', /true or false/],
      ['ace:1?color=red', /"color"/],
      ['ace:1?name=a&name=b', /twice/],
      ['ace:1?port=5', /not "ace:1\?port=5"/],
      ['ace:1?container=a b', /container/],
      ['ace:1,ACE:1', /"ace:1" is there twice/],
      ['a:1?name=x,b:1?name=x', /"x" is there twice/],
      ['u@ace:1', /host/],
      ['[::1:1', /no address/],
      [[{ host: 'a' }], /port/],
      [[{ port: 1 }], /host/],
      [[{ host: 'a', port: 1, colour: 2 }], /"colour"/],
      [[5], /not 5/],
      [7, /list of engines/],
    ];
    for (const [raw, expected] of wrong) assert.match(problem(type, raw), expected, JSON.stringify(raw));
  });
});

test('providers are known by name', () => {
  assert.deepEqual(read(providerList(), 'static,SIMULATED,static'), ['static', 'simulated']);
  assert.deepEqual(read(providerList(), []), []);
  assert.match(problem(providerList(), 'podman'), /one or more of static, docker, simulated/);
  assert.match(problem(providerList(), 'swarm'), /"swarm" is none of them/);
});

describe('every type', () => {
  test('reads back what it prints', () => {
    const values: [ValueType<unknown>, fc.Arbitrary<unknown>][] = [
      [duration(WIDE), fc.nat()],
      [size(WIDE), fc.nat()],
      [bitRate(WIDE), fc.nat()],
      [integer(WIDE), fc.nat()],
      [
        engineList(),
        fc.uniqueArray(
          fc.record(
            {
              host: fc.constantFrom('a.example', '10.0.0.1', 'fd00::1'),
              port: fc.integer({ min: 1, max: 65_535 }),
              forwarded: fc.boolean(),
              name: fc.constant(undefined),
              vpn: fc.option(fc.stringMatching(/^[a-z &=%]{1,9}$/), { nil: undefined }),
              container: fc.constantFrom(undefined, 'engine_1'),
              restart: fc.constant(false),
            },
            { noNullPrototype: true },
          ),
          { selector: ({ host, port }) => `${host}:${port}` },
        ),
      ],
    ];
    for (const [type, arbitrary] of values) {
      fc.assert(fc.property(arbitrary, (value) => assert.deepEqual(read(type, type.print(value)), value)));
    }
  });

  test('answers anything without throwing', () => {
    for (const { key, path } of declaredKeys()) {
      fc.assert(
        fc.property(fc.oneof(fc.string(), fc.anything()), (raw) => {
          assert.equal(typeof key.type.parse(raw).ok, 'boolean', path);
        }),
        { numRuns: 50 },
      );
    }
  });
});
