import { listItems } from './texts.ts';
import { parsed, refused, shownValue, type ValueType } from './value-type.ts';

/** Where engines come from. */
export type ProviderName = 'static' | 'docker' | 'simulated';

const PROVIDERS: readonly ProviderName[] = ['static', 'docker', 'simulated'];

/** Names of providers: text with commas, or a YAML list. */
export function providerList(): ValueType<readonly ProviderName[]> {
  return {
    description: '`static`, `docker`, `simulated`; comma-separated or a YAML list',
    example: 'static',
    schema: {
      anyOf: [{ type: 'string' }, { type: 'array', items: { enum: PROVIDERS } }],
    },
    parse(raw) {
      const items = listItems(raw);
      if (!items) return refused(`one or more of ${PROVIDERS.join(', ')}`);
      const names = new Set<ProviderName>();
      for (const item of items) {
        const wanted = shownValue(item).trim().toLowerCase();
        const name = PROVIDERS.find((each) => each === wanted);
        if (!name)
          return refused(`one or more of ${PROVIDERS.join(', ')}; "${shownValue(item)}" is none of them`);
        names.add(name);
      }
      return parsed([...names]);
    },
    print: (value) => value,
  };
}
