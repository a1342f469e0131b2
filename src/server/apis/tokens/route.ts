/** POST /tokenize and /detokenize as vLLM has them, POST /tokens as LightLLM has it. */
import type { Api } from '../../http/api.ts';
import type { ServerContext } from '../../http/context.ts';
import type { NamedText } from '../../text-workers/text-tasks.ts';
import { modelName } from '../../http/model-name.ts';
import { chatAdapter } from '../../chat/chat-adapter.ts';
import { linkedAbort } from '../../http/request-signal.ts';
import { checkVocabulary, countingLimit } from '../../chat/prompt-limits.ts';
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
  api.add(tokenize, async (c, { model, prompt, messages, tools, ...rest }) => {
    modelName(ctx, model);
    const { signal } = linkedAbort(c);
    const tokens =
      messages === undefined
        ? await encodeOne(ctx, { text: prompt ?? '', param: 'prompt' }, rest.add_special_tokens ?? true, signal)
        : (
            await ctx.text.chatPrompt({ messages, ...rest }, tools ?? null, {
              limit: countingLimit(ctx),
              param: 'messages',
              signal,
              forToolsAdapter: chatAdapter(ctx, model, tools ?? null).forToolsAdapter,
            })
          ).ids;
    const token_strs = rest.return_token_strs === true ? await ctx.text.decodeEach(tokens, signal) : null;
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
  api.add(detokenize, async (c, { model, tokens }) => {
    modelName(ctx, model);
    checkVocabulary(ctx, tokens, 'tokens');
    return c.json({ prompt: await ctx.text.decode(tokens, linkedAbort(c).signal) });
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
  api.add(count, async (c, { text, parameters }) => {
    const addSpecialTokens = parameters?.add_special_tokens ?? true;
    const ids = await encodeOne(ctx, { text, param: 'text' }, addSpecialTokens, linkedAbort(c).signal);
    return c.json({ ntokens: ids.length });
  });
}

async function encodeOne(
  ctx: ServerContext,
  text: NamedText,
  addSpecialTokens: boolean,
  signal: AbortSignal,
): Promise<number[]> {
  const [ids] = await ctx.text.encode([text], { addSpecialTokens, limit: countingLimit(ctx), signal });
  return ids;
}
