/**
 * What one request's grammar may cost, counted as it is made: the same request is always refused or never. A few bytes of a
 * schema or an expression can stand for a grammar without bounds.
 */
import { EngineError } from '../../errors.ts';

const limits = {
  /** Of the compiler: about 100 ns each. */
  steps: 4_000_000,
  /** Of automata, which patterns, numbers and lists become. */
  states: 50_000,
  /** Of the grammar. */
  characters: 4_000_000,
  /** Values of `$ref`, `allOf` and `anyOf` written out. */
  schemas: 100_000,
} as const;

export type Cost = keyof typeof limits;

export class Budget {
  readonly spent: Record<Cost, number> = { steps: 0, states: 0, characters: 0, schemas: 0 };

  /** @throws BudgetError when it is too much */
  spend(cost: Cost, amount = 1): void {
    this.spent[cost] += amount;
    if (this.spent[cost] > limits[cost]) throw new BudgetError(cost);
  }
}

export class BudgetError extends EngineError {
  readonly cost: Cost;

  /** @param place what it is that needs so much, with a space behind it */
  constructor(cost: Cost, place = '') {
    super('invalid_value', `${place}needs more than ${limits[cost]} ${cost}: use smaller counts or fewer alternatives`);
    this.cost = cost;
  }
}
