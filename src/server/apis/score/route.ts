/** POST /v1/score and /get_score: what a reward model makes of a text. */
import { randomUUID } from 'node:crypto';
import { EngineError } from '../../../errors.ts';
import type { Api } from '../../http/api.ts';
import { buildChatPrompt } from '../../chat/chat-prompt.ts';
import type { ServerContext } from '../../http/context.ts';
import { modelName } from '../../http/model-name.ts';
import { pooledUsage, poolAll } from '../embeddings/pooling.ts';
import { fitPrompt } from '../../chat/prompt-limits.ts';
import { getScoreRequestSchema, getScoreResponseSchema, scoreRequestSchema, scoreResponseSchema } from './schema.ts';
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
    const prompts = pairsOf(body.text_1, body.text_2).map(([a, b], i) => {
      const ids = [...ctx.tokenizer.encode(a), ...ctx.tokenizer.encode(b, { addSpecialTokens: false })];
      const options = { maxTokens: 0, truncate: body.truncate_prompt_tokens, param: `text_2[${i}]` };
      return fitPrompt(ctx, ids, options).promptIds;
    });
    const outputs = await poolAll(ctx, prompts, { pooling: 'score', id, signal: linkedAbort(c).signal });
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
    const { ids } = buildChatPrompt(ctx, { messages: chat, add_generation_prompt: false }, null);
    const { promptIds } = fitPrompt(ctx, ids, { maxTokens: 0, truncate: undefined, param: 'chat' });
    const options = { pooling: 'score', id: `score-${randomUUID()}`, signal: linkedAbort(c).signal } as const;
    const [{ pooled, usage }] = await poolAll(ctx, [promptIds], options);
    return c.json({ score: pooled[0], prompt_tokens: usage.promptTokens, finish_reason: 'stop' });
  });
}

function requireScoreHead(ctx: ServerContext): void {
  if (ctx.engine.info.isRewardModel) return;
  const message = `The served model has no score head: scores need a reward model’s checkpoint (score.weight).`;
  throw new EngineError('invalid_request', message, { param: 'model' });
}

function pairsOf(first: string | string[], second: string | string[]): [string, string][] {
  const [a, b] = [first, second].map((t) => (typeof t === 'string' ? [t] : t));
  return b.map((text, i) => [a.length === 1 ? a[0] : a[i], text]);
}

function sigmoid(x: number): number {
  return 1 / (1 + Math.exp(-x));
}
