import { streamNameOf } from '../parts/words.tsx';
import { Player } from '../player/player.tsx';
import { ReadyLinks } from '../player/ready-links.tsx';
import { overview } from '../store/live.ts';
import { linkTo } from '../store/route.ts';
import { texts } from '../texts.ts';

/** Plays what somebody has asked for, whether it plays already or not. */
export function PlayPage({ kind, hash }: { readonly kind: 'id' | 'infohash'; readonly hash: string }) {
  const session = overview.value?.streams.find(
    ({ stream_id, infohash, state }) => state !== 'ended' && (stream_id === hash || infohash === hash),
  );
  return (
    <div class="page">
      <div class="page-head">
        <h1 class="stream-title">{streamNameOf(hash)}</h1>
        {session && <a href={linkTo('streams', session.id)}>{texts.player.itsPage}</a>}
      </div>
      <p class="mono faint wrap">{hash}</p>
      <Player kind={kind} hash={hash} startsAtOnce />
      <ReadyLinks kind={kind} hash={hash} />
    </div>
  );
}
