/** Regular expressions → automata that may have several ways to go on. */
import type { Budget } from './budget.ts';
import type { CharRanges } from './ebnf.ts';
import type { Assertion, Regular } from './regular.ts';

/** A state takes a few hundred bytes. */
const stepsOfState = 10;

export class Nfa {
  /** By state: steps that read a character. */
  readonly steps: { readonly ranges: CharRanges; readonly to: number }[][] = [];
  /** By state: where it leads without reading one. */
  readonly free: number[][] = [];
  /** By state: where it leads if something holds there. */
  readonly checks = new Map<number, { readonly is: Assertion; readonly to: number }[]>();
  readonly start: number;
  readonly end: number;
  readonly #budget: Budget;

  /** @throws BudgetError */
  constructor(regular: Regular, budget: Budget) {
    this.#budget = budget;
    this.start = this.#state();
    this.end = this.#build(regular, this.start);
  }

  #state(): number {
    this.#budget.spend('steps', stepsOfState);
    this.free.push([]);
    return this.steps.push([]) - 1;
  }

  /** Adds `regular` behind state `from`. @returns the state behind it */
  #build(regular: Regular, from: number): number {
    switch (regular.kind) {
      case 'chars': {
        const to = this.#state();
        this.steps[from].push({ ranges: regular.ranges, to });
        return to;
      }
      case 'assertion': {
        const to = this.#state();
        const checks = this.checks.get(from) ?? [];
        this.checks.set(from, checks);
        checks.push({ is: regular.is, to });
        return to;
      }
      case 'sequence':
        return regular.parts.reduce((state, part) => this.#build(part, state), from);
      case 'either': {
        const to = this.#state();
        for (const part of regular.parts) this.free[this.#build(part, from)].push(to);
        return to;
      }
      case 'repeat':
        return this.#repeat(regular, from);
      case 'graph': {
        const to = this.#state();
        const ids = regular.states.map(() => this.#state());
        this.free[from].push(ids[0]);
        regular.states.forEach(({ isEnd, steps }, i) => {
          if (isEnd) this.free[ids[i]].push(to);
          for (const step of steps) this.free[this.#build(step.label, ids[i])].push(ids[step.to]);
        });
        return to;
      }
    }
  }

  #repeat({ part, min, max }: Extract<Regular, { kind: 'repeat' }>, from: number): number {
    let state = from;
    for (let i = 0; i < min; i++) state = this.#build(part, state);
    if (max === null) {
      const loop = this.#state();
      this.free[state].push(loop);
      this.free[this.#build(part, loop)].push(loop);
      return loop;
    }
    const to = this.#state();
    for (let i = min; i < max; i++) {
      this.free[state].push(to);
      // Of its own, so that a repeated part cannot lead back into what stands before it.
      const next = this.#state();
      this.free[state].push(next);
      state = this.#build(part, next);
    }
    this.free[state].push(to);
    return to;
  }
}
