/**
 * Which kernel and plan is fastest for each product of a model, by measuring. Products with as many tokens as fit the same
 * power of two are one question; what is not answered within the budget stays with the table of kernels.
 */
import type { MatrixShape } from '../../tensor/matrix.ts';
import type { ProductChoice, ProductChoices, ProductShape, ProductUse } from '../matmul/product-choices.ts';

/** Tokens of a step, from a decode step to a piece of a prompt, in the order of what matters most. */
const tokenCounts = [1, 512, 64, 16, 4, 8, 2, 32, 256, 128] as const;

/** A matrix of the model with so many tokens. */
export interface Question {
  readonly matrix: MatrixShape;
  readonly tokens: number;
  readonly use: ProductUse;
}

/** Answers by question (`keyOf`). */
export type Answers = ReadonlyMap<string, ProductChoice>;

export interface Tuner {
  /** What could be taken. */
  candidates(question: Question): readonly ProductChoice[];
  /** Seconds of each; Infinity where one cannot run. */
  time(question: Question, candidates: readonly ProductChoice[]): Promise<readonly number[]>;
}

export const shapeOf = ({ matrix: { format, rows, cols }, tokens, use }: Question): ProductShape => ({
  ...{ format, rows, cols, tokens, use },
});

/** A matrix of the model, and the tokens of the largest step that it is multiplied in so. */
export interface UsedMatrix {
  readonly matrix: MatrixShape;
  readonly mostTokens: number;
  readonly use: ProductUse;
}

/** Each once, whatever the matrix is called. */
export function questionsOf(used: readonly UsedMatrix[]): Question[] {
  const shapes = new Map(used.map((each) => [keyOf({ ...each.matrix, tokens: 1, use: each.use }), each]));
  return tokenCounts.flatMap((tokens) =>
    [...shapes.values()].flatMap(({ matrix, mostTokens, use }) =>
      tokens < 2 * mostTokens ? [{ matrix, tokens, use }] : [],
    ),
  );
}

/**
 * Answers questions one after the other until the budget is used up: the next is begun only if one as long as the longest
 * so far would still fit.
 *
 * @param known answers that are there already
 * @param now in seconds
 */
export async function tuneProducts(
  questions: readonly Question[],
  known: Answers,
  tuner: Tuner,
  { budget, now }: { readonly budget: number; readonly now: () => number },
): Promise<Answers> {
  const answers = new Map(known);
  const start = now();
  let longest = 0;
  for (const question of questions) {
    const key = keyOf(shapeOf(question));
    if (answers.has(key)) continue;
    const begun = now();
    if (begun - start + longest > budget) break;
    const candidates = tuner.candidates(question);
    const times = candidates.length > 1 ? await tuner.time(question, candidates) : candidates.map(() => 0);
    const best = times.indexOf(Math.min(...times));
    if (best >= 0 && times[best] < Infinity) answers.set(key, candidates[best]);
    longest = Math.max(longest, now() - begun);
  }
  return answers;
}

/** Steps of other sizes take the answer for the next power of two, beyond the largest its. */
export function choicesOf(answers: Answers): ProductChoices {
  return (product) => answers.get(keyOf(product)) ?? null;
}

export function keyOf({ format, rows, cols, tokens, use }: ProductShape): string {
  const power = 2 ** Math.ceil(Math.log2(Math.max(1, tokens)));
  return [format, `${rows}x${cols}`, Math.min(power, Math.max(...tokenCounts)), ...nameOf(use)].join(' ');
}

function nameOf(use: ProductUse): string[] {
  switch (use.kind) {
    case 'plain':
      return [];
    case 'fused':
      return [use.hasNorm ? 'norm' : '', use.activation ?? ''].filter(Boolean);
    case 'experts':
      return [`${use.perToken} of ${use.experts} experts${use.hasRowEach ? ', a row each' : ''}`];
    case 'heads':
      return [`${use.heads} heads`];
    default:
      return use satisfies never;
  }
}
