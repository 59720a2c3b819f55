import { PANEL_PATH } from './routes/login.ts';

/** Replies that are no page load nothing and stand in no frame. */
const NOTHING = "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'";

/**
 * What the panel may load: its own files. `blob:` is what hls.js and mpegts.js play from (Media Source Extensions) and run
 * their workers from.
 */
export const PANEL_CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "font-src 'self'",
  "connect-src 'self'",
  "media-src 'self' blob:",
  "worker-src 'self' blob:",
  "manifest-src 'self'",
  "form-action 'self'",
  "base-uri 'none'",
  "frame-ancestors 'none'",
].join('; ');

const COMMON = {
  'X-Frame-Options': 'DENY',
  'Referrer-Policy': 'no-referrer',
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Permissions-Policy': 'camera=(), geolocation=(), microphone=()',
} as const;

const FOR_PANEL = { ...COMMON, 'Content-Security-Policy': PANEL_CONTENT_SECURITY_POLICY } as const;
const FOR_THE_REST = { ...COMMON, 'Content-Security-Policy': NOTHING } as const;

/** The headers by which browsers protect what stands at a path that is not for playing. */
export function securityHeadersFor(path: string): Readonly<Record<string, string>> {
  const isPanel = `${path}/`.startsWith(PANEL_PATH);
  return isPanel ? FOR_PANEL : FOR_THE_REST;
}
