/**
 * JSON with the separators of Python, `", "` and `": "`, as engines write it: health checks look for the literal
 * `"error": null` (reference 2.7).
 */
export function pythonJson(value: unknown): string {
  // A line break in a text is escaped, so all others are layout.
  return JSON.stringify(value, null, 1).replaceAll(/,\n */g, ', ').replaceAll(/\n */g, '');
}
