/** A validated chat request → the engine requests of its choices and the parsers of their answers. */
import { chatAnswer } from '../../text/answer/chat-answer.ts';
import type { AnswerParser } from '../../text/answer/answer-parser.ts';
import { TOOLS_ADAPTER_PARSER } from '../../text/chat-prompt/tool-prompt.ts';
import { chooseTools } from '../../text/tool-calls/choose-tools.ts';
import type { ChatRequest } from '../apis/chat-completions/schema.ts';
import type { ServerContext } from '../http/context.ts';
import { chatAdapter } from './chat-adapter.ts';
import { type GenerationRequest, generationRequests } from './generation-request.ts';
import { checkGenerations, fitPrompt, promptLimit } from './prompt-limits.ts';
import { forbiddenIds, toSamplingParams } from './sampling-params.ts';

export interface ChatRun {
  /** One for each choice, with the parser that reads it. */
  readonly requests: readonly GenerationRequest[];
  readonly parsers: readonly AnswerParser[];
  readonly logprobs: boolean;
}

export async function prepareChat(
  ctx: ServerContext,
  body: ChatRequest,
  id: string,
  signal: AbortSignal,
): Promise<ChatRun> {
  const n = body.n ?? 1;
  checkGenerations(ctx, n, `${n} choices`, 'n');
  const chosen = chooseTools(body.tools, body.tool_choice);
  const limit = promptLimit(ctx, body.truncate_prompt_tokens);
  const { adapter, forToolsAdapter } = chatAdapter(ctx, body.model, chosen.tools);
  const prompt = await ctx.text.chatPrompt(body, chosen.tools, { limit, param: 'messages', signal, forToolsAdapter });
  const room = fitPrompt(ctx, prompt.ids, {
    maxTokens: body.max_completion_tokens ?? body.max_tokens,
    truncate: body.truncate_prompt_tokens,
    param: 'messages',
  });
  const logprobs = body.logprobs === true;
  const answer = chatAnswer({
    formats: forToolsAdapter ? { ...ctx.formats, toolCallParser: TOOLS_ADAPTER_PARSER } : ctx.formats,
    chosen,
    messages: body.messages,
    prompt,
    parallelToolCalls: body.parallel_tool_calls,
    separateReasoning: body.separate_reasoning,
  });
  const params = toSamplingParams(ctx, body, {
    maxTokens: room.maxTokens,
    logprobs: logprobs ? (body.top_logprobs ?? 0) : null,
    forbidden: await forbiddenIds(ctx, body.bad_words, signal),
    constraint: await ctx.constraints.ofChat(body, answer.form, signal),
  });
  const requests = generationRequests({
    id,
    prompts: [{ promptIds: room.promptIds, params }],
    n,
    stop: body.stop,
    includeStop: body.include_stop_str_in_output,
    skipSpecialTokens: answer.isParsed ? false : body.skip_special_tokens,
    signal,
    adapter,
  });
  const parsers = requests.map(() => answer.createParser());
  const watched = requests.map((request, i) => ({ ...request, isWhole: () => parsers[i].isWhole }));
  return { requests: watched, parsers, logprobs };
}
