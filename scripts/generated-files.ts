import { reasonsPage } from '../src/base/reasons-page.ts';
import { configurationPage, exampleFile, fileSchema } from '../src/config/reference.ts';
import { eventsPage } from '../src/telemetry/events/events-page.ts';
import { renderMetricsPage } from '../src/telemetry/metrics-declaration.ts';

/** A file of the repository whose content follows from the code. */
export interface GeneratedFile {
  /** Its path from the root of the repository. */
  readonly name: string;
  readonly text: string;
}

/** Every such file, as it should be now. */
export function generatedFiles(): readonly GeneratedFile[] {
  return [
    { name: 'docs/configuration.md', text: configurationPage() },
    { name: 'acemux.example.yaml', text: exampleFile() },
    { name: 'docs/acemux.schema.json', text: `${JSON.stringify(fileSchema(), null, 2)}\n` },
    { name: 'docs/reasons.md', text: reasonsPage() },
    { name: 'docs/metrics.md', text: renderMetricsPage() },
    { name: 'docs/events.md', text: eventsPage() },
  ];
}
