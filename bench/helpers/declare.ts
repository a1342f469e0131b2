/** What a bench says about itself: `bench/NAME/flags.ts` exports one of these, `bench/NAME/main.ts` the function that runs. */
import { EngineError } from '../../src/errors.ts';
import { text, type ConfigOf, type Setting } from '../../src/settings.ts';

type Table = Record<string, Setting<unknown>>;

export interface BenchSpec<T extends Table = Table> {
  readonly name: string;
  /** What it measures, in a line: help's first line and the row of bench/README.md. */
  readonly measures: string;
  readonly flags: T;
  /** What else help should say: modes, units, how to read the figures. */
  readonly more?: string;
  /** Command lines behind `npm run bench -- NAME`. */
  readonly examples: readonly string[];
  /** Operands: `<a>` and the like. */
  readonly operands?: readonly string[];
}

/** The parsed flags of a bench. */
export type FlagsOf<Spec extends BenchSpec> = ConfigOf<Spec['flags']>;

/**
 * Runs the bench. What it gives is printed as the last line, with the bench's name in front; `exitCode` is for a bench that
 * finds something wrong.
 */
export type RunBench<Spec extends BenchSpec> = (
  flags: FlagsOf<Spec>,
  operands: readonly string[],
) => Promise<BenchResult>;

export interface BenchResult {
  readonly result: object;
  readonly exitCode?: number;
}

export function declare<T extends Table>(spec: BenchSpec<T>): BenchSpec<T> {
  return spec;
}

type Rest = Pick<Setting<unknown>, 'doc' | 'flags'>;

/** Positive integers, separated by commas. */
export function counts(def: readonly number[], rest: Rest): Setting<number[]> {
  const parse = (value: string, flag: string): number[] => {
    const list = value.split(',').map(Number);
    if (list.every((n) => Number.isSafeInteger(n) && n > 0)) return list;
    throw new EngineError('bad_flag', `${flag}: expected counts such as 1,16, got ${JSON.stringify(value)}`);
  };
  return { ...rest, default: [...def], placeholder: 'n,n,…', list: false, parse };
}

/** Several names, each checked against `known` where that is given. */
export function names(
  known: readonly string[],
  placeholder: string,
  rest: Rest,
  def: string[] = [],
): Setting<string[]> {
  const parse = (value: string, flag: string): string => {
    if (known.includes(value)) return value;
    const many = value.includes(',') ? '; put spaces between several' : '';
    throw new EngineError(
      'bad_flag',
      `${flag}: expected one of ${known.join(', ')}, got ${JSON.stringify(value)}${many}`,
    );
  };
  return { ...rest, doc: `${rest.doc} Of ${known.join(', ')}.`, default: def, placeholder, list: true, parse };
}

/** The model of a bench; helpers/model.ts finds it. */
export const modelFlag = text('', 'path', {
  flags: ['model', 'model_dir'],
  doc: 'Hugging Face directory, .gguf file or name of a pulled model; default the default model, fetched when missing.',
});

/** '' when the flag stands alone; helpers/peer.ts installs the peer then. */
export const peerFlag = (what: string): Setting<string | null> => ({
  flags: ['peer'],
  doc: `Measure ${what} beside it; without a directory it is installed into Dawnlight's cache first.`,
  default: null,
  placeholder: '[dir]',
  list: false,
  parse: (value) => value,
});
