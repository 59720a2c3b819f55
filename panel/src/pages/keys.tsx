import { texts } from '../texts.ts';

/** Who may do what, by which key. */
export function KeysPage() {
  return (
    <div class="page">
      <h1>{texts.pages.keys}</h1>
      <p>{texts.keys.none}</p>
      <p class="faint">{texts.keys.where}</p>
    </div>
  );
}
