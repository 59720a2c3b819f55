import { useSignal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import { formatCount, formatRate, formatSeconds, NOTHING } from '../logic/format.ts';
import type { PlayableRange } from '../logic/rewind.ts';
import type { StreamReference } from '../logic/stream-reference.ts';
import { Icon } from '../parts/icons.tsx';
import { texts } from '../texts.ts';
import { beginPlaying, type PlayFailure, type Playing, type Way } from './playing.ts';
import { Rewind } from './rewind.tsx';

const LOOK_EVERY_MS = 500;
/** As long as acemux asks to be waited for when it has too much to do. */
const AGAIN_AFTER_MS = 5_000;

interface Seen {
  readonly position: number;
  readonly reserve: number;
  readonly pictures: number;
  readonly dropped: number;
  readonly size: string;
  readonly bitrate: number | undefined;
  readonly arrival: number | undefined;
  readonly latency: number | undefined;
  readonly range: PlayableRange | undefined;
}

interface PlayerProps extends Pick<StreamReference, 'kind' | 'hash'> {
  readonly startsAtOnce?: boolean;
}

/** Plays a stream in the page, and says how it goes. */
export function Player({ kind, hash, startsAtOnce = false }: PlayerProps) {
  const element = useRef<HTMLVideoElement>(null);
  const way = useSignal<Way>('mpegts');
  const isWanted = useSignal(startsAtOnce);
  const failure = useSignal<PlayFailure | undefined>(undefined);
  const attempt = useSignal(0);
  const seen = useSignal<Seen | undefined>(undefined);

  useEffect(() => {
    failure.value = undefined;
  }, [kind, hash, way.value, failure]);
  useEffect(() => {
    const video = element.current;
    if (!isWanted.value || !video) return;
    let playing: Playing | undefined;
    let isOver = false;
    let hasFailed = false;
    let again: ReturnType<typeof setTimeout> | undefined;
    seen.value = undefined;
    const onFailure = (met: PlayFailure): void => {
      if (isOver) return;
      hasFailed = true;
      failure.value = met;
      if (!met.isForNow) isWanted.value = false;
      else {
        again ??= setTimeout(() => {
          attempt.value += 1;
        }, AGAIN_AFTER_MS);
      }
    };
    beginPlaying(way.value, { kind, hash, video, onFailure }).then(
      (begun) => {
        if (isOver) begun.stop();
        else playing = begun;
      },
      (error: unknown) => onFailure({ text: error instanceof Error ? error.message : String(error) }),
    );
    const timer = setInterval(() => {
      if (!playing) return;
      seen.value = look(video, playing);
      // What is in reserve plays on after a cut: that is no success.
      if (seen.value.position > 0 && !hasFailed) failure.value = undefined;
    }, LOOK_EVERY_MS);
    return () => {
      isOver = true;
      clearInterval(timer);
      clearTimeout(again);
      playing?.stop();
    };
  }, [kind, hash, way.value, isWanted.value, attempt.value, attempt, failure, isWanted, seen]);

  const { stats } = texts.player;
  const now = seen.value;
  const hasPicture = now !== undefined && now.position > 0;
  const seek = (seconds: number): void => {
    if (element.current) element.current.currentTime = seconds;
  };
  return (
    <section class="player" aria-label={texts.parts.player}>
      <div class="player-picture">
        <video ref={element} controls={isWanted.value} playsInline muted={startsAtOnce} />
        {!isWanted.value && (
          <button
            type="button"
            class="player-start"
            onClick={() => {
              failure.value = undefined;
              isWanted.value = true;
            }}
          >
            <Icon name="play" />
            <span>{texts.player.start}</span>
          </button>
        )}
        {isWanted.value && !hasPicture && failure.value === undefined && (
          <p class="player-wait" role="status">
            {texts.player.waiting}
          </p>
        )}
      </div>
      {failure.value !== undefined && (
        <p
          class="problem-text"
          role="alert"
        >{`${failure.value.isForNow ? texts.player.failedForNow : texts.player.failed}: ${failure.value.text || texts.player.unsupported}`}</p>
      )}
      <div class="player-bar">
        <div class="segmented" role="group" aria-label={texts.parts.format}>
          {(['mpegts', 'hls'] as const).map((each) => (
            <button
              key={each}
              type="button"
              aria-pressed={way.value === each}
              onClick={() => {
                way.value = each;
              }}
            >
              {texts.player[each]}
            </button>
          ))}
        </div>
        {isWanted.value && (
          <button
            type="button"
            class="button is-small"
            onClick={() => {
              isWanted.value = false;
            }}
          >
            {texts.player.stop}
          </button>
        )}
        {isWanted.value && hasPicture && <Rewind range={now.range} position={now.position} onSeek={seek} />}
        <dl class="player-stats">
          <Stat label={stats.time} value={now ? formatSeconds(now.position) : NOTHING} />
          <Stat label={stats.buffer} value={now ? formatSeconds(now.reserve) : NOTHING} />
          {now?.bitrate !== undefined && <Stat label={stats.bitrate} value={formatRate(now.bitrate)} />}
          <Stat label={stats.arrival[way.value]} value={formatRate(now?.arrival)} />
          <Stat label={stats.size} value={now?.size ?? NOTHING} />
          <Stat label={stats.pictures} value={formatCount(now?.pictures)} />
          <Stat label={stats.dropped} value={formatCount(now?.dropped)} />
          <Stat label={stats.latency} value={formatSeconds(now?.latency)} />
        </dl>
      </div>
    </section>
  );
}

function Stat({ label, value }: { readonly label: string; readonly value: string }) {
  return (
    <div>
      <dt>{label}</dt>
      <dd>{value}</dd>
    </div>
  );
}

function look(video: HTMLVideoElement, playing: Playing): Seen {
  const { currentTime, buffered, videoWidth, videoHeight } = video;
  const { totalVideoFrames, droppedVideoFrames } = video.getVideoPlaybackQuality();
  const { mediaBytesPerSecond, arrivalBytesPerSecond, latencySeconds } = playing.numbers();
  const end = buffered.length === 0 ? currentTime : buffered.end(buffered.length - 1);
  return {
    position: currentTime,
    reserve: Math.max(0, end - currentTime),
    pictures: totalVideoFrames,
    dropped: droppedVideoFrames,
    size: videoWidth > 0 ? `${videoWidth} × ${videoHeight}` : NOTHING,
    bitrate: mediaBytesPerSecond,
    arrival: arrivalBytesPerSecond,
    latency: latencySeconds,
    range: playing.range(),
  };
}
