import type { Replies } from '../api/replies.ts';
import { isUsable } from '../logic/condition.ts';
import { perform, question } from '../store/acts.ts';
import { overview } from '../store/live.ts';
import { showsActs } from '../store/me.ts';
import { texts } from '../texts.ts';

interface EngineActionsProps {
  readonly engine: Replies['GET /engines'][number];
  readonly viewers: number;
  readonly streams: number;
}

/** What can be done with an engine. What others would feel is asked once. */
export function EngineActions({ engine, viewers, streams }: EngineActionsProps) {
  const { container_id: id, container_name: name } = engine;
  if (!showsActs.value) return null;
  const path = `/engines/${encodeURIComponent(id)}`;
  const live = overview.value?.engines.find(({ container_id }) => container_id === id);
  const isDraining = live?.draining ?? engine.draining;
  const isMade = engine.provider !== 'static';
  const others =
    overview.value?.engines.filter((each) => each.container_id !== id && isUsable(each)).length ?? 0;
  const drain = (): void => {
    question.value = {
      title: texts.confirm.drainTitle(name),
      consequence: texts.confirm.drain(streams, viewers, others),
      action: texts.engines.drain,
      isDangerous: streams > 0 && others === 0,
      run: async () => void (await perform('POST', `${path}/drain`, texts.done.draining(name))),
    };
  };
  const restart = (): void => {
    question.value = {
      title: texts.confirm.restartTitle(name),
      consequence: texts.confirm.restart(viewers),
      action: texts.engines.restart,
      isDangerous: false,
      run: async () => void (await perform('POST', `${path}/restart`, texts.done.restarting(name))),
    };
  };
  const remove = (): void => {
    question.value = {
      title: texts.confirm.removeTitle(name),
      consequence: texts.confirm.remove(viewers),
      action: texts.engines.remove,
      isDangerous: true,
      run: async () => void (await perform('DELETE', path, texts.done.removed(name))),
    };
  };
  return (
    <div class="actions is-quiet">
      {isDraining ? (
        <button
          type="button"
          class="button is-small"
          onClick={() => void perform('POST', `${path}/undrain`, texts.done.inUse(name))}
        >
          {texts.engines.undrain}
        </button>
      ) : (
        <button type="button" class="button is-small" onClick={drain}>
          {texts.engines.drain}
        </button>
      )}
      {isMade && (
        <button type="button" class="button is-small" onClick={restart}>
          {texts.engines.restart}
        </button>
      )}
      {isMade && (
        <button type="button" class="button is-small is-danger" onClick={remove}>
          {texts.engines.remove}
        </button>
      )}
    </div>
  );
}
