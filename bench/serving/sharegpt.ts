/**
 * Requests from a file in ShareGPT's form: a list of conversations, of which the first two turns are prompt and answer. What
 * is too short or too long is left out by the limits of vLLM's benchmarks/datasets.py.
 */
import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { uniform } from '../../src/engine/running/random.ts';
import { EngineError } from '../../src/errors.ts';
import type { ServingRequest } from './apis.ts';
import type { CountTokens } from './requests.ts';

const MIN_LENGTH = 4;
const MAX_PROMPT = 1024;
const MAX_TOTAL = 2048;
/** Where no tokenizer counts. */
const CHARACTERS_PER_TOKEN = 4;

const conversations = z.array(z.object({ conversations: z.array(z.object({ value: z.string() })).default([]) }));

export type Conversations = z.output<typeof conversations>;

/** @throws EngineError bad_flag where the file is none */
export function conversationsIn(file: string): Conversations {
  try {
    return conversations.parse(JSON.parse(readFileSync(file, 'utf8')));
  } catch (cause) {
    const isOther = cause instanceof z.ZodError;
    const why = isOther ? 'is no list of conversations as ShareGPT has them' : (cause as Error).message;
    throw new EngineError('bad_flag', `--dataset: ${file}: ${why}`, { cause });
  }
}

/** @throws EngineError bad_flag where there are fewer usable ones than `count` */
export function requestsFrom(
  all: Conversations,
  count: number,
  seed: number,
  countTokens: CountTokens,
): ServingRequest[] {
  const length = countTokens ?? ((text: string): number => Math.ceil(text.length / CHARACTERS_PER_TOKEN));
  const requests: ServingRequest[] = [];
  for (const i of shuffled(all.length, seed)) {
    if (requests.length === count) break;
    const [prompt, answer] = all[i].conversations.map(({ value }) => value);
    if (prompt === undefined || answer === undefined) continue;
    const [promptLen, outputLen] = [length(prompt), length(answer)];
    if (promptLen < MIN_LENGTH || outputLen < MIN_LENGTH) continue;
    if (promptLen > MAX_PROMPT || promptLen + outputLen > MAX_TOTAL) continue;
    requests.push({ prompt, promptLen, outputLen });
  }
  if (requests.length === count) return requests;
  throw new EngineError('bad_flag', `--dataset: ${requests.length} usable conversations; lower --num_prompts`);
}

function shuffled(n: number, seed: number): number[] {
  const order = Array.from({ length: n }, (_, i) => i);
  for (let i = n - 1; i > 0; i--) {
    const j = Math.floor(uniform(seed, i) * (i + 1));
    [order[i], order[j]] = [order[j], order[i]];
  }
  return order;
}
