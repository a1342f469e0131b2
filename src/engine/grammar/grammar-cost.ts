/**
 * What a grammar costs xgrammar to compile, told from its text: xgrammar writes repetitions out, so that a few characters can
 * take it for ever. Measured on 0.1.27: a repetition of more than 128 is written out some 128 times, with what is inside.
 */
import { EngineError } from '../../errors.ts';
import type { ConstraintSpec } from './constraint.ts';

interface GrammarCost {
  /** Characters, classes and names when repetitions are written out. */
  readonly symbols: number;
  /** Those that most characters fit: each takes the compiler some ten milliseconds for 50,000 tokens. */
  readonly wide: number;
  /** About a millisecond each. */
  readonly rules: number;
}

const most: GrammarCost = { symbols: 1_000_000, wide: 4000, rules: 20_000 };
/** Beyond this a grammar keeps others waiting for more than a second or two. */
const mostOfLight: GrammarCost = { symbols: 100_000, wide: 100, rules: 3000 };

const costs = ['symbols', 'wide', 'rules'] as const;
const names = { symbols: 'symbols', wide: 'places where most characters may come', rules: 'rules' };
const longestKept = 128;
const copies = 256;
/** Characters of ASCII in a class, beyond which it counts as wide. */
const mostOfNarrow = 70;

/** @throws EngineError invalid_value when it is too much for any thread */
export function checkCost({ text, kind, param }: ConstraintSpec): GrammarCost {
  const cost = kind === 'grammar' ? grammarCost(text) : tagCost(JSON.parse(text));
  const key = costs.find((one) => cost[one] > most[one]);
  if (key === undefined) return cost;
  const what = `more than ${most[key]} ${names[key]}: use smaller or fewer repetitions`;
  throw new EngineError('invalid_value', `${param ?? kind}: written out, the grammar has ${what}.`, { param });
}

export function isHeavy(cost: GrammarCost): boolean {
  return costs.some((one) => cost[one] > mostOfLight[one]);
}

const plus = (a: GrammarCost, b: GrammarCost): GrammarCost => ({
  symbols: a.symbols + b.symbols,
  wide: a.wide + b.wide,
  rules: a.rules + b.rules,
});
const timesOver = ({ symbols, wide, rules }: GrammarCost, n: number): GrammarCost => ({
  symbols: symbols * n,
  wide: wide * n,
  rules,
});
const nothing: GrammarCost = { symbols: 0, wide: 0, rules: 0 };

/** Of a structural tag: the grammars inside of it; its other texts are read as they are. */
function tagCost(part: unknown, key = ''): GrammarCost {
  if (typeof part === 'string') return key === 'grammar' ? grammarCost(part) : { ...nothing, symbols: part.length };
  if (typeof part !== 'object' || part === null) return nothing;
  return Object.entries(part)
    .map(([name, inner]) => tagCost(inner, name))
    .reduce(plus, nothing);
}

/** A group that is open: what it has so far, and its last part, which a repetition may follow. */
interface Group {
  before: GrammarCost;
  last: GrammarCost;
  isLeaf: boolean;
}

/** What opens and never closes is taken once, to its end. */
const token = /#.*|"(?:[^"\\\n]|\\.)*"?|\[((?:[^\]\\]|\\[^])*)\]?|\{(\d*)(,?)(\d*)\}|::=|[A-Za-z_][\w.-]*|[().]/g;

/** @param text EBNF; what is none is counted as if it were */
function grammarCost(text: string): GrammarCost {
  const groups: Group[] = [{ before: nothing, last: nothing, isLeaf: true }];
  for (const match of text.matchAll(token)) {
    const [all, inClass, least, comma, greatest] = match;
    const group = groups.at(-1)!;
    if (all.startsWith('#')) continue;
    if (all === '::=') add(group, { ...nothing, rules: 1 }, true);
    else if (all === '(') groups.push({ before: nothing, last: nothing, isLeaf: true });
    else if (all === ')') {
      if (groups.length > 1) groups.pop();
      add(groups.at(-1)!, plus(group.before, group.last), false);
    } else if (all.startsWith('{')) {
      const n = Number((comma === '' ? least : greatest) || least || 1);
      group.last = timesOver(group.last, n > longestKept ? copies : group.isLeaf ? n : 2);
      group.isLeaf = false;
    } else if (inClass !== undefined) add(group, { symbols: 1, wide: isWide(inClass) ? 1 : 0, rules: 0 }, true);
    else if (all === '.') add(group, { symbols: 1, wide: 1, rules: 0 }, true);
    else add(group, { symbols: all.startsWith('"') ? Math.max(0, all.length - 2) : 1, wide: 0, rules: 0 }, true);
  }
  return groups.map(({ before, last }) => plus(before, last)).reduce(plus, nothing);
}

function add(group: Group, cost: GrammarCost, isLeaf: boolean): void {
  group.before = plus(group.before, group.last);
  group.last = cost;
  group.isLeaf = isLeaf;
}

const member = /\\u([0-9a-fA-F]{4})|\\U([0-9a-fA-F]{8})|\\x([0-9a-fA-F]+)|\\?(.)/gsu;

function isWide(inClass: string): boolean {
  if (inClass.startsWith('^')) return true;
  const codes = Array.from(inClass.matchAll(member), ([, short, long, byte, plain]) =>
    plain === undefined
      ? parseInt(short ?? long ?? byte ?? '0', 16)
      : plain === '-'
        ? null
        : (plain.codePointAt(0) ?? 0),
  );
  let size = 0;
  codes.forEach((code, i) => {
    const from = codes[i - 2];
    if (code === null || code > 0x7f) return;
    size += codes[i - 1] === null && from != null ? code - from : 1;
  });
  return size > mostOfNarrow;
}
