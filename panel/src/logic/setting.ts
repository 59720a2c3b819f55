/** A setting's value as one writes it, and back. */

export function settingText(value: unknown): string {
  if (value === null || value === undefined) return '';
  if (Array.isArray(value)) return value.map(settingText).join(', ');
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}

/** What was typed, as JSON has it: acemux judges whether it is right, and says what would be. */
export function settingValue(text: string, schema: unknown): unknown {
  const trimmed = text.trim();
  const types = typesIn(schema);
  if (trimmed === 'true' && types.has('boolean')) return true;
  if (trimmed === 'false' && types.has('boolean')) return false;
  if (types.has('array')) {
    return trimmed === '' ? [] : trimmed.split(',').map((part) => part.trim());
  }
  const isNumber = /^-?\d+(?:\.\d+)?$/.test(trimmed) && (types.has('number') || types.has('integer'));
  if (isNumber) return Number(trimmed);
  return trimmed === '' ? null : trimmed;
}

/** Whether acemux could take it, as far as the schema says; what depends on other settings only acemux knows. */
export function isSettingRight(text: string, schema: unknown): boolean {
  return fits(settingValue(text, schema), schema);
}

/** The words of JSON Schema that the declaration of settings uses; others say nothing here. */
function fits(value: unknown, schema: unknown): boolean {
  if (typeof schema !== 'object' || schema === null) return true;
  const { anyOf, enum: words, items, maximum, minimum, pattern, type } = schema as SchemaWords;
  if (anyOf && !anyOf.some((each) => fits(value, each))) return false;
  if (words && !words.includes(value)) return false;
  if (type !== undefined && !isOfType(value, type)) return false;
  if (typeof value === 'number') return value >= (minimum ?? value) && value <= (maximum ?? value);
  if (typeof value === 'string') return pattern === undefined || new RegExp(pattern).test(value);
  return !Array.isArray(value) || value.every((each) => fits(each, items));
}

interface SchemaWords {
  readonly anyOf?: readonly unknown[];
  readonly enum?: readonly unknown[];
  readonly items?: unknown;
  readonly maximum?: number;
  readonly minimum?: number;
  readonly pattern?: string;
  readonly type?: string;
}

function isOfType(value: unknown, type: string): boolean {
  if (type === 'integer') return Number.isInteger(value);
  return type === 'array' ? Array.isArray(value) : typeof value === type;
}

function typesIn(schema: unknown): ReadonlySet<string> {
  if (typeof schema !== 'object' || schema === null) return new Set();
  const type: unknown = Reflect.get(schema, 'type');
  const choices: unknown = Reflect.get(schema, 'anyOf') ?? Reflect.get(schema, 'oneOf');
  const own = (Array.isArray(type) ? type : [type]).filter((each) => typeof each === 'string');
  return new Set([...own, ...(Array.isArray(choices) ? choices.flatMap((each) => [...typesIn(each)]) : [])]);
}
