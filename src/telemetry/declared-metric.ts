import { Gauge, type Registry } from 'prom-client';
import type { MetricDeclaration } from './metric-declaration.ts';
import { METRICS, type MetricName } from './metrics-declaration.ts';

/** What the table says of a metric, as prom-client wants it. */
export function declared(name: MetricName): {
  name: string;
  help: string;
  labelNames: string[];
  buckets?: number[];
} {
  const declaration: MetricDeclaration | undefined = METRICS.find((each) => each.name === name);
  const { help, labels, buckets } = declaration!;
  return { name, help, labelNames: [...labels], ...(buckets && { buckets: [...buckets] }) };
}

/** A gauge that is asked when it is scraped. */
export function gauge(name: MetricName, read: () => number, registers: Registry[]): Gauge {
  const created: Gauge = new Gauge({ ...declared(name), registers, collect: () => created.set(read()) });
  return created;
}

/** A gauge with one label, whose values are asked when it is scraped; words that are not told are absent. */
export function labelledGauge(
  name: MetricName,
  label: string,
  read: () => Readonly<Record<string, number>>,
  registers: Registry[],
): Gauge {
  const created: Gauge = new Gauge({
    ...declared(name),
    registers,
    collect: () => {
      created.reset();
      for (const [word, value] of Object.entries(read())) created.set({ [label]: word }, value);
    },
  });
  return created;
}
