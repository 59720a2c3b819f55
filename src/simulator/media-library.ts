import { type Clip, loadClip } from './clip.ts';
import { scrambledClip, withoutRandomAccessFlags, withSecondProgram } from './clip-variants.ts';
import { buildLayout, type Layout } from './layout.ts';

/** What a channel can show. */
export const MEDIA_NAMES = [
  'test-pattern', // H.264 in closed GOPs of 1 s, AAC
  'hevc', // HEVC, open GOPs of 2 s, AAC
  'mpeg-2', // MPEG-2 video, MPEG-1 layer II audio
  'audio-only', // AAC alone
  'open-gop', // H.264: one IDR for ten access points
  'intra-refresh', // H.264: recovery points, no I picture but the first
  'long-gop', // H.264 in closed GOPs of 12 s
  'no-random-access-flags', // the test pattern, no random_access_indicator
  'two-programs', // the test pattern twice in one multiplex
  'scrambled', // the test pattern, payloads scrambled
] as const;

export type MediaName = (typeof MEDIA_NAMES)[number];

export function isMediaName(name: unknown): name is MediaName {
  return MEDIA_NAMES.some((known) => known === name);
}

/** The clips, laid out at one bitrate; each is read when it is first asked for. */
export class MediaLibrary {
  readonly bitsPerSecond: number;
  #testPattern: Clip | undefined;
  readonly #recorded: Layout | undefined;
  readonly #layouts = new Map<MediaName, Layout>();

  /** `testPattern`: the clip, where it has been read already. `recorded`: what is shown in the test pattern's place. */
  constructor(options: {
    readonly bitsPerSecond: number;
    readonly testPattern?: Clip | undefined;
    readonly recorded?: Layout | undefined;
  }) {
    this.#recorded = options.recorded;
    this.bitsPerSecond = options.bitsPerSecond;
    this.#testPattern = options.testPattern;
  }

  /** @throws RangeError when the bitrate is too low for it */
  layout(name: MediaName): Layout {
    if (name === 'test-pattern' && this.#recorded !== undefined) return this.#recorded;
    const known = this.#layouts.get(name);
    if (known !== undefined) return known;
    const layout = buildLayout(this.#clip(name), this.bitsPerSecond);
    this.#layouts.set(name, layout);
    return layout;
  }

  #clip(name: MediaName): Clip {
    switch (name) {
      case 'test-pattern':
        this.#testPattern ??= loadClip();
        return this.#testPattern;
      case 'no-random-access-flags':
        return withoutRandomAccessFlags(this.#clip('test-pattern'));
      case 'two-programs':
        return withSecondProgram(this.#clip('test-pattern'));
      case 'scrambled':
        return scrambledClip(this.#clip('test-pattern'));
      default:
        return loadClip(new URL(`./media/${name}.clip`, import.meta.url));
    }
  }
}
