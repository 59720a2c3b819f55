/** One metric as it is declared: everything that is said of it anywhere comes from here. */
export interface MetricDeclaration {
  readonly name: string;
  readonly type: 'counter' | 'gauge' | 'histogram';
  /** One sentence, shown to whoever scrapes and in docs/metrics.md. */
  readonly help: string;
  readonly labels: readonly string[];
  /** Upper bounds, in the unit that the name ends with. */
  readonly buckets?: readonly number[];
}
