/** Deterministic automata → EBNF. */
import { automatonOf, type Automaton } from './automaton.ts';
import { exactClass, literal, type CharRanges, type Grammar } from './ebnf.ts';
import type { Regular } from './regular.ts';

/** @returns EBNF for the texts of `regular`. @throws EngineError invalid_value when it is too large or there is none */
export function regularRule(grammar: Grammar, hint: string, regular: Regular): string {
  return emit(grammar, hint, automatonOf(regular, grammar.budget));
}

/** A rule for each state, a run of single characters in one string. */
function emit(grammar: Grammar, hint: string, states: Automaton): string {
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

function follow(states: Automaton, ranges: CharRanges, to: number, nameOf: (id: number) => string): string {
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
