/** POST /tokenize and /detokenize as vLLM has them, POST /tokens as LightLLM has it. */
import type { Api } from '../../http/api.ts';
import { buildChatPrompt } from '../../chat/chat-prompt.ts';
import type { ServerContext } from '../../http/context.ts';
import { modelName } from '../../http/model-name.ts';
import { checkVocabulary } from '../../chat/prompt-limits.ts';
import {
  countTokensRequestSchema,
  countTokensResponseSchema,
  detokenizeRequestSchema,
  detokenizeResponseSchema,
  tokenizeRequestSchema,
  tokenizeResponseSchema,
} from './schema.ts';

export function addTokens(api: Api, ctx: ServerContext): void {
  const tokenize = {
    method: 'post',
    path: '/tokenize',
    summary: 'Text or messages to token ids.',
    tag: 'Tokens',
    body: tokenizeRequestSchema,
    example: { prompt: 'Hello, world!', return_token_strs: true },
    response: tokenizeResponseSchema,
  } as const;
  api.add(tokenize, (c, { model, prompt, messages, tools, ...rest }) => {
    modelName(ctx, model);
    const tokens =
      messages === undefined
        ? ctx.tokenizer.encode(prompt ?? '', { addSpecialTokens: rest.add_special_tokens ?? true })
        : buildChatPrompt(ctx, { messages, ...rest }, tools ?? null).ids;
    const text = (id: number): string => ctx.tokenizer.decode([id], { atStart: false });
    const token_strs = rest.return_token_strs === true ? tokens.map(text) : null;
    return c.json({ count: tokens.length, max_model_len: ctx.engine.info.maxModelLen, tokens, token_strs });
  });

  const detokenize = {
    method: 'post',
    path: '/detokenize',
    summary: 'Token ids to text.',
    tag: 'Tokens',
    body: detokenizeRequestSchema,
    example: { tokens: [72, 105] },
    response: detokenizeResponseSchema,
  } as const;
  api.add(detokenize, (c, { model, tokens }) => {
    modelName(ctx, model);
    checkVocabulary(ctx, tokens, 'tokens');
    return c.json({ prompt: ctx.tokenizer.decode(tokens) });
  });

  const count = {
    method: 'post',
    path: '/tokens',
    summary: 'Number of tokens of a text.',
    tag: 'LightLLM',
    body: countTokensRequestSchema,
    example: { text: 'Hello, world!' },
    response: countTokensResponseSchema,
  } as const;
  api.add(count, (c, { text, parameters }) => {
    const addSpecialTokens = parameters?.add_special_tokens ?? true;
    return c.json({ ntokens: ctx.tokenizer.encode(text, { addSpecialTokens }).length });
  });
}
