/** Asks an engine what the expected answers answer, in several schedules, and says how far apart they are. */
import {
  defaultSamplingParams,
  type EngineClient,
  type SamplingParams,
  type TokenLogprobs,
} from '../../engine/core/types.ts';
import type { ExpectedCase } from './expected.ts';

/** So many of the likeliest are looked through where another token was likelier here. */
const ALTERNATIVES = 5;

export type Schedule = 'alone' | 'from the cache' | 'together';

export interface Finding {
  readonly schedule: Schedule;
  /** Which case, and tokens of its prompt. */
  readonly index: number;
  readonly promptLength: number;
  readonly cachedTokens: number;
  /** Largest difference of a log-probability; Infinity where one is missing. */
  readonly difference: number;
  /** Where it is: a position in prompt and answer together. */
  readonly position: number;
  /** Tokens of the answer that were the same before another was as likely. */
  readonly sameTokens: number;
}

interface Answer {
  readonly ids: readonly number[];
  readonly logprobs: readonly TokenLogprobs[];
  /** null where they were not asked for. */
  readonly promptLogprobs: readonly (TokenLogprobs | null)[] | null;
  /** Tokens of the prompt that were not computed. */
  readonly cachedTokens: number;
}

/** Each case alone; again, its prompt from the prefix cache; all of them in the same steps. */
export async function* sitExam(engine: EngineClient, cases: readonly ExpectedCase[]): AsyncGenerator<Finding> {
  for (const [index, expected] of cases.entries()) {
    // Prompts of an exam may begin alike.
    await engine.flushCache();
    yield compare('alone', index, expected, await ask(engine, expected, true));
    yield compare('from the cache', index, expected, await ask(engine, expected, false));
  }
  await engine.flushCache();
  const answers = await Promise.all(cases.map((expected) => ask(engine, expected, true)));
  for (const [index, expected] of cases.entries()) yield compare('together', index, expected, answers[index]);
}

/** With `scoresPrompt` all of the prompt is computed; without, what the cache has of it is taken from there. */
async function ask(
  engine: EngineClient,
  { prompt_ids, token_ids }: ExpectedCase,
  scoresPrompt: boolean,
): Promise<Answer> {
  const params: SamplingParams = {
    ...defaultSamplingParams,
    temperature: 0,
    maxTokens: token_ids.length,
    ignoreEos: true,
    logprobs: ALTERNATIVES,
    promptLogprobs: scoresPrompt ? 0 : null,
  };
  const [ids, logprobs]: [number[], TokenLogprobs[]] = [[], []];
  let cachedTokens = 0;
  let promptLogprobs: Answer['promptLogprobs'] = null;
  for await (const output of engine.generate(prompt_ids, params)) {
    ids.push(...output.tokenIds);
    logprobs.push(...(output.logprobs ?? []));
    promptLogprobs = output.promptLogprobs ?? promptLogprobs;
    ({ cachedTokens } = output.usage);
  }
  return { ids, logprobs, promptLogprobs, cachedTokens };
}

function compare(schedule: Schedule, index: number, expected: ExpectedCase, answer: Answer): Finding {
  let [difference, position] = [0, 0];
  const note = (at: number, ours: number | undefined, theirs: number): void => {
    const d = Math.abs((ours ?? NaN) - theirs);
    // NaN is as far away as can be.
    if (!(d <= difference)) [difference, position] = [Number.isNaN(d) ? Infinity : d, at];
  };
  const { prompt_ids, prompt_logprobs, token_ids, token_logprobs } = expected;
  prompt_logprobs.forEach((theirs, i) => {
    if (theirs !== null && answer.promptLogprobs) note(i, answer.promptLogprobs[i]?.logprob, theirs);
  });
  let sameTokens = 0;
  for (const [i, id] of token_ids.entries()) {
    const ours = answer.logprobs[i]?.top.find((one) => one.id === id)?.logprob;
    note(prompt_ids.length + i, ours, token_logprobs[i]);
    // Where two are as likely as each other the answers part, and what follows cannot be compared.
    if (answer.ids[i] !== id) break;
    sameTokens++;
  }
  const { cachedTokens } = answer;
  return { schedule, index, promptLength: prompt_ids.length, cachedTokens, difference, position, sameTokens };
}
