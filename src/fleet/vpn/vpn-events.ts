import type { EventSink } from '../../telemetry/events/event.ts';
import type { VpnEvent, VpnObserver } from './vpn.ts';

/** Tells what happens to VPNs as events. What one VPN goes through is one chain: each names the one before as its cause. */
export function vpnEvents(events: EventSink): VpnObserver {
  const last = new Map<string, number>();
  return (event) => {
    const causeId = event.kind === 'address' ? undefined : last.get(event.vpn);
    const id = tell(events, event, causeId);
    if (event.kind !== 'address') last.set(event.vpn, id);
  };
}

function tell(events: EventSink, event: VpnEvent, causeId: number | undefined): number {
  const { vpn } = event;
  switch (event.kind) {
    case 'state': {
      const { from, to, reason, detail } = event;
      const type = to === 'ok' ? 'vpn.connected' : to === 'down' ? 'vpn.disconnected' : 'vpn.state_changed';
      return events.emit(type, { vpn, from, to, reason, detail }, { causeId });
    }
    case 'control_problem': {
      const { reason, detail, todo } = event;
      return events.emit('vpn.control_failed', { vpn, reason, detail, todo }, { causeId });
    }
    case 'control_answers':
      return events.emit('vpn.control_answers', { vpn }, { causeId });
    case 'port':
      return events.emit('vpn.port_changed', { vpn, from: event.from, to: event.to }, { causeId });
    case 'address': {
      const { from, to, country } = event;
      return events.emit('vpn.address_changed', { vpn, from, to, country });
    }
    case 'restarted': {
      const { containerId, isNewContainer } = event;
      return events.emit(
        'vpn.restarted',
        { vpn, container: containerId, is_new: isNewContainer },
        { causeId },
      );
    }
    case 'restart_tried': {
      const { what, problem } = event;
      return events.emit('vpn.restart_tried', { vpn, what, problem }, { causeId });
    }
    case 'engine_cut_off': {
      const { engine, command, isRestarted } = event;
      return events.emit(
        'vpn.engine_cut_off',
        { vpn, command, is_restarted: isRestarted },
        { engine, causeId },
      );
    }
  }
}
