/** Random schemas through the model at temperature 1: every answer that ends by itself has to be valid. */
import type { ConstraintSpec } from '../../src/engine/grammar/constraint.ts';
import { defaultSamplingParams, type FinishReason } from '../../src/engine/core/types.ts';
import { EngineError } from '../../src/errors.ts';
import { completionConstraint } from '../../src/text/structured-output/output-constraint.ts';
import { independentValidator, randomSchema } from '../../test/helpers/random-schemas.ts';
import type { BenchEngine } from './engine.ts';

export interface SchemaResult {
  readonly schemas: number;
  /** Refused with a reason (the server's 400), and not counted among the schemas. */
  readonly refused: number;
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
  const result = { schemas: 0, refused: 0, completed: 0, cut: 0, failures: 0, tokens: 0 };
  const features: Record<string, [number, number]> = {};
  let next = firstSeed;
  let left = count;
  const work = async (): Promise<void> => {
    while (left > 0) {
      const seed = next++;
      const made = randomSchema(seed);
      const constraint = constraintOf(made.schema, seed);
      if (constraint === null) {
        result.refused++;
        continue;
      }
      left--;
      const { text, tokens, reason } = await answer(bench, made.schema, constraint, seed, options.maxTokens);
      result.schemas++;
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

/** null when the schema is refused. */
function constraintOf(schema: object, seed: number): ConstraintSpec | null {
  try {
    return completionConstraint({
      response_format: { type: 'json_schema', json_schema: { name: 'answer', schema: { ...schema } } },
    });
  } catch (error) {
    if (!(error instanceof EngineError) || error.code !== 'invalid_value') throw error;
    console.log(`seed ${seed}: ${error.message}`);
    return null;
  }
}

async function answer(
  { engine, tokenizer }: BenchEngine,
  schema: object,
  constraint: ConstraintSpec,
  seed: number,
  maxTokens: number,
) {
  const text = `<|im_start|>user\nWrite an example in JSON: ${JSON.stringify(schema)}<|im_end|>\n<|im_start|>assistant\n`;
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
