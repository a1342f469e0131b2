/** A search for small requests that cost the grammar compiler much: what cost most so far is changed a little, again and again. */
import type { StructuredOutputFields } from '../../src/text/structured-output/types.ts';
import { random } from './random.ts';

interface Costly {
  readonly fields: StructuredOutputFields;
  readonly steps: number;
}

/** All tries together: some seconds. */
const mostSteps = 30_000_000;
const atoms = ['a', '.', '[^a]', '\\w', '(a|b)', '(ab|a)', 'é', '\\d', '[à-ÿ一-龥]', '(x)'];
const counts = ['*', '+', '?', '{3}', '{0,9}', '{2,40}', '{0,190}', '{7,}', '{1000}', ''];
const keywords = ['anyOf', 'allOf', 'oneOf'];

/**
 * Tries `runs` requests and keeps the one that costs most for each of its characters as the next to change.
 * @param costOf compiles a request and says how many steps it took
 */
export function mostCostly(seed: number, runs: number, costOf: (fields: StructuredOutputFields) => number): Costly {
  const next = random(seed);
  const below = (n: number): number => Math.floor(next() * n);
  const pick = <T>(values: readonly T[]): T => values[below(values.length)];
  let pattern = 'a';
  let schema: Record<string, unknown> = { type: 'string' };
  let worst: Costly = { fields: {}, steps: 0 };
  const best = { pattern: 0, schema: 0 };

  const changedPattern = (): string => {
    const part = below(4) === 0 ? pick(atoms) : pattern;
    switch (below(4)) {
      case 0:
        return `(${part})${pick(counts)}${pick(atoms)}`;
      case 1:
        return `${part}|${pick(atoms)}${pick(counts)}`;
      case 2:
        return `(${part})${pick(counts)}`;
      default:
        return `${pick(atoms)}${pick(counts)}(${part})${pick(counts)}`;
    }
  };
  const changedSchema = (): Record<string, unknown> => {
    const inner = schema;
    const reference = { $ref: pick(['#', '#/properties/a', '#/items', '#/anyOf/0', '#/%']) };
    switch (below(6)) {
      case 0:
        return { type: 'object', properties: { a: inner, b: reference, [pick(['c', 'a/b', ''])]: inner } };
      case 1:
        return { [pick(keywords)]: [inner, reference, { type: pick(['object', 'string', 'null', 'hiccup']) }] };
      case 2:
        return { ...inner, [pick(keywords)]: [reference, reference] };
      case 3:
        return { type: 'array', items: inner, minItems: below(50), maxItems: pick([10, 1e6, 1e9]) };
      case 4:
        return { type: 'string', pattern, maxLength: below(200), format: pick(['uri', 'email', 'odd']) };
      default:
        return { type: pick(['number', 'integer']), minimum: next() * pick([1, 1e9, 1e300]), multipleOf: below(2000) };
    }
  };
  let total = 0;
  for (let i = 0; i < runs && total < mostSteps; i++) {
    const isPattern = i % 2 === 0;
    const tried = isPattern ? changedPattern() : changedSchema();
    const fields = isPattern ? { guided_regex: tried as string } : { guided_json: tried as Record<string, unknown> };
    const steps = costOf(fields);
    total += steps;
    if (steps > worst.steps) worst = { fields, steps };
    const density = steps / JSON.stringify(fields).length;
    const kind = isPattern ? 'pattern' : 'schema';
    // A dead end is left now and then.
    if (density > best[kind] || below(10) === 0) {
      best[kind] = density;
      if (isPattern) pattern = (tried as string).length > 400 ? pick(atoms) : (tried as string);
      else schema = JSON.stringify(tried).length > 4000 ? { type: 'string' } : (tried as Record<string, unknown>);
    }
  }
  return worst;
}
