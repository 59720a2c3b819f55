/** What acemux says in a refusal, by the body of its reply; undefined: it was no refusal of acemux's. */
export function refusalIn(body: string): string | undefined {
  try {
    const { detail } = Object(JSON.parse(body));
    return typeof detail === 'string' && detail !== '' ? detail : undefined;
  } catch {
    return undefined;
  }
}
