/** A validated chat request → the engine requests of its choices and the parsers of their answers. */
import { EngineError } from '../../errors.ts';
import { AnswerParser } from './answer-parser.ts';
import type { ServerContext } from '../http/context.ts';
import type { GenerationRequest } from './generation.ts';
import { checkGenerations, fitPrompt, promptLimit } from './prompt-limits.ts';
import type { ChatRequest } from '../apis/chat-completions/schema.ts';
import type { Tool } from '../apis/schema/tools.ts';
import { reasoningTags } from '../../text/reasoning/reasoning-tags.ts';
import { forbiddenIds, forChoice, toSamplingParams } from './sampling-params.ts';
import { createToolCallParser, watchCalls } from '../../text/tool-calls/create-parser.ts';
import { FALLBACK_TOOL_CALL_PARSER } from './tool-prompt.ts';

export interface ChatRun {
  /** One for each choice. */
  readonly requests: readonly GenerationRequest[];
  readonly logprobs: boolean;
  createParser(): AnswerParser;
}

export async function prepareChat(
  ctx: ServerContext,
  body: ChatRequest,
  id: string,
  signal: AbortSignal,
): Promise<ChatRun> {
  const n = body.n ?? 1;
  checkGenerations(ctx, n, `${n} choices`, 'n');
  const { tools, isForced, isNamed } = chooseTools(body);
  const limit = promptLimit(ctx, body.truncate_prompt_tokens);
  const prompt = await ctx.text.chatPrompt(body, tools, { limit, param: 'messages', signal });
  const room = fitPrompt(ctx, prompt.ids, {
    maxTokens: body.max_completion_tokens ?? body.max_tokens,
    truncate: body.truncate_prompt_tokens,
    param: 'messages',
  });
  const logprobs = body.logprobs === true;
  const format = prompt.toolFallback ? FALLBACK_TOOL_CALL_PARSER : ctx.toolCallParser;
  const parallel = (body.parallel_tool_calls ?? true) && !isNamed;
  const reasoning =
    ctx.reasoningParser === null ? null : reasoningTags(ctx.reasoningParser, prompt.text, prompt.continued);
  const params = toSamplingParams(ctx, body, {
    maxTokens: room.maxTokens,
    logprobs: logprobs ? (body.top_logprobs ?? 0) : null,
    forbidden: await forbiddenIds(ctx, body.bad_words, signal),
    constraint: await ctx.constraints.ofChat(body, { tools, isForced, parallel, format, reasoning }, signal),
  });
  const separated = body.separate_reasoning === false ? null : reasoning;
  // The tags that parsers look for may be special tokens.
  const parsed = tools !== null || separated !== null;
  const requests = Array.from({ length: n }, (_, i) => ({
    requestId: n === 1 ? id : `${id}-${i}`,
    promptIds: room.promptIds,
    params: forChoice(params, i),
    stops: typeof body.stop === 'string' ? [body.stop] : (body.stop ?? []),
    includeStop: body.include_stop_str_in_output ?? false,
    skipSpecialTokens: parsed ? false : (body.skip_special_tokens ?? true),
    signal,
  }));
  const priorCalls = body.messages.reduce(
    (sum, m) => sum + (m.role === 'assistant' ? (m.tool_calls?.length ?? 0) : 0),
    0,
  );
  const alsoClosing = separated === null ? [] : [separated.close];
  const createParser = (): AnswerParser =>
    new AnswerParser({
      reasoning: separated,
      toolCallParser: tools === null ? null : createToolCallParser(format, tools, { priorCalls, alsoClosing }),
      callWatch: tools === null ? null : watchCalls(format, tools),
      isForced,
      parallelToolCalls: parallel,
    });
  return { requests, logprobs, createParser };
}

interface ChosenTools {
  /** The tools that the model is told of and may call; null for none. */
  readonly tools: readonly Tool[] | null;
  /** The answer has to be a call. */
  readonly isForced: boolean;
  /** One function was named: it is called once. */
  readonly isNamed: boolean;
}

function chooseTools({ tools, tool_choice: choice }: ChatRequest): ChosenTools {
  if (tools === undefined) {
    if (choice === undefined || choice === 'none' || choice === 'auto') {
      return { tools: null, isForced: false, isNamed: false };
    }
    throw new EngineError('invalid_value', 'tool_choice: Needs `tools`.', { param: 'tool_choice' });
  }
  if (typeof choice !== 'object') {
    return { tools: choice === 'none' ? null : tools, isForced: choice === 'required', isNamed: false };
  }
  if (choice.type === 'function') return { tools: named(tools, [choice]), isForced: true, isNamed: true };
  const { mode, tools: allowed } = choice.allowed_tools;
  return { tools: named(tools, allowed), isForced: mode === 'required', isNamed: false };
}

function named(tools: readonly Tool[], choices: readonly { readonly function: { readonly name: string } }[]): Tool[] {
  return choices.map(({ function: { name } }) => {
    const tool = tools.find((t) => t.function.name === name);
    if (tool !== undefined) return tool;
    const message = `tool_choice: No tool is named ${JSON.stringify(name)}.`;
    throw new EngineError('invalid_value', message, { param: 'tool_choice' });
  });
}
