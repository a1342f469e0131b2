/** Token counts of an answer in OpenAI's shape. */
import type { z } from 'zod';
import type { Usage } from '../../engine/core/types.ts';
import type { usageSchema } from '../apis/schema/common.ts';

type WireUsage = z.output<typeof usageSchema>;

/** Counts over the choices of one answer: each prompt once, completions summed. */
export class UsageCounter {
  readonly #last = new Map<number, Usage>();
  readonly #reasoning = new Map<number, number>();
  readonly #choicesPerPrompt: number;

  /** Choices `prompt·choicesPerPrompt … + choicesPerPrompt - 1` share one prompt. */
  constructor(choicesPerPrompt: number) {
    this.#choicesPerPrompt = choicesPerPrompt;
  }

  /** Takes the counts so far of one choice. */
  update(index: number, usage: Usage, reasoningTokens = 0): void {
    this.#last.set(index, usage);
    this.#reasoning.set(index, reasoningTokens);
  }

  total(): WireUsage {
    const all = [...this.#last];
    const sum = (values: number[]): number => values.reduce((a, b) => a + b, 0);
    const firsts = all.filter(([index]) => index % this.#choicesPerPrompt === 0).map(([, usage]) => usage);
    const prompt = sum(firsts.map((u) => u.promptTokens));
    const completion = sum(all.map(([, u]) => u.completionTokens));
    return {
      prompt_tokens: prompt,
      completion_tokens: completion,
      total_tokens: prompt + completion,
      prompt_tokens_details: { cached_tokens: sum(firsts.map((u) => u.cachedTokens)) },
      completion_tokens_details: { reasoning_tokens: sum([...this.#reasoning.values()]) },
    };
  }
}
