/**
 * The requests of a round: lengths (fixed, uniform around them, or log-normal as chats have them), and prompts of common words
 * to those lengths. Everything follows from the seed, so that two servers are sent the same.
 */
import { uniform } from '../../src/engine/running/random.ts';
import { workloads, type Lengths } from '../scheduler/workloads.ts';
import type { ServingRequest } from './apis.ts';

export interface Plan {
  readonly count: number;
  readonly seed: number;
  readonly dataset: 'random' | 'sharegpt-like';
  readonly inputLen: number;
  readonly outputLen: number;
  readonly rangeRatio: number;
  readonly prefixLen: number;
  readonly numPrefixes: number;
}

/** Tokens of a text; null counts words. */
export type CountTokens = ((text: string) => number) | null;

/** With a space in front each is one token of nearly every vocabulary. */
const words = (
  'the of and to in is that for it was on are as with his they at be this from have or by one had not but what all ' +
  'were when we there can an your which their said if do will each about how up out them then she many some so these ' +
  'would other into has more her two like him see time could no make than first been its who now people my made over ' +
  'did down only way find use may water long little very after words called just where most know'
).split(' ');

// Streams of random numbers that never meet.
const LENGTHS = 1;
const PROMPTS = 2;
const PREFIXES = 3;
const stream = (seed: number, kind: number): number => seed * 4 + kind;

const chats = workloads.find(({ name }) => name === 'ShareGPT-like')!;

export function planRequests(plan: Plan, countTokens: CountTokens): ServingRequest[] {
  const { count, seed, prefixLen, numPrefixes } = plan;
  // Prefixes outlive the round: what they are for is to be found again.
  const prefixes = Array.from({ length: numPrefixes }, (_, i) => wordsOf(prefixLen, stream(i, PREFIXES), countTokens));
  return Array.from({ length: count }, (_, i) => {
    const { prompt: inputLen, output: outputLen } = lengthsOf(plan, i);
    const own = wordsOf(inputLen, stream(seed * 1_000_003 + i, PROMPTS), countTokens);
    const prefix = prefixes[i % numPrefixes];
    return { prompt: `${prefix}${own}`, promptLen: prefixLen + inputLen, outputLen };
  });
}

function lengthsOf({ seed, dataset, inputLen, outputLen, rangeRatio }: Plan, i: number): Lengths {
  if (dataset === 'sharegpt-like') return chats.lengths(stream(seed, LENGTHS), i);
  const around = (length: number, index: number): number =>
    Math.max(1, Math.round(length * (1 + rangeRatio * (2 * uniform(stream(seed, LENGTHS), index) - 1))));
  return { prompt: around(inputLen, 2 * i), output: around(outputLen, 2 * i + 1) };
}

/** Random words, each with a space in front, that are `length` tokens together. */
function wordsOf(length: number, seed: number, countTokens: CountTokens): string {
  const text = (count: number): string =>
    Array.from({ length: count }, (_, i) => ` ${words[Math.floor(uniform(seed, i) * words.length)]}`).join('');
  let count = length;
  if (countTokens === null || length === 0) return text(count);
  // A vocabulary that splits some words needs fewer of them; a few turns are enough.
  for (let turn = 0; turn < 8; turn++) {
    const tokens = countTokens(text(count));
    if (tokens === length) break;
    count = Math.max(1, Math.round((count * length) / tokens) + (tokens > length ? -1 : 0));
  }
  return text(count);
}
