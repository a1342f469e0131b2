/**
 * Regular languages as deterministic automata. xgrammar (0.1.27) joins states of alternatives that begin alike and then lets
 * texts through that are in none of them ("qaq" | "qbq" | "qbcq" takes qacq); where no two alternatives of a rule begin with
 * the same character it does not. So what is regular — lists, numbers, patterns — is made deterministic here.
 */
import { EngineError } from '../../errors.ts';
import type { Budget } from './budget.ts';
import { complement, normalize, within, type CharRanges } from './ebnf.ts';
import { Nfa } from './nfa.ts';
import { chars, lengthsOf, wordRanges, type Assertion, type Regular, type State } from './regular.ts';

export type Automaton = readonly State<CharRanges>[];

/** Each costs the matcher's compiler some ten milliseconds where most characters may come. */
const mostCountedStates = 1000;

/**
 * State 0 is the start, the labels of a state's steps are disjoint, and an end can be reached from every state.
 * @throws BudgetError; EngineError invalid_value when there is no text
 */
export function automatonOf(regular: Regular, budget: Budget): Automaton {
  return withoutDeadEnds(new Determinizer(new Nfa(regular, budget), budget).states());
}

/** @throws BudgetError */
export function accepts(states: Automaton, text: string, budget: Budget): boolean {
  let at = states[0];
  for (const c of text) {
    const code = c.codePointAt(0)!;
    const step = at.steps.find(({ label }) => {
      budget.spend('steps', label.length);
      return label.some(([first, last]) => first <= code && code <= last);
    });
    if (step === undefined) return false;
    at = states[step.to];
  }
  return at.isEnd;
}

/** `regular` without assertions, so that it means the same inside of other text. */
export function settled(regular: Regular, budget: Budget): Regular {
  return hasAssertion(regular) ? graphOf(automatonOf(regular, budget)) : regular;
}

function hasAssertion(regular: Regular): boolean {
  switch (regular.kind) {
    case 'assertion':
      return true;
    case 'repeat':
      return hasAssertion(regular.part);
    case 'sequence':
    case 'either':
      return regular.parts.some(hasAssertion);
    case 'chars':
    case 'graph':
      return false;
  }
}

function graphOf(states: Automaton): Regular {
  const labelled = ({ label, to }: State<CharRanges>['steps'][number]) => ({ label: chars(label), to });
  return { kind: 'graph', states: states.map(({ isEnd, steps }) => ({ isEnd, steps: steps.map(labelled) })) };
}

/** The texts of `regular` that have from `min` to `max` characters. @throws EngineError invalid_value when it is too large */
export function withLength(regular: Regular, min: number, max: number | null, budget: Budget): Regular {
  const lengths = lengthsOf(regular);
  if (lengths.min >= min && (max === null || lengths.max <= max)) return regular;
  const states = automatonOf(regular, budget);
  const last = max ?? min; // lengths beyond are all the same
  const idOf = (state: number, length: number): number => state * (last + 1) + length;
  if (states.length * (last + 1) > mostCountedStates) {
    throw new EngineError(
      'invalid_value',
      `needs more than ${mostCountedStates} states to count the length of a pattern`,
    );
  }
  const counted = states.flatMap(({ isEnd, steps }) =>
    Array.from({ length: last + 1 }, (_, length) => {
      const next = length < last ? length + 1 : max === null ? last : null;
      const on = next === null ? [] : steps.map(({ label, to }) => ({ label: chars(label), to: idOf(to, next) }));
      return { isEnd: isEnd && length >= min, steps: on };
    }),
  );
  return { kind: 'graph', states: counted };
}

/** The texts that are in both. @throws BudgetError; EngineError invalid_value when there is none */
export function intersection(a: Regular, b: Regular, budget: Budget): Regular {
  const [left, right] = [automatonOf(a, budget), automatonOf(b, budget)];
  const pairs: (readonly [number, number])[] = [];
  const ids = new Map<number, number>();
  const idOf = (i: number, j: number): number => {
    const key = i * right.length + j;
    const id = ids.get(key) ?? pairs.push([i, j]) - 1;
    ids.set(key, id);
    return id;
  };
  idOf(0, 0);
  const states: State<CharRanges>[] = [];
  for (let id = 0; id < pairs.length; id++) {
    budget.spend('states');
    const [from, other] = pairs[id].map((state, side) => (side === 0 ? left : right)[state]);
    const steps = from.steps.flatMap((step) =>
      other.steps.flatMap(({ label, to }) => {
        budget.spend('steps', step.label.length + label.length);
        const both = label.flatMap(([low, high]) => within(step.label, low, high));
        return both.length === 0 ? [] : [{ label: both, to: idOf(step.to, to) }];
      }),
    );
    states.push({ isEnd: from.isEnd && other.isEnd, steps });
  }
  return graphOf(withoutDeadEnds(states));
}

