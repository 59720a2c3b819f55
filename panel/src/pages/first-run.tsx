import { texts } from '../texts.ts';

/** An installation that has no engine yet. */
export function FirstRun() {
  const { title, lead, ways } = texts.firstRun;
  return (
    <div class="page first-run">
      <section class="headline tone-watch">
        <h1>{title}</h1>
        <p>{lead}</p>
      </section>
      <ol class="ways">
        {ways.map((way) => (
          <li key={way.title}>
            <h2>{way.title}</h2>
            <p>{way.text}</p>
            <pre>
              <code>{way.code}</code>
            </pre>
          </li>
        ))}
      </ol>
    </div>
  );
}
