/** Random schemas through the model at temperature 1: every answer that ends by itself has to be valid. */
import { defaultSamplingParams, type FinishReason } from '../../src/engine/types.ts';
import { completionConstraint } from '../../src/server/structured-output/output-constraint.ts';
import { independentValidator, randomSchema } from '../../test/helpers/random-schemas.ts';
import type { BenchEngine } from './engine.ts';

export interface SchemaResult {
  readonly schemas: number;
  readonly answers: number;
  readonly completed: number;
  /** Ended by the token limit. */
  readonly cut: number;
  readonly failures: number;
  readonly tokens: number;
  /** How many schemas had each feature, and how many of these were completed. */
  readonly features: Readonly<Record<string, readonly [schemas: number, completed: number]>>;
}

interface Options {
  readonly count: number;
  readonly firstSeed: number;
  readonly parallel: number;
  readonly maxTokens: number;
}

export async function runSchemas(bench: BenchEngine, options: Options): Promise<SchemaResult> {
  const { count, firstSeed, parallel } = options;
  const result = { schemas: 0, answers: 0, completed: 0, cut: 0, failures: 0, tokens: 0 };
  const features: Record<string, [number, number]> = {};
  let next = firstSeed;
  const work = async (): Promise<void> => {
    while (next < firstSeed + count) {
      const seed = next++;
      const made = randomSchema(seed);
      const { text, tokens, reason } = await answer(bench, made.schema, seed, options.maxTokens);
      result.schemas++;
      result.answers++;
      result.tokens += tokens;
      const isWhole = reason === 'stop';
      if (isWhole) result.completed++;
      else result.cut++;
      for (const feature of made.features) {
        const counts = (features[feature] ??= [0, 0]);
        counts[0]++;
        if (isWhole) counts[1]++;
      }
      const problem = isWhole ? problemOf(made.schema, text) : null;
      if (problem === null) continue;
      result.failures++;
      console.log(`seed ${seed}: ${problem}\n  ${text}\n  ${JSON.stringify(made.schema)}`);
    }
  };
  await Promise.all(Array.from({ length: parallel }, work));
  return { ...result, features };
}

async function answer({ engine, tokenizer }: BenchEngine, schema: object, seed: number, maxTokens: number) {
  const text = `<|im_start|>user\nWrite an example in JSON: ${JSON.stringify(schema)}<|im_end|>\n<|im_start|>assistant\n`;
  const constraint = completionConstraint({
    response_format: { type: 'json_schema', json_schema: { name: 'answer', schema: { ...schema } } },
  });
  const params = { ...defaultSamplingParams, temperature: 1, seed, maxTokens, constraint };
  const ids: number[] = [];
  let reason: FinishReason | null = null;
  for await (const output of engine.generate(tokenizer.encode(text), params)) {
    ids.push(...output.tokenIds.filter((id) => id !== output.stopTokenId));
    reason = output.finishReason;
  }
  return { text: tokenizer.decode(ids), tokens: ids.length, reason };
}

function problemOf(schema: object, text: string): string | null {
  try {
    return independentValidator(schema)(JSON.parse(text));
  } catch (error) {
    return (error as Error).message;
  }
}
