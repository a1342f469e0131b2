/** POST /v1/score and /get_score: what a reward model makes of a text. */
import { randomUUID } from 'node:crypto';
import { EngineError } from '../../../errors.ts';
import type { Api } from '../../http/api.ts';
import type { ServerContext } from '../../http/context.ts';
import { adapterNamed, modelName } from '../../http/model-name.ts';
import { pooledUsage, poolAll } from '../embeddings/pooling.ts';
import { fitPrompt, promptLimit } from '../../chat/prompt-limits.ts';
import {
  getScoreRequestSchema,
  getScoreResponseSchema,
  scoreRequestSchema,
  type ScoreRequest,
  scoreResponseSchema,
} from './schema.ts';
import { linkedAbort } from '../../http/request-signal.ts';

export function addScore(api: Api, ctx: ServerContext): void {
  const score = {
    method: 'post',
    path: '/v1/score',
    summary: 'Scores of pairs of texts, by a reward model.',
    tag: 'OpenAI',
    body: scoreRequestSchema,
    example: { text_1: 'What is the capital of France?', text_2: ['Paris.', 'Berlin.'] },
    response: scoreResponseSchema,
  } as const;
  api.add(score, async (c, body) => {
    const model = modelName(ctx, body.model);
    requireScoreHead(ctx);
    const id = `score-${randomUUID().replaceAll('-', '')}`;
    const { signal } = linkedAbort(c);
    const outputs = await poolAll(ctx, await promptsOf(ctx, body, signal), {
      pooling: 'score',
      id,
      signal,
      adapter: adapterNamed(ctx, body.model),
    });
    const data = outputs.map(({ pooled: [raw] }, index) => {
      return { index, object: 'score', score: body.use_activation === false ? raw : sigmoid(raw) };
    });
    const created = Math.floor(Date.now() / 1000);
    return c.json({ id, object: 'list', created, model, data, usage: pooledUsage(outputs) });
  });

  const getScore = {
    method: 'post',
    path: '/get_score',
    summary: 'Score of a conversation’s last answer, by a reward model.',
    tag: 'LightLLM',
    body: getScoreRequestSchema,
    example: {
      chat: [
        { role: 'user', content: 'What is the capital of France?' },
        { role: 'assistant', content: 'Paris.' },
      ],
    },
    response: getScoreResponseSchema,
  } as const;
  api.add(getScore, async (c, { chat }) => {
    requireScoreHead(ctx);
    const { signal } = linkedAbort(c);
    const conversation = { messages: chat, add_generation_prompt: false };
    const options = { limit: promptLimit(ctx), param: 'chat', signal };
    const { ids } = await ctx.text.chatPrompt(conversation, null, options);
    const { promptIds } = fitPrompt(ctx, ids, { maxTokens: 0, truncate: undefined, param: 'chat' });
    const pooling = { pooling: 'score', id: `score-${randomUUID()}`, signal } as const;
    const [{ pooled, usage }] = await poolAll(ctx, [promptIds], pooling);
    return c.json({ score: pooled[0], prompt_tokens: usage.promptTokens, finish_reason: 'stop' });
  });
}

/** Each pair as one prompt: the second text goes on behind the first. */
async function promptsOf(
  ctx: ServerContext,
  { text_1, text_2, truncate_prompt_tokens: truncate }: ScoreRequest,
  signal: AbortSignal,
): Promise<(readonly number[])[]> {
  const limit = promptLimit(ctx, truncate);
  const encode = (texts: string | string[], name: string, addSpecialTokens: boolean) =>
    ctx.text.encode(
      [texts].flat().map((text, i) => ({ text, param: `${name}[${i}]` })),
      { addSpecialTokens, limit, signal },
    );
  const first = await encode(text_1, 'text_1', true);
  const second = await encode(text_2, 'text_2', false);
  return second.map((ids, i) => {
    const whole = [...(first.length === 1 ? first[0] : first[i]), ...ids];
    return fitPrompt(ctx, whole, { maxTokens: 0, truncate, param: `text_2[${i}]` }).promptIds;
  });
}

function requireScoreHead(ctx: ServerContext): void {
  if (ctx.engine.info.isRewardModel) return;
  const message = `The served model has no score head: scores need a reward model’s checkpoint (score.weight).`;
  throw new EngineError('invalid_request', message, { param: 'model' });
}

function sigmoid(x: number): number {
  return 1 / (1 + Math.exp(-x));
}
