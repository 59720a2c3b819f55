import { computed, signal } from '@preact/signals';

const hash = signal(location.hash);
addEventListener('hashchange', () => {
  hash.value = location.hash;
  // Another page begins at its top, however far down the last one was read.
  scrollTo(0, 0);
});

/** What stands behind the #: words, decoded. */
export const route = computed<readonly string[]>(() => partsOf(hash.value));

export function partsOf(text: string): string[] {
  return text
    .replace(/^#\/?/, '')
    .split('/')
    .filter((part) => part !== '')
    .map((part) => {
      try {
        return decodeURIComponent(part);
      } catch {
        return part;
      }
    });
}

export function linkTo(...parts: readonly string[]): string {
  return `#/${parts.map(encodeURIComponent).join('/')}`;
}

export function go(...parts: readonly string[]): void {
  location.hash = linkTo(...parts);
}