/** Takes out states from which no end can be reached, and the steps to them. */
function withoutDeadEnds(states: Automaton): Automaton {
  const before = states.map((): number[] => []);
  states.forEach(({ steps }, from) => steps.forEach(({ to }) => before[to].push(from)));
  const alive = new Set(states.flatMap(({ isEnd }, id) => (isEnd ? [id] : [])));
  for (const id of alive) for (const from of before[id]) alive.add(from);
  if (!alive.has(0)) throw new EngineError('invalid_value', 'allows no text at all');
  const newIds = new Map([...alive].sort((a, b) => a - b).map((id, i) => [id, i]));
  return [...newIds.keys()].map((id) => ({
    isEnd: states[id].isEnd,
    steps: states[id].steps.flatMap(({ label, to }) => (alive.has(to) ? [{ label, to: newIds.get(to)! }] : [])),
  }));
}

/** What stands beside a place between characters: a character of a word, any other, or none. */
type Beside = 'word' | 'other' | 'none';

const holds: Readonly<Record<Assertion, (before: Beside, after: Beside) => boolean>> = {
  start: (before) => before === 'none',
  end: (_, after) => after === 'none',
  boundary: (before, after) => (before === 'word') !== (after === 'word'),
  inside: (before, after) => (before === 'word') === (after === 'word'),
};

const otherRanges = complement(wordRanges);

/** The subset construction. A state is a set of the automaton's states and, if assertions ask for it, what stood before. */
class Determinizer {
  readonly #nfa: Nfa;
  readonly #budget: Budget;
  readonly #sets: { readonly set: readonly number[]; readonly before: Beside }[] = [];
  readonly #ids = new Map<string, number>();

  constructor(nfa: Nfa, budget: Budget) {
    this.#nfa = nfa;
    this.#budget = budget;
  }

  states(): State<CharRanges>[] {
    const { start, end, checks } = this.#nfa;
    this.#idOf([start], 'none');
    const states: State<CharRanges>[] = [];
    for (let id = 0; id < this.#sets.length; id++) {
      const { set, before } = this.#sets[id];
      const targets = new Map<number, (readonly [number, number])[]>();
      if (checks.size === 0) this.#follow(set, null, 'none', targets);
      else {
        this.#follow(this.#checked(set, before, 'word'), wordRanges, 'word', targets);
        this.#follow(this.#checked(set, before, 'other'), otherRanges, 'other', targets);
      }
      states.push({
        isEnd: this.#checked(set, before, 'none').includes(end),
        steps: [...targets].map(([to, ranges]) => ({ to, label: normalize(ranges) })),
      });
    }
    return states;
  }

  #idOf(from: Iterable<number>, before: Beside): number {
    const set = this.#closure(from);
    const key = `${before} ${set.join()}`;
    const known = this.#ids.get(key);
    if (known !== undefined) return known;
    this.#budget.spend('states');
    const id = this.#sets.push({ set, before }) - 1;
    this.#ids.set(key, id);
    return id;
  }

  /** Where `from` leads without a character; states that only lead on are left out, so that equal sets look equal. */
  #closure(from: Iterable<number>): number[] {
    const { steps, free, checks, end } = this.#nfa;
    const set = new Set(from);
    for (const state of set) for (const next of free[state]) set.add(next);
    this.#budget.spend('steps', set.size);
    return [...set].filter((id) => steps[id].length > 0 || id === end || checks.has(id)).sort((a, b) => a - b);
  }

  /** `set` and where it leads when `after` comes behind `before`. */
  #checked(set: readonly number[], before: Beside, after: Beside): readonly number[] {
    const { checks } = this.#nfa;
    if (checks.size === 0) return set;
    let all = set;
    for (;;) {
      const more = all.flatMap((state) => checks.get(state) ?? []).filter(({ is }) => holds[is](before, after));
      const next = this.#closure([...all, ...more.map(({ to }) => to)]);
      if (next.length === all.length) return all;
      all = next;
    }
  }

  /** Adds to `targets` where the characters of `only` (null: all) lead from `set`: a sweep over the ends of all ranges. */
  #follow(
    set: readonly number[],
    only: CharRanges | null,
    before: Beside,
    targets: Map<number, (readonly [number, number])[]>,
  ): void {
    const events: { readonly at: number; readonly to: number; readonly change: 1 | -1 }[] = [];
    for (const state of set) {
      for (const { ranges, to } of this.#nfa.steps[state]) {
        const kept = only === null ? ranges : only.flatMap(([low, high]) => within(ranges, low, high));
        for (const [low, high] of kept) events.push({ at: low, to, change: 1 }, { at: high + 1, to, change: -1 });
        this.#budget.spend('steps', kept.length + ranges.length);
      }
    }
    events.sort((a, b) => a.at - b.at);
    const active = new Map<number, number>();
    events.forEach(({ at, to, change }, i) => {
      const count = (active.get(to) ?? 0) + change;
      if (count === 0) active.delete(to);
      else active.set(to, count);
      const next = events[i + 1];
      if (next === undefined || next.at === at || active.size === 0) return;
      const id = this.#idOf(active.keys(), before);
      const ranges = targets.get(id);
      if (ranges === undefined) targets.set(id, [[at, next.at - 1]]);
      else ranges.push([at, next.at - 1]);
    });
  }
}
