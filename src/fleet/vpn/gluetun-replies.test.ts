import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { AcemuxError } from '../../base/reasons.ts';
import { readForwardedPort, readPublicAddress, readTunnelStatus, readVersion } from './gluetun-replies.ts';

test('the forwarded port is read from every shape that Gluetun has had', () => {
  const shapes: readonly [unknown, number | undefined][] = [
    [{ port: 51_820 }, 51_820],
    [{ port: 0 }, undefined],
    [{ ports: [40_001, 40_002] }, 40_001],
    [{ ports: [] }, undefined],
    [{ ports: null }, undefined],
    [{ port: 0, ports: null }, undefined],
    [{ port: 40_001, ports: [40_001] }, 40_001],
    [{ port: 0, ports: [0, 40_002] }, 40_002],
    [{ port: 70_000 }, undefined],
    [{ port: 1.5, ports: ['x'] }, undefined],
  ];
  for (const [reply, port] of shapes) {
    assert.equal(readForwardedPort(JSON.stringify(reply)), port, JSON.stringify(reply));
  }
});

test('a reply about something else is refused, not taken for "none"', () => {
  for (const text of ['{}', '[]', 'null', '"x"', '{"port"', '<html>', '']) {
    assert.throws(() => readForwardedPort(text), { code: 'vpn_protocol' });
  }
  assert.throws(() => readTunnelStatus('{"status":"sleeping"}'), { code: 'vpn_protocol' });
  assert.throws(() => readPublicAddress('{"public_ip":7}'), { code: 'vpn_protocol' });
});

test('the six states of the tunnel are those of Gluetun', () => {
  for (const status of ['starting', 'running', 'stopping', 'stopped', 'crashed', 'completed']) {
    assert.equal(readTunnelStatus(JSON.stringify({ status })), status);
  }
});

test('an empty or malformed public address is none', () => {
  for (const public_ip of ['', 'unknown', '1.2.3', undefined]) {
    assert.equal(readPublicAddress(JSON.stringify({ public_ip })).ip, undefined);
  }
  const full = {
    public_ip: '203.0.113.9',
    country: 'Norway',
    region: 'Oslo',
    city: 'Oslo',
    organization: 'A',
  };
  assert.deepEqual(readPublicAddress(JSON.stringify(full)), {
    ip: '203.0.113.9',
    country: 'Norway',
    region: 'Oslo',
    city: 'Oslo',
    organization: 'A',
  });
  assert.equal(readPublicAddress('{"public_ip":"2001:db8::1"}').ip, '2001:db8::1');
});

test('texts of Gluetun are shown on one line, and not endless', () => {
  assert.equal(readVersion(JSON.stringify({ version: ' v3\n\u0000.40 ' })), 'v3 .40');
  assert.equal(readVersion(JSON.stringify({ version: 'x'.repeat(1_000) }))?.length, 100);
  assert.equal(readVersion('{"version":7}'), undefined);
});

test('whatever is sent, a reply is read or refused as vpn_protocol', () => {
  const text = fc.oneof(fc.string(), fc.json(), fc.constantFrom('port', 'status').chain(withField));
  fc.assert(
    fc.property(text, (sent) => {
      for (const read of [readTunnelStatus, readForwardedPort, readPublicAddress, readVersion]) {
        try {
          read(sent);
        } catch (error) {
          assert.ok(error instanceof AcemuxError && error.code === 'vpn_protocol', String(error));
        }
      }
    }),
  );
});

function withField(name: string) {
  return fc.jsonValue().map((value) => JSON.stringify({ [name]: value }));
}
