const PATHS = {
  overview: 'M3 12.5h3l2-6 3.5 11 2.5-8 1.5 3H21',
  streams: 'M4 6h16M4 12h11M4 18h14M18 9.5v5l4-2.5z',
  engines: 'M5 4h14v6H5zM5 14h14v6H5zM8.5 7h.01M8.5 17h.01',
  vpn: 'M12 3l7 3v5c0 4.6-3 8.2-7 10-4-1.8-7-5.4-7-10V6zM9 12l2.2 2.2L15.5 10',
  events: 'M7 4v16M7 7h12M7 12h8M7 17h10M4.5 7h.01M4.5 12h.01M4.5 17h.01',
  settings: 'M4 7h9M17 7h3M4 17h3M11 17h9M15 4.5v5M9 14.5v5',
  keys: 'M14.5 9.5a4.5 4.5 0 1 0-4.2 4.5L12 15.5h2V18h2.5v2.5H20V17l-6-6z',
  about: 'M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18zM12 11v5.5M12 7.5h.01',
  play: 'M7 4.5v15l12.5-7.5z',
  close: 'M6 6l12 12M18 6L6 18',
  warn: 'M12 4L2.8 20h18.4zM12 10v4.5M12 17.2h.01',
  more: 'M5 12h.01M12 12h.01M19 12h.01',
} as const;

export type IconName = keyof typeof PATHS;

/** Beside a word that says the same: no more than a picture. */
export function Icon({ name }: { readonly name: IconName }) {
  return (
    <svg class="icon" viewBox="0 0 24 24" aria-hidden="true">
      <path d={PATHS[name]} />
    </svg>
  );
}
