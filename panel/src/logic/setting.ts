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

function typesIn(schema: unknown): ReadonlySet<string> {
  if (typeof schema !== 'object' || schema === null) return new Set();
  const type: unknown = Reflect.get(schema, 'type');
  const choices: unknown = Reflect.get(schema, 'anyOf') ?? Reflect.get(schema, 'oneOf');
  const own = (Array.isArray(type) ? type : [type]).filter((each) => typeof each === 'string');
  return new Set([...own, ...(Array.isArray(choices) ? choices.flatMap((each) => [...typesIn(each)]) : [])]);
}
