/**
 * Regular languages as deterministic rules. xgrammar (0.1.27) joins states of alternatives that begin alike and then lets
 * texts through that are in none of them ("qaq" | "qbq" | "qbcq" takes qacq); where no two alternatives of a rule begin with
 * the same character it does not. So what is regular — lists, numbers, patterns — is made deterministic here.
 */
import { EngineError } from '../../errors.ts';
import { complement, exactClass, literal, normalize, type CharRanges, type Grammar } from './ebnf.ts';

export type Regular =
  | { readonly kind: 'chars'; readonly ranges: CharRanges }
  | { readonly kind: 'sequence' | 'either'; readonly parts: readonly Regular[] }
  /** `max` null: without end. */
  | { readonly kind: 'repeat'; readonly part: Regular; readonly min: number; readonly max: number | null }
  /** From state 0 along the steps to any end. */
  | { readonly kind: 'graph'; readonly states: readonly State<Regular>[] };

interface State<Label> {
  readonly isEnd: boolean;
  readonly steps: readonly { readonly label: Label; readonly to: number }[];
}

export const chars = (ranges: CharRanges): Regular => ({ kind: 'chars', ranges });
export const sequenceOf = (...parts: readonly Regular[]): Regular => ({ kind: 'sequence', parts });
export const eitherOf = (...parts: readonly Regular[]): Regular => ({ kind: 'either', parts });
export const repeat = (part: Regular, min: number, max: number | null): Regular => ({ kind: 'repeat', part, min, max });
export const optional = (part: Regular): Regular => repeat(part, 0, 1);
export const textOf = (text: string): Regular =>
  sequenceOf(...Array.from(text, (c) => chars([[c.codePointAt(0) ?? 0, c.codePointAt(0) ?? 0]])));

const mostStates = 4000;
/** Each costs the matcher's compiler some ten milliseconds where most characters may come. */
const mostCountedStates = 1000;
const tooLarge = 'takes too large an automaton: use smaller counts or fewer alternatives';

/** Steps that read a character and steps that read none, by state. */
interface Nfa {
  readonly steps: { readonly ranges: CharRanges; readonly to: number }[][];
  readonly free: number[][];
}

/** The texts of `regular` that have from `min` to `max` characters. @throws EngineError invalid_value when it is too large */
export function withLength(regular: Regular, min: number, max: number | null): Regular {
  const lengths = lengthsOf(regular);
  if (lengths.min >= min && (max === null || lengths.max <= max)) return regular;
  const states = automatonOf(regular);
  const last = max ?? min; // lengths beyond are all the same
  const idOf = (state: number, length: number): number => state * (last + 1) + length;
  if (states.length * (last + 1) > mostCountedStates) throw new EngineError('invalid_value', tooLarge);
  const counted = states.flatMap(({ isEnd, steps }) =>
    Array.from({ length: last + 1 }, (_, length) => {
      const next = length < last ? length + 1 : max === null ? last : null;
      const on = next === null ? [] : steps.map(({ label, to }) => ({ label: chars(label), to: idOf(to, next) }));
      return { isEnd: isEnd && length >= min, steps: on };
    }),
  );
  return { kind: 'graph', states: counted };
}

/** Characters of the shortest and of the longest text. */
function lengthsOf(regular: Regular): { readonly min: number; readonly max: number } {
  switch (regular.kind) {
    case 'chars':
      return { min: 1, max: 1 };
    case 'sequence': {
      const parts = regular.parts.map(lengthsOf);
      const sum = (key: 'min' | 'max') => parts.reduce((total, part) => total + part[key], 0);
      return { min: sum('min'), max: sum('max') };
    }
    case 'either': {
      const parts = regular.parts.map(lengthsOf);
      return { min: Math.min(...parts.map(({ min }) => min)), max: Math.max(...parts.map(({ max }) => max)) };
    }
    case 'repeat': {
      const part = lengthsOf(regular.part);
      const max = part.max === 0 ? 0 : part.max * (regular.max ?? Infinity);
      return { min: part.min * regular.min, max };
    }
    case 'graph':
      return { min: 0, max: Infinity };
  }
}

/** @returns EBNF for the texts of `regular`. @throws EngineError invalid_value when it is too large */
export function regularRule(grammar: Grammar, hint: string, regular: Regular): string {
  return emit(grammar, hint, automatonOf(regular));
}

/** Deterministic; state 0 is the start, the labels of a state's steps are disjoint. */
function automatonOf(regular: Regular): State<CharRanges>[] {
  const nfa: Nfa = { steps: [], free: [] };
  const start = addState(nfa);
  const end = build(nfa, regular, start);
  return withoutDeadEnds(determinize(nfa, start, end));
}

/** Takes out steps from which no end can be reached. */
function withoutDeadEnds(states: readonly State<CharRanges>[]): State<CharRanges>[] {
  const isAlive = states.map(({ isEnd }) => isEnd);
  for (let changed = true; changed;) {
    changed = false;
    for (let i = states.length - 1; i >= 0; i--) {
      if (isAlive[i] || !states[i].steps.some(({ to }) => isAlive[to])) continue;
      isAlive[i] = changed = true;
    }
  }
  if (!isAlive[0]) throw new EngineError('invalid_value', 'allows no text at all');
  return states.map(({ isEnd, steps }) => ({ isEnd, steps: steps.filter(({ to }) => isAlive[to]) }));
}

function addState(nfa: Nfa): number {
  nfa.steps.push([]);
  nfa.free.push([]);
  if (nfa.steps.length > 10 * mostStates) throw new EngineError('invalid_value', tooLarge);
  return nfa.steps.length - 1;
}

