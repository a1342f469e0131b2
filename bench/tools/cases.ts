/** The held-out sets, and what counts as a right answer. scripts/tool-adapter/held_out.py and held_out_second.py make the files. */
import { readFileSync } from 'node:fs';
import { isDeepStrictEqual } from 'node:util';

/** From the repository's root. */
const FILES = {
  first: 'test/fixtures/tool-adapter/held-out.json',
  second: 'test/fixtures/tool-adapter/held-out-second.json',
};

export type HeldOutSet = keyof typeof FILES;

interface Call {
  readonly name: string;
  readonly arguments: unknown;
}

export interface Case {
  readonly kind: string;
  /** Names of the tools that the request has. */
  readonly tools: readonly string[];
  readonly messages: readonly object[];
  /** The calls that are wanted; none for an answer in words. */
  readonly calls?: readonly Call[];
  /** One of these has to be in the answer. */
  readonly contains?: readonly string[];
}

interface HeldOut {
  readonly tools: Readonly<Record<string, object>>;
  readonly cases: readonly Case[];
}

/** What a chat answer comes to. */
export interface Answer {
  readonly content: string;
  readonly calls: readonly { readonly name: string; readonly arguments: string }[];
  readonly finishReason: string;
}

/**
 * The kinds take turns, so that a run that is cut short has some of each.
 * @param every takes each n-th case of a kind
 */
export function heldOut(set: HeldOutSet, every: number): HeldOut {
  const { tools, cases } = JSON.parse(readFileSync(FILES[set], 'utf8')) as HeldOut;
  const kinds = [...new Set(cases.map(({ kind }) => kind))].map((kind) => cases.filter((c) => c.kind === kind));
  const placed = kinds.flatMap((all) => all.map((asked, i) => ({ asked, i, place: i / all.length })));
  const taken = placed.filter(({ i }) => i % every === 0).sort((a, b) => a.place - b.place);
  return { tools, cases: taken.map(({ asked }) => asked) };
}

/** Calls may come in any order; their arguments have to be equal as values. */
export function isRight({ calls, contains }: Case, answer: Answer): boolean {
  if (contains !== undefined) {
    const text = answer.content.toLowerCase();
    return answer.calls.length === 0 && contains.some((word) => text.includes(word.toLowerCase()));
  }
  const made = answer.calls.map((call) => ({ name: call.name, arguments: parsed(call.arguments) }));
  const wanted = [...(calls ?? [])];
  if (made.length !== wanted.length) return false;
  for (const call of made) {
    const at = wanted.findIndex((other) => isDeepStrictEqual(other, call));
    if (at < 0) return false;
    wanted.splice(at, 1);
  }
  return true;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
