import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ManualClock } from '../../base/manual-clock.ts';
import { EventBus } from '../../telemetry/events/event-bus.ts';
import { silentLog } from '../../telemetry/log.ts';
import { vpnEvents } from './vpn-events.ts';

test('all that happens to a VPN is an event, in the orchestrator’s words where it has one, each with its cause', () => {
  const bus = new EventBus({
    bounds: { countMax: 100, bytesMax: 100_000 },
    clock: new ManualClock(),
    log: silentLog(),
  });
  const observe = vpnEvents(bus);
  const vpn = 'gluetun';
  const change = { kind: 'state', vpn, reason: undefined, detail: undefined } as const;
  observe({ ...change, from: 'unknown', to: 'ok' });
  observe({ kind: 'control_problem', vpn, reason: 'vpn_unauthorized', detail: '401', todo: 'Give a key.' });
  observe({ kind: 'control_answers', vpn });
  observe({ kind: 'address', vpn, from: undefined, to: '203.0.113.7', country: 'Norway' });
  observe({ kind: 'port', vpn, from: undefined, to: 40_001 });
  observe({ kind: 'restarted', vpn, containerId: 'c2', isNewContainer: true });
  observe({ ...change, from: 'ok', to: 'suspect', reason: 'vpn_tunnel_down', detail: 'It crashed.' });
  observe({ ...change, from: 'suspect', to: 'down', reason: 'vpn_tunnel_down', detail: 'It crashed.' });
  observe({ kind: 'restart_tried', vpn, what: 'tunnel', problem: undefined });
  observe({ kind: 'engine_cut_off', vpn, engine: 'e1', command: 'docker restart e1', isRestarted: false });
  observe({ ...change, vpn: 'other', from: 'unknown', to: 'ok' });
  const events = [...bus.newestFirst()].toReversed();
  assert.deepEqual(
    events.map(({ type }) => type),
    [
      'vpn.connected',
      'vpn.control_failed',
      'vpn.control_answers',
      'vpn.address_changed',
      'vpn.port_changed',
      'vpn.restarted',
      'vpn.state_changed',
      'vpn.disconnected',
      'vpn.restart_tried',
      'vpn.engine_cut_off',
      'vpn.connected',
    ],
  );
  assert.deepEqual(events[1]?.details, {
    vpn,
    reason: 'vpn_unauthorized',
    detail: '401',
    todo: 'Give a key.',
  });
  assert.equal(events[1]?.causeId, events[0]?.id);
  assert.equal(events[4]?.causeId, events[2]?.id, 'an address is in no chain');
  assert.equal(events[9]?.engine, 'e1');
  assert.equal(events[10]?.causeId, undefined, 'of another VPN');
  assert.deepEqual(events[7]?.details, {
    vpn,
    from: 'suspect',
    to: 'down',
    reason: 'vpn_tunnel_down',
    detail: 'It crashed.',
  });
});
