/** Looks a variable up; empty counts as unset. */
export type VariableLookup = (name: string) => string | undefined;

/** Another way to set a key by environment: a variable of the same meaning, or a value made of some. */
export type VariableAlias = string | ComposedAlias;

export interface ComposedAlias {
  /** The variables that it reads. */
  readonly variables: readonly string[];
  /** The key's value as text; undefined if the variables do not say anything about it. */
  read(lookup: VariableLookup): string | undefined;
}

/** The names of the variables that an alias reads. */
export function variablesOf(alias: VariableAlias): readonly string[] {
  return typeof alias === 'string' ? [alias] : alias.variables;
}

/** One half of an address to listen on in Go's form, `host:port` or `:port`. */
export function listenAddressAlias(variable: string, half: 'host' | 'port'): ComposedAlias {
  return {
    variables: [variable],
    read(lookup) {
      const address = lookup(variable);
      const match =
        address === undefined ? undefined : /^(?:(\[[^\]]*\]|[^:]*):)?(\d+)$/.exec(address.trim());
      if (!match) return half === 'port' ? address : undefined;
      return half === 'port' ? match[2] : match[1] || undefined;
    },
  };
}

/** acexy's one engine: host and port in two variables, each with acexy's default. */
export const singleEngineAlias: ComposedAlias = {
  variables: ['ACEXY_HOST', 'ACEXY_PORT'],
  read(lookup) {
    const host = lookup('ACEXY_HOST');
    const port = lookup('ACEXY_PORT');
    return host === undefined && port === undefined ? undefined : `${host ?? 'localhost'}:${port ?? '6878'}`;
  },
};
