import { texts } from '../texts.ts';

/** What acemux is set to. */
export function SettingsPage() {
  return (
    <div class="page">
      <h1>{texts.pages.settings}</h1>
      <p>{texts.settings.none}</p>
      <pre>
        <code>{texts.settings.command}</code>
      </pre>
      <p class="faint">{texts.settings.where}</p>
    </div>
  );
}
