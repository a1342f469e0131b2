/** A validated chat request → the engine requests of its choices and the parsers of their answers. */
import { EngineError } from '../errors.ts';
import { AnswerParser } from './answer-parser.ts';
import { buildChatPrompt } from './chat-prompt.ts';
import type { ServerContext } from './context.ts';
import type { GenerationRequest } from './generation.ts';
import { fitPrompt } from './prompt-limits.ts';
import type { ChatRequest } from './protocol/chat-completions.ts';
import type { Tool } from './protocol/tools.ts';
import { forChoice, toSamplingParams } from './sampling-params.ts';
import { createToolCallParser } from './tool-calls/create-parser.ts';
import { FALLBACK_TOOL_CALL_PARSER } from './tool-prompt.ts';

export interface ChatRun {
  /** One for each choice. */
  readonly requests: readonly GenerationRequest[];
  readonly logprobs: boolean;
  createParser(): AnswerParser;
}

export function prepareChat(ctx: ServerContext, body: ChatRequest, id: string, signal: AbortSignal): ChatRun {
  refuseConstraints(body);
  const tools = shownTools(body);
  const prompt = buildChatPrompt(ctx, body, tools);
  const room = fitPrompt(ctx, prompt.ids, {
    maxTokens: body.max_completion_tokens ?? body.max_tokens,
    truncate: body.truncate_prompt_tokens,
    param: 'messages',
  });
  const logprobs = body.logprobs === true;
  const params = toSamplingParams(ctx, body, {
    maxTokens: room.maxTokens,
    logprobs: logprobs ? (body.top_logprobs ?? 0) : null,
  });
  const reasoningParser = body.separate_reasoning === false ? null : ctx.reasoningParser;
  // The tags that parsers look for may be special tokens.
  const parsed = tools !== null || reasoningParser !== null;
  const n = body.n ?? 1;
  const requests = Array.from({ length: n }, (_, i) => ({
    requestId: n === 1 ? id : `${id}-${i}`,
    promptIds: room.promptIds,
    params: forChoice(params, i),
    stops: typeof body.stop === 'string' ? [body.stop] : (body.stop ?? []),
    includeStop: body.include_stop_str_in_output ?? false,
    skipSpecialTokens: parsed ? false : (body.skip_special_tokens ?? true),
    signal,
  }));
  const format = prompt.toolFallback ? FALLBACK_TOOL_CALL_PARSER : ctx.toolCallParser;
  const priorCalls = body.messages.reduce(
    (sum, m) => sum + (m.role === 'assistant' ? (m.tool_calls?.length ?? 0) : 0),
    0,
  );
  const createParser = (): AnswerParser =>
    new AnswerParser({
      prompt: prompt.text,
      reasoningParser,
      toolCallParser: tools === null ? null : createToolCallParser(format, tools, { priorCalls }),
      parallelToolCalls: body.parallel_tool_calls ?? true,
    });
  return { requests, logprobs, createParser };
}

/** The tools that the model is told of; null for none. */
function shownTools(body: ChatRequest): readonly Tool[] | null {
  const choice = body.tool_choice;
  if (body.tools === undefined) {
    if (choice === undefined || choice === 'none' || choice === 'auto') return null;
    throw new EngineError('invalid_value', 'tool_choice: Needs `tools`.', { param: 'tool_choice' });
  }
  if (typeof choice === 'object' && !body.tools.some((t) => t.function.name === choice.function.name)) {
    const message = `tool_choice: No tool is named ${JSON.stringify(choice.function.name)}.`;
    throw new EngineError('invalid_value', message, { param: 'tool_choice' });
  }
  return choice === 'none' ? null : body.tools;
}

/** What only a grammar can promise is refused rather than hoped for. */
function refuseConstraints(body: ChatRequest): void {
  const refuse = (param: string, what: string): never => {
    const message = `${param}: ${what} needs constrained decoding, which this engine does not have yet.`;
    throw new EngineError('invalid_value', message, { param });
  };
  if (body.response_format !== undefined && body.response_format.type !== 'text') {
    refuse('response_format', `"${body.response_format.type}"`);
  }
  if (body.tools === undefined) return;
  if (body.tool_choice === 'required' || typeof body.tool_choice === 'object') refuse('tool_choice', 'a forced call');
}
