import { REASONS } from '../base/reasons.ts';
import type { EventSink } from '../telemetry/events/event.ts';
import type { FleetHappening, FleetWitness } from './fleet-witness.ts';

/** A witness that tells what happens in the fleet as events. */
export function fleetEvents(events: EventSink): FleetWitness {
  const tellBlock = blockEvents(events);
  return (happening) => {
    if (happening.kind === 'block') tellBlock(happening.block);
    else tell(events, happening);
  };
}

/** Each trouble that keeps engines from being created begins once and is over once. */
function blockEvents(
  events: EventSink,
): (block: Extract<FleetHappening, { kind: 'block' }>['block']) => void {
  let isBlocked = false;
  return (block) => {
    // That there are as many as there may be is no trouble.
    const trouble = block?.code === 'max_replicas' || block?.code === 'provider_fixed' ? undefined : block;
    if (trouble) {
      const { code: reason, message: detail, etaMs } = trouble;
      const eta_seconds = etaMs === undefined ? undefined : Math.ceil(etaMs / 1_000);
      events.emit('fleet.blocked', { reason, detail, todo: REASONS[reason].todo, eta_seconds });
    } else if (isBlocked) events.emit('fleet.unblocked', {});
    isBlocked = trouble !== undefined;
  };
}

function tell(events: EventSink, happening: Exclude<FleetHappening, { kind: 'block' }>): void {
  switch (happening.kind) {
    case 'appeared': {
      const { engine, isBack } = happening;
      events.emit(
        'engine.appeared',
        { name: engine.name, provider: engine.pool, is_back: isBack },
        { engine: engine.id },
      );
      return;
    }
    case 'gone': {
      const { engine, streams, reason, exit } = happening;
      const ranForMs = exit?.ranForMs;
      const details = {
        streams,
        reason,
        todo: reason && REASONS[reason].todo,
        exit_code: exit?.exitCode,
        ran_seconds: ranForMs === undefined ? undefined : Math.round(ranForMs / 1_000),
        log_tail: exit?.logTail,
      };
      events.emit('engine.gone', details, { engine: engine.id });
      return;
    }
    case 'state': {
      const { engine, from, to, reason, detail } = happening;
      const about = { engine: engine.id };
      if (to === 'unhealthy') events.emit('health.failed', { from, reason, detail }, about);
      else if (to === 'degraded') events.emit('health.degraded', { from, detail }, about);
      else if (to === 'healthy') events.emit('health.recovered', { from }, about);
      return;
    }
    case 'draining': {
      const { engine, streams, why } = happening;
      events.emit('engine.draining', { streams, why }, { engine: engine.id });
      return;
    }
    case 'undrained':
      events.emit('engine.undrained', {}, { engine: happening.engine.id });
      return;
    case 'drained':
      events.emit('engine.drained', { why: happening.why }, { engine: happening.engine.id });
      return;
    case 'creating': {
      const { pool, why, vpn } = happening;
      events.emit('engine.creating', { pool, why, vpn });
      return;
    }
    case 'created': {
      const { pool, why, id, tookMs } = happening;
      events.emit('engine.created', { pool, why, took_seconds: tookMs / 1_000 }, { engine: id });
      return;
    }
    case 'create_failed': {
      const { pool, why, reason, detail } = happening;
      events.emit('engine.create_failed', { pool, why, reason, detail, todo: REASONS[reason].todo });
      return;
    }
    case 'removed': {
      const { engine, why } = happening;
      events.emit('engine.removed', { pool: engine.pool, why }, { engine: engine.id });
      return;
    }
    case 'remove_failed': {
      const { engine, why, reason, detail } = happening;
      events.emit('engine.remove_failed', { pool: engine.pool, why, reason, detail }, { engine: engine.id });
      return;
    }
    case 'left_alone': {
      const { pool, container } = happening;
      const { name, detail } = container;
      const { todo } = REASONS.docker_not_ours;
      events.emit('engine.left_alone', { pool, container: name, reason: 'docker_not_ours', detail, todo });
      return;
    }
    case 'image': {
      const { image, state, fraction, detail } = happening.progress;
      const percent = fraction === undefined ? undefined : Math.round(fraction * 100);
      events.emit('engine.image', { pool: happening.pool, image, state, percent, detail });
    }
  }
}
