/** A request of /v1/responses as a chat request: items become messages. */
import { EngineError } from '../../../errors.ts';
import type { ChatBody } from '../../chat/answer-stream.ts';
import { type ChatMessage, failedResult, systemMessage } from '../schema/messages.ts';
import { constraintsWith } from '../schema/structured-output.ts';
import { splitTools, type ToolChoice } from '../schema/tools.ts';
import type { InputItem } from './input-items.ts';
import type { ResponsesRequest } from './schema.ts';

type ToolCall = NonNullable<Extract<ChatMessage, { role: 'assistant' }>['tool_calls']>[number];

export function responsesToChat(body: ResponsesRequest): ChatBody {
  const { text } = body;
  const format = text?.format;
  const { own: tools } = splitTools(body.tools);
  const logprobs = body.include?.includes('message.output_text.logprobs') === true;
  return {
    messages: toMessages(body),
    max_completion_tokens: body.max_output_tokens,
    temperature: body.temperature,
    top_p: body.top_p,
    parallel_tool_calls: body.parallel_tool_calls,
    reasoning_effort: body.reasoning?.effort ?? undefined,
    tools: tools.length > 0 ? tools.map(({ type, ...fn }) => ({ type, function: fn })) : undefined,
    tool_choice: toToolChoice(body.tool_choice),
    ...constraintsWith(body, format?.type === 'json_schema' ? { type: format.type, json_schema: format } : format),
    ...(logprobs ? { logprobs, top_logprobs: body.top_logprobs } : {}),
  };
}

function toToolChoice(choice: ResponsesRequest['tool_choice']): ToolChoice | undefined {
  if (typeof choice !== 'object') return choice;
  if (choice.type === 'function') return { type: 'function', function: { name: choice.name } };
  const functions = choice.tools.flatMap((tool) =>
    tool.type === 'function' && tool.name != null ? [{ type: 'function' as const, function: { name: tool.name } }] : [],
  );
  // Of tools that are not run here nothing is left: as if there were none.
  if (functions.length === 0 && choice.mode === 'auto') return 'none';
  if (functions.length === 0) {
    const message = 'tool_choice.tools: Expected at least one function: tools of other types are not run here.';
    throw new EngineError('invalid_value', message, { param: 'tool_choice.tools' });
  }
  return { type: 'allowed_tools', allowed_tools: { mode: choice.mode, tools: functions } };
}

function toMessages({ input, instructions = '' }: ResponsesRequest): ChatMessage[] {
  const system = systemMessage(instructions);
  if (typeof input === 'string') return [...system, { role: 'user', content: input }];
  return mergeCalls([...system, ...input.flatMap(toMessage)]);
}

function toMessage(item: InputItem): ChatMessage[] {
  switch (item.type) {
    case undefined:
    case 'message':
      return [{ role: item.role, content: item.content }];
    case 'function_call':
      return [call(item.call_id, item.name, item.arguments)];
    case 'custom_tool_call':
      return [call(item.call_id, item.name, JSON.stringify({ input: item.input }))];
    case 'local_shell_call':
    case 'shell_call':
      return [call(item.call_id, 'shell', JSON.stringify(item.action))];
    case 'apply_patch_call':
      return [call(item.call_id, 'apply_patch', JSON.stringify(item.operation))];
    case 'function_call_output':
    case 'custom_tool_call_output':
      return [result(item.call_id, item.output)];
    case 'local_shell_call_output':
      return [result(item.id, item.output)];
    case 'shell_call_output':
      return [result(item.call_id, JSON.stringify(item.output))];
    case 'apply_patch_call_output':
      return [result(item.call_id, patchResult(item.status, item.output))];
    case 'mcp_call':
      return [call(item.id, item.name, item.arguments), result(item.id, mcpResult(item.output, item.error))];
    case 'reasoning': // Templates drop the reasoning of earlier turns.
    case 'web_search_call':
    case 'file_search_call':
    case 'code_interpreter_call':
    case 'image_generation_call':
    case 'mcp_list_tools':
    case 'mcp_approval_request':
    case 'mcp_approval_response':
    case 'tool_search_call':
    case 'tool_search_output':
    case 'item_reference': // The schema lets none through.
      return [];
    default:
      return item satisfies never;
  }
}

function call(id: string, name: string, args: string): ChatMessage {
  return { role: 'assistant', tool_calls: [{ id, type: 'function', function: { name, arguments: args } }] };
}

function result(id: string, output: Extract<ChatMessage, { role: 'tool' }>['content']): ChatMessage {
  return { role: 'tool', tool_call_id: id, content: Array.isArray(output) && output.length === 0 ? '' : output };
}

type Text = string | null | undefined;

function patchResult(status: string, output: Text): string {
  return status === 'failed' ? failedResult(output ?? '') : (output ?? status);
}

function mcpResult(output: Text, error: Text): string {
  return error == null || error === '' ? (output ?? '') : failedResult([error, output ?? ''].join('\n').trimEnd());
}

/** Each call is an item of its own; templates want one assistant message with its text and all its calls. */
function mergeCalls(messages: readonly ChatMessage[]): ChatMessage[] {
  const merged: ChatMessage[] = [];
  /** Those of the last message, if it has been made of several. */
  let calls: ToolCall[] | null = null;
  for (const message of messages) {
    const last = merged.at(-1);
    if (message.role === 'assistant' && message.tool_calls && last?.role === 'assistant') {
      if (calls === null) {
        calls = [...(last.tool_calls ?? [])];
        merged[merged.length - 1] = { ...last, tool_calls: calls };
      }
      for (const one of message.tool_calls) calls.push(one);
    } else {
      merged.push(message);
      calls = null;
    }
  }
  return merged;
}
