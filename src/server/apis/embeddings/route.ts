/**
 * POST /v1/embeddings. What is served is a causal language model: a text's embedding is the mean of its tokens' last
 * hidden states, behind the final norm, or the last token's (--embedding_pooling), scaled to length 1. Models that were
 * trained for embeddings say on their cards which pooling they want.
 */
import { randomUUID } from 'node:crypto';
import { EngineError } from '../../../errors.ts';
import type { Api } from '../../http/api.ts';
import type { ServerContext } from '../../http/context.ts';
import { listAnswer } from '../../http/list-answer.ts';
import { adapterNamed, modelName } from '../../http/model-name.ts';
import { pooledUsage, poolAll } from './pooling.ts';
import { fitPrompt, promptLimit } from '../../chat/prompt-limits.ts';
import { type EmbeddingRequest, embeddingRequestSchema, embeddingResponseSchema } from './schema.ts';
import { linkedAbort } from '../../http/request-signal.ts';

export function addEmbeddings(api: Api, ctx: ServerContext): void {
  const doc = {
    method: 'post',
    path: '/v1/embeddings',
    summary: 'Vectors of texts: pooled hidden states of the served model, of length 1.',
    tag: 'OpenAI',
    body: embeddingRequestSchema,
    example: { input: ['The cat sat on the mat.', 'Ein Hund bellt.'] },
    response: embeddingResponseSchema,
  } as const;
  api.add(doc, async (c, body) => {
    const model = modelName(ctx, body.model);
    const { hiddenSize } = ctx.engine.info;
    const { dimensions = hiddenSize } = body;
    if (dimensions > hiddenSize) {
      const message = `dimensions: ${dimensions} is more than the model’s hidden size of ${hiddenSize}.`;
      throw new EngineError('invalid_value', message, { param: 'dimensions' });
    }
    const id = `embd-${randomUUID().replaceAll('-', '')}`;
    const adapter = adapterNamed(ctx, body.model);
    const pooling = ctx.settings.embeddingPooling;
    const { signal } = linkedAbort(c);
    const outputs = await poolAll(ctx, await promptsOf(ctx, body, signal), { pooling, id, signal, adapter });
    const vectors = function* (): Generator<object> {
      for (const [index, { pooled }] of outputs.entries()) {
        const vector = normalized(pooled.subarray(0, dimensions));
        const embedding = body.encoding_format === 'base64' ? base64(vector) : [...vector];
        yield { object: 'embedding', index, embedding };
      }
    };
    return listAnswer(c, { object: 'list' }, 'data', vectors(), () => ({ model, usage: pooledUsage(outputs) }));
  });
}

async function promptsOf(
  ctx: ServerContext,
  { input, add_special_tokens: addSpecialTokens = true, truncate_prompt_tokens: truncate }: EmbeddingRequest,
  signal: AbortSignal,
): Promise<(readonly number[])[]> {
  const isList = typeof input !== 'string' && typeof input[0] !== 'number';
  const inputs = (isList ? input : [input]) as (string | number[])[];
  const paramOf = (i: number): string => (isList ? `input[${i}]` : 'input');
  const texts = inputs.flatMap((text, i) => (typeof text === 'string' ? [{ text, param: paramOf(i) }] : []));
  const limit = promptLimit(ctx, truncate);
  const encoded = texts.length > 0 ? await ctx.text.encode(texts, { addSpecialTokens, limit, signal }) : [];
  return inputs.map((one, i) => {
    const ids = typeof one === 'string' ? encoded[i] : one;
    return fitPrompt(ctx, ids, { maxTokens: 0, truncate, param: paramOf(i) }).promptIds;
  });
}

/** x / |x| */
function normalized(vector: Float32Array): Float32Array {
  const length = Math.hypot(...vector);
  return length === 0 ? vector : vector.map((x) => x / length);
}

function base64(vector: Float32Array): string {
  const bytes = Buffer.alloc(vector.length * 4);
  vector.forEach((x, i) => bytes.writeFloatLE(x, i * 4));
  return bytes.toString('base64');
}
