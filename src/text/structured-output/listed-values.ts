/** Of the values that a schema lists (`const`, `enum`), those that its other keywords allow. */
import { createContext, Script } from 'node:vm';
import { accepts, automatonOf } from './automaton.ts';
import { BudgetError, type Budget } from './budget.ts';
import { bound, count, fail, isOfType, keywordAbout, list, located, typesOf } from './keywords.ts';
import { isSchemaObject, jsonText, type Schema } from './merge-schema.ts';
import { idle, spell } from './regex-spelling.ts';
import { parseRegex } from './regex.ts';

/**
 * @param at where the schema stands, for messages
 * @throws EngineError invalid_value where there are none, or where a keyword cannot be checked; BudgetError
 */
export function allowedValues(schema: Schema, at: string, budget: Budget): readonly unknown[] {
  const values = 'const' in schema ? [schema.const] : list(schema.enum, `${at}/enum`);
  const alsoListed =
    'const' in schema && schema.enum !== undefined ? list(schema.enum, `${at}/enum`).map(jsonText) : null;
  const types = schema.type === undefined ? null : typesOf(schema, at);
  const isKept = keywordTest(schema, at, budget);
  const allowed = values.filter(
    (value) =>
      (types === null || types.some((type) => isOfType(value, type))) &&
      (alsoListed === null || alsoListed.includes(jsonText(value))) &&
      isKept(value),
  );
  return allowed.length > 0 ? allowed : fail(at, 'lists no value that its other keywords allow');
}

/** A keyword says nothing about values of other types than its own. `format` says nothing about a value that is known. */
function keywordTest(schema: Schema, at: string, budget: Budget): (value: unknown) => boolean {
  const keepsNumber = numberTest(schema, at);
  const keepsText = textTest(schema, at, budget);
  return (value) => {
    if (typeof value === 'number') return keepsNumber(value);
    if (typeof value === 'string') return keepsText(value);
    const type = Array.isArray(value) ? 'array' : isSchemaObject(value) ? 'object' : null;
    const keyword = type === null ? undefined : keywordAbout(schema, type);
    return keyword === undefined || fail(`${at}/${keyword}`, `is not checked beside a listed ${type}: leave it out`);
  };
}

function numberTest(schema: Schema, at: string): (value: number) => boolean {
  const [min, max] = [bound(schema, 'Minimum', at), bound(schema, 'Maximum', at)];
  const { multipleOf: step } = schema;
  const isStep = typeof step === 'number' && step > 0 && Number.isFinite(step);
  if (step !== undefined && !isStep) fail(`${at}/multipleOf`, 'must be a number above 0');
  return (value) =>
    Number.isFinite(value) &&
    (min === null || value > min.value || (min.inclusive && value === min.value)) &&
    (max === null || value < max.value || (max.inclusive && value === max.value)) &&
    (!isStep || isMultiple(value, step));
}

/** As decimals, which is how both are written: 0.3 is a multiple of 0.1. */
function isMultiple(value: number, step: number): boolean {
  const [a, b] = [decimal(value), decimal(step)];
  const exponent = Math.min(a.exponent, b.exponent);
  const whole = (one: typeof a): bigint => one.digits * 10n ** BigInt(one.exponent - exponent);
  return whole(a) % whole(b) === 0n;
}

function decimal(value: number): { readonly digits: bigint; readonly exponent: number } {
  const [mantissa = '0', exponent = '0'] = String(value).split('e');
  const [whole = '0', fraction = ''] = mantissa.split('.');
  return { digits: BigInt(whole + fraction), exponent: Number(exponent) - fraction.length };
}

function textTest(schema: Schema, at: string, budget: Budget): (value: string) => boolean {
  const [min, max] = [count(schema, 'minLength', at) ?? 0, count(schema, 'maxLength', at) ?? Infinity];
  const { pattern } = schema;
  if (pattern !== undefined && typeof pattern !== 'string') fail(`${at}/pattern`, 'must be a text');
  const fits = typeof pattern === 'string' ? located(at, () => patternTest(pattern, budget)) : () => true;
  return (value) => {
    const { length } = Array.from(value);
    return length >= min && length <= max && located(at, () => fits(value));
  };
}

/** Characters of a pattern and of a value that a backtracking matcher may be given. */
const longestMatched = 300;

/** Lookaround and back references, which no automaton has, are left to the engine's own matcher where all is short. */
function patternTest(pattern: string, budget: Budget): (value: string) => boolean {
  try {
    const automaton = automatonOf(parseRegex(pattern, 'search'), budget);
    return (value) => accepts(automaton, value, budget);
  } catch (refusal) {
    const expression = refusal instanceof BudgetError ? null : ownExpression(pattern);
    if (expression === null) throw refusal;
    const facts = createContext({ expression, value: '' });
    return (value) => {
      if (value.length > longestMatched) throw refusal;
      facts.value = value;
      try {
        return Boolean(matching.runInContext(facts, { timeout: longestMatching }));
      } catch {
        throw refusal;
      }
    };
  }
}

/** A matcher that goes back can take for ever: in a context of its own it can be stopped. */
const matching = new Script('expression.test(value)');
/** Milliseconds for a value. */
const longestMatching = 50;

function ownExpression(pattern: string): RegExp | null {
  if (pattern.length > longestMatched) return null;
  const { source, flags } = spell(pattern);
  const kept = [...flags].filter((flag) => !idle.includes(flag)).join('');
  if (!/^[ims]*$/.test(kept)) return null;
  try {
    return new RegExp(source, `u${kept}`);
  } catch {
    return null;
  }
}
