/** One place in an expression of PromQL that reads a metric. */
export interface Selection {
  readonly metric: string;
  /** The label matchers in braces: the words that a value may be. */
  readonly matchers: ReadonlyMap<string, readonly string[]>;
}

export interface ParsedQuery {
  readonly selections: readonly Selection[];
  /** Labels that results are grouped or matched by. */
  readonly groupedBy: readonly string[];
}

const GROUPING = /\b(?:by|without|on|ignoring)\s*\(([^)]*)\)/g;
const SELECTION = /([a-zA-Z_:][\w:]*)(?:(\s*\()|\s*\{([^}]*)\})?/g;
const MATCHER = /(\w+)\s*(?:=~|!~|!=|=)\s*"((?:[^"\\]|\\.)*)"/g;
const KEYWORDS = new Set(['and', 'or', 'unless', 'bool', 'offset', 'by', 'on', 'without', 'ignoring']);

/** What an expression reads. Good for those that people write in dashboards, not for all there may be. */
export function parseQuery(expression: string): ParsedQuery {
  const groupedBy = [...expression.matchAll(GROUPING)].flatMap(([, labels = '']) =>
    labels.split(',').map((label) => label.trim()),
  );
  // Ranges hold durations, which look like names.
  const plain = expression.replace(GROUPING, ' ').replace(/\[[^\]]*\]/g, ' ');
  const selections = [...plain.matchAll(SELECTION)].flatMap(
    ([, metric = '', call, braces = '']): Selection[] => {
      if (call !== undefined || KEYWORDS.has(metric) || !/_|^up$/.test(metric)) return [];
      const matchers = [...braces.matchAll(MATCHER)].map(([, label = '', value = '']) => {
        return [label, value.split('|')] as const;
      });
      return [{ metric, matchers: new Map(matchers) }];
    },
  );
  return { selections, groupedBy };
}
