/**
 * Regular languages as deterministic rules. xgrammar (0.1.27) joins states of alternatives that begin alike and then lets
 * texts through that are in none of them ("qaq" | "qbq" | "qbcq" takes qacq); where no two alternatives of a rule begin with
 * the same character it does not. So what is regular — lists, numbers, patterns — is made deterministic here.
 */
import { EngineError } from '../../errors.ts';
import { charClass, complement, literal, normalize, type CharRanges, type Grammar } from './ebnf.ts';

export type Regular =
  | { readonly kind: 'chars'; readonly ranges: CharRanges }
  | { readonly kind: 'sequence' | 'either'; readonly parts: readonly Regular[] }
  /** `max` null: without end. */
  | { readonly kind: 'repeat'; readonly part: Regular; readonly min: number; readonly max: number | null };

export const chars = (ranges: CharRanges): Regular => ({ kind: 'chars', ranges });
export const sequenceOf = (...parts: readonly Regular[]): Regular => ({ kind: 'sequence', parts });
export const eitherOf = (...parts: readonly Regular[]): Regular => ({ kind: 'either', parts });
export const repeat = (part: Regular, min: number, max: number | null): Regular => ({ kind: 'repeat', part, min, max });
export const optional = (part: Regular): Regular => repeat(part, 0, 1);
export const textOf = (text: string): Regular =>
  sequenceOf(...Array.from(text, (c) => chars([[c.codePointAt(0) ?? 0, c.codePointAt(0) ?? 0]])));

const mostStates = 4000;
const tooLarge = 'takes too large an automaton: use smaller counts or fewer alternatives';

/** Steps that read a character and steps that read none, by state. */
interface Nfa {
  readonly steps: { readonly ranges: CharRanges; readonly to: number }[][];
  readonly free: number[][];
}

/** @returns EBNF for the texts of `regular`. @throws EngineError invalid_value when it is too large */
export function regularRule(grammar: Grammar, hint: string, regular: Regular): string {
  const nfa: Nfa = { steps: [], free: [] };
  const start = addState(nfa);
  const end = build(nfa, regular, start);
  return emit(grammar, hint, determinize(nfa, start, end));
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
  }
}

interface State {
  readonly isEnd: boolean;
  /** Disjoint. */
  readonly steps: readonly { readonly ranges: CharRanges; readonly to: number }[];
}

/** State 0 is the start. */
function determinize(nfa: Nfa, start: number, end: number): State[] {
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
  const states: State[] = [];
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
      steps: [...targets].map(([to, ranges]) => ({ to, ranges: normalize(ranges) })),
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
function emit(grammar: Grammar, hint: string, states: readonly State[]): string {
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
    const alternatives = steps.map(({ ranges, to }) => follow(states, ranges, to, nameOf));
    grammar.define(nameOf(id), [...(isEnd ? ['""'] : []), ...alternatives].join(' | ') || '""');
  }
  return root;
}

function follow(states: readonly State[], ranges: CharRanges, to: number, nameOf: (id: number) => string): string {
  let text = single(ranges);
  const head = text === null ? charClass(ranges) : '';
  let at = to;
  text ??= '';
  for (;;) {
    const { isEnd, steps } = states[at];
    const [step] = steps;
    const c = steps.length === 1 && !isEnd && step !== undefined ? single(step.ranges) : null;
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
