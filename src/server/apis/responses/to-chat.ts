/** A request of /v1/responses as a chat request: items become messages. */
import type { ChatBody } from '../../chat/answer-stream.ts';
import type { ChatMessage } from '../schema/messages.ts';
import type { ResponseItem, ResponsesRequest } from './schema.ts';

export function responsesToChat(body: ResponsesRequest): ChatBody {
  const { tool_choice: choice, text, tools } = body;
  const format = text?.format;
  return {
    messages: toMessages(body),
    max_completion_tokens: body.max_output_tokens,
    temperature: body.temperature,
    top_p: body.top_p,
    parallel_tool_calls: body.parallel_tool_calls,
    reasoning_effort: body.reasoning?.effort ?? undefined,
    tools: tools?.length ? tools.map(({ type, ...fn }) => ({ type, function: fn })) : undefined,
    tool_choice: typeof choice === 'object' ? { type: 'function', function: { name: choice.name } } : choice,
    response_format: format?.type === 'json_schema' ? { type: format.type, json_schema: format } : format,
  };
}

function toMessages({ input, instructions }: ResponsesRequest): ChatMessage[] {
  const system: ChatMessage[] = instructions === undefined ? [] : [{ role: 'system', content: instructions }];
  if (typeof input === 'string') return [...system, { role: 'user', content: input }];
  return mergeCalls([...system, ...input.flatMap(toMessage)]);
}

function toMessage(item: ResponseItem): ChatMessage[] {
  switch (item.type) {
    case undefined:
    case 'message':
      return [{ role: item.role, content: item.content }];
    case 'function_call': {
      const { call_id: id, name, arguments: args } = item;
      return [{ role: 'assistant', tool_calls: [{ id, type: 'function', function: { name, arguments: args } }] }];
    }
    case 'function_call_output':
      return [{ role: 'tool', tool_call_id: item.call_id, content: item.output }];
    case 'reasoning':
      return []; // Templates drop the reasoning of earlier turns.
    default:
      return item satisfies never;
  }
}

/** Each call is an item of its own; templates want one assistant message with its text and all its calls. */
function mergeCalls(messages: readonly ChatMessage[]): ChatMessage[] {
  const merged: ChatMessage[] = [];
  for (const message of messages) {
    const last = merged.at(-1);
    if (message.role === 'assistant' && message.tool_calls && last?.role === 'assistant') {
      merged[merged.length - 1] = { ...last, tool_calls: [...(last.tool_calls ?? []), ...message.tool_calls] };
    } else merged.push(message);
  }
  return merged;
}
