/** Building blocks of the settings tables in config.ts: a default, a doc line, flag names and how a flag's text is read. */
import { EngineError } from './errors.ts';

export interface Setting<T> {
  readonly default: T;
  readonly doc: string;
  /** Flag names without dashes; the first is the one that help shows. Every `_` may be written `-`. */
  readonly flags: readonly string[];
  /** What help shows for the value, in brackets where it may be left out; null for a flag that takes none. */
  readonly placeholder: string | null;
  /** Whether the flag takes several values and may be repeated. */
  readonly list: boolean;
  /** The flag's text as a value, or as one element of a list. `flag` names the flag in error messages. */
  readonly parse: (text: string, flag: string) => unknown;
}

/** The values that a table of settings describes. */
export type ConfigOf<Table extends Record<string, Setting<unknown>>> = {
  -readonly [K in keyof Table]: Table[K]['default'];
};

export function defaultsOf<Table extends Record<string, Setting<unknown>>>(table: Table): ConfigOf<Table> {
  return Object.fromEntries(
    Object.entries(table).map(([key, setting]) => [key, structuredClone(setting.default)]),
  ) as ConfigOf<Table>;
}

function bad(flag: string, expected: string, text: string): EngineError {
  return new EngineError('bad_flag', `${flag}: expected ${expected}, got ${JSON.stringify(text)}`, { param: flag });
}

type Rest<T> = Pick<Setting<T>, 'doc' | 'flags'>;

export function text<T extends string | null>(def: T, placeholder: string, rest: Rest<string>): Setting<string | T> {
  const parse = (value: string, flag: string): string => {
    if (value === '') throw bad(flag, placeholder, value);
    return value;
  };
  return { ...rest, default: def, placeholder, list: false, parse };
}

export function texts(placeholder: string, rest: Rest<string[]>): Setting<string[]> {
  const parse = (value: string, flag: string): string => {
    if (value === '') throw bad(flag, placeholder, value);
    return value;
  };
  return { ...rest, default: [], placeholder, list: true, parse };
}

interface Range {
  readonly min: number;
  readonly max?: number;
  readonly integer?: boolean;
}

export function number<T extends number | null>(def: T, range: Range, rest: Rest<number>): Setting<number | T> {
  const { min, max = Number.MAX_SAFE_INTEGER, integer = true } = range;
  const kind = integer ? 'an integer' : 'a number';
  const expected = range.max === undefined ? `${kind} of at least ${min}` : `${kind} from ${min} to ${max}`;
  const parse = (value: string, flag: string): number => {
    const n = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(value.trim()) ? Number(value) : NaN;
    if (!(n >= min && n <= max) || (integer && !Number.isInteger(n))) throw bad(flag, expected, value);
    return n;
  };
  return { ...rest, default: def, placeholder: integer ? 'n' : 'x', list: false, parse };
}

/** Characters of a flag and its choices; beyond it these go to the doc line: help has one column for all flags. */
const WIDEST_FLAG = 32;

/** What other programs call a choice, and what they have that is none: the latter with what to take instead. */
interface OtherNames<T> {
  readonly same?: Readonly<Record<string, T>>;
  readonly refused?: Readonly<Record<string, string>>;
}

export function choice<T extends string>(
  def: T,
  choices: readonly T[],
  rest: Rest<T>,
  { same = {}, refused = {} }: OtherNames<T> = {},
): Setting<T> {
  const all = choices.join('|');
  const short = rest.flags[0].length + all.length <= WIDEST_FLAG;
  const parse = (value: string, flag: string): T => {
    const found = choices.find((c) => c === value) ?? (Object.hasOwn(same, value) ? same[value] : undefined);
    if (found !== undefined) return found;
    const instead = Object.hasOwn(refused, value) ? ` (${refused[value]})` : '';
    throw bad(flag, `one of ${choices.join(', ')}${instead}`, value);
  };
  const doc = short ? rest.doc : `${rest.doc} One of ${choices.join(', ')}.`;
  return { ...rest, doc, default: def, placeholder: short ? all : 'name', list: false, parse };
}

/** A flag without a value: giving it turns the default round. */
export function toggle(def: boolean, rest: Rest<boolean>): Setting<boolean> {
  return { ...rest, default: def, placeholder: null, list: false, parse: () => !def };
}
