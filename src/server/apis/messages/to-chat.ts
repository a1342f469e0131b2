/** A request of /v1/messages as a chat request: blocks become messages, tool calls and results. */
import type { ChatBody } from '../../chat/answer-stream.ts';
import type { AnthropicMessage, CountRequest, MessagesRequest, OwnTool } from './schema.ts';
import type { ChatRequest } from '../chat-completions/schema.ts';
import { type ChatMessage, failedResult, systemMessage } from '../schema/messages.ts';
import { constraintsWith } from '../schema/structured-output.ts';
import { splitTools, type Tool } from '../schema/tools.ts';

export function anthropicToPrompt(body: CountRequest): ChatBody {
  const { thinking, output_config: output, tool_choice: choice } = body;
  const messages = [...systemMessage(systemText(body.system)), ...body.messages.flatMap(toMessages)];
  const { own: tools } = splitTools(body.tools);
  const effort = output?.effort;
  return {
    messages,
    tools: tools.length === 0 ? undefined : tools.map(toTool),
    ...(choice === undefined ? {} : { tool_choice: toToolChoice(choice) }),
    ...(isPrefill(messages.at(-1)) ? { continue_final_message: true } : {}),
    ...(effort == null ? {} : { reasoning_effort: effort }),
    ...(thinking === undefined ? {} : { chat_template_kwargs: { enable_thinking: thinking.type !== 'disabled' } }),
  };
}

/** Claude Code's first block counts its requests for Anthropic's bill; it would keep every prompt out of the prefix cache. */
const billing = 'x-anthropic-billing-header:';

function systemText(system: CountRequest['system'] = ''): string {
  if (typeof system === 'string') return system;
  const texts = system.map((block) => block.text).filter((text) => !text.startsWith(billing));
  return texts.join('\n');
}

function toTool({ name, description, input_schema: parameters, strict }: OwnTool): Tool {
  return { type: 'function', function: { name, description, parameters, strict } };
}

/** An answer that has begun: the model goes on with it. */
function isPrefill(last: ChatMessage | undefined): boolean {
  return last?.role === 'assistant' && last.tool_calls === undefined;
}

export function anthropicToChat(body: MessagesRequest): ChatBody {
  const choice = body.tool_choice;
  const parallel =
    choice !== undefined && 'disable_parallel_tool_use' in choice
      ? choice.disable_parallel_tool_use !== true
      : undefined;
  return {
    ...anthropicToPrompt(body),
    ...constraintsWith(body, responseFormat(body)),
    max_completion_tokens: body.max_tokens,
    temperature: body.temperature,
    top_p: body.top_p,
    top_k: body.top_k,
    stop: body.stop_sequences,
    ...(parallel === undefined ? {} : { parallel_tool_calls: parallel }),
  };
}

function responseFormat({ output_config: config, output_format: older }: MessagesRequest) {
  const format = config?.format ?? older;
  if (format === undefined || format === null) return undefined;
  return { type: format.type, json_schema: { name: 'answer', schema: format.schema } };
}

function toToolChoice(choice: NonNullable<MessagesRequest['tool_choice']>): ChatRequest['tool_choice'] {
  if (choice.type === 'tool') return { type: 'function', function: { name: choice.name } };
  return choice.type === 'any' ? 'required' : choice.type;
}

/** Tool results stand in user messages here, and are messages of their own in chat templates. */
function toMessages({ role, content }: AnthropicMessage): ChatMessage[] {
  if (typeof content === 'string') return [{ role, content }];
  const texts = content.flatMap(blockText);
  if (role === 'system' || role === 'developer') return [{ role, content: texts.join('\n') }];
  if (role === 'user') {
    const results = content.flatMap((b) => (b.type === 'tool_result' ? [toolMessage(b)] : []));
    return [...results, ...(texts.length > 0 ? [{ role, content: texts.join('\n') }] : [])];
  }
  const calls = content.flatMap((b) =>
    b.type === 'tool_use'
      ? [{ id: b.id, type: 'function' as const, function: { name: b.name, arguments: JSON.stringify(b.input) } }]
      : [],
  );
  const reasoning = content.flatMap((b) => (b.type === 'thinking' ? [b.thinking] : [])).join('\n');
  return [
    {
      role,
      content: texts.join('\n'),
      ...(reasoning === '' ? {} : { reasoning_content: reasoning }),
      ...(calls.length === 0 ? {} : { tool_calls: calls }),
    },
  ];
}

type Block = Exclude<AnthropicMessage['content'], string>[number];
type ToolResult = Extract<Block, { type: 'tool_result' }>;
type ResultBlock = Exclude<NonNullable<ToolResult['content']>, string>[number];

/** What a block says, in words; nothing for blocks that are calls, results or thoughts. */
function blockText(block: Block | ResultBlock): string[] {
  if (block.type === 'text') return [block.text];
  if (block.type === 'tool_reference') return [block.tool_name];
  if (block.type !== 'search_result') return [];
  return [[`${block.title} (${block.source})`, ...block.content.map((part) => part.text)].join('\n')];
}

function toolMessage({ tool_use_id, content, is_error: isError }: ToolResult): ChatMessage {
  const text = typeof content === 'string' ? content : (content ?? []).flatMap(blockText).join('\n');
  return { role: 'tool', tool_call_id: tool_use_id, content: isError === true ? failedResult(text) : text };
}