/** Adds `regular` behind state `from`. @returns the state behind it */
function build(nfa: Nfa, regular: Regular, from: number): number {
  switch (regular.kind) {
    case 'chars': {
      const to = addState(nfa);
      nfa.steps[from].push({ ranges: regular.ranges, to });
      return to;
    }
    case 'sequence':
      return regular.parts.reduce((state, part) => build(nfa, part, state), from);
    case 'either': {
      const to = addState(nfa);
      for (const part of regular.parts) nfa.free[build(nfa, part, from)].push(to);
      return to;
    }
    case 'repeat': {
      const { part, min, max } = regular;
      let state = from;
      for (let i = 0; i < min; i++) state = build(nfa, part, state);
      if (max === null) {
        const loop = addState(nfa);
        nfa.free[state].push(loop);
        nfa.free[build(nfa, part, loop)].push(loop);
        return loop;
      }
      const to = addState(nfa);
      for (let i = min; i < max; i++) {
        nfa.free[state].push(to);
        // Of its own, so that a repeated part cannot lead back into what stands before it.
        const next = addState(nfa);
        nfa.free[state].push(next);
        state = build(nfa, part, next);
      }
      nfa.free[state].push(to);
      return to;
    }
    case 'graph': {
      const to = addState(nfa);
      const ids = regular.states.map(() => addState(nfa));
      nfa.free[from].push(ids[0]);
      regular.states.forEach(({ isEnd, steps }, i) => {
        if (isEnd) nfa.free[ids[i]].push(to);
        for (const step of steps) nfa.free[build(nfa, step.label, ids[i])].push(ids[step.to]);
      });
      return to;
    }
  }
}

function determinize(nfa: Nfa, start: number, end: number): State<CharRanges>[] {
  const sets: number[][] = [];
  const known = new Map<string, number>();
  const idOf = (from: readonly number[]): number => {
    const set = closure(nfa, from);
    const key = set.join();
    const id = known.get(key) ?? sets.push(set) - 1;
    known.set(key, id);
    if (sets.length > mostStates) throw new EngineError('invalid_value', tooLarge);
    return id;
  };
  idOf([start]);
  const states: State<CharRanges>[] = [];
  for (let i = 0; i < sets.length; i++) {
    const set = sets[i];
    const steps = set.flatMap((state) => nfa.steps[state]);
    const targets = new Map<number, (readonly [number, number])[]>();
    for (const [low, high] of pieces(steps)) {
      const to = steps.filter(({ ranges }) => ranges.some(([a, b]) => a <= low && high <= b)).map((step) => step.to);
      const id = idOf(to);
      targets.set(id, [...(targets.get(id) ?? []), [low, high]]);
    }
    states.push({
      isEnd: set.includes(end),
      steps: [...targets].map(([to, ranges]) => ({ to, label: normalize(ranges) })),
    });
  }
  return states;
}

function closure(nfa: Nfa, from: readonly number[]): number[] {
  const set = new Set(from);
  for (const state of set) for (const next of nfa.free[state]) set.add(next);
  return [...set].sort((a, b) => a - b);
}

/** The ranges of `steps`, cut so that each piece is wholly inside or outside of each range. */
function pieces(steps: readonly { readonly ranges: CharRanges }[]): CharRanges {
  const all = steps.flatMap(({ ranges }) => ranges);
  const cuts = [...new Set(all.flatMap(([a, b]) => [a, b + 1]))].sort((a, b) => a - b);
  const covered = normalize(all);
  return cuts.slice(0, -1).flatMap((low, i) => {
    const high = (cuts[i + 1] ?? 0) - 1;
    return covered.some(([a, b]) => a <= low && high <= b) ? [[low, high] as const] : [];
  });
}

/** A rule for each state, a run of single characters in one string. */
function emit(grammar: Grammar, hint: string, states: readonly State<CharRanges>[]): string {
  const names = new Map<number, string>();
  const nameOf = (id: number): string => {
    const known = names.get(id);
    if (known !== undefined) return known;
    const name = grammar.reserve(hint);
    names.set(id, name);
    pending.push(id);
    return name;
  };
  const pending: number[] = [];
  const root = nameOf(0);
  for (let id = pending.pop(); id !== undefined; id = pending.pop()) {
    const { isEnd, steps } = states[id];
    const alternatives = steps.map(({ label, to }) => follow(states, label, to, nameOf));
    grammar.define(nameOf(id), [...(isEnd ? ['""'] : []), ...alternatives].join(' | ') || '""');
  }
  return root;
}

function follow(
  states: readonly State<CharRanges>[],
  ranges: CharRanges,
  to: number,
  nameOf: (id: number) => string,
): string {
  let text = single(ranges);
  const head = text === null ? exactClass(ranges) : '';
  let at = to;
  text ??= '';
  for (;;) {
    const { isEnd, steps } = states[at];
    const [step] = steps;
    const c = steps.length === 1 && !isEnd && step !== undefined ? single(step.label) : null;
    if (c === null || step === undefined || step.to === at) break;
    text += c;
    at = step.to;
  }
  const isLast = states[at].isEnd && states[at].steps.length === 0;
  return [head, text === '' ? '' : literal(text), isLast ? '' : nameOf(at)].filter(Boolean).join(' ');
}

function single(ranges: CharRanges): string | null {
  const [range] = ranges;
  return ranges.length === 1 && range !== undefined && range[0] === range[1] ? String.fromCodePoint(range[0]) : null;
}

/** Every character. */
export const anyChar = chars(complement([]));
