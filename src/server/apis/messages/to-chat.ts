/** A request of /v1/messages as a chat request: blocks become messages, tool calls and results. */
import type { ChatBody } from '../../chat/answer-stream.ts';
import type { AnthropicMessage, CountRequest, MessagesRequest } from './schema.ts';
import type { ChatRequest } from '../chat-completions/schema.ts';
import type { ChatMessage } from '../schema/messages.ts';

export function anthropicToPrompt({ system, messages, tools, thinking }: CountRequest): ChatBody {
  const systemText = typeof system === 'string' ? system : system?.map((block) => block.text).join('\n');
  return {
    messages: [
      ...(systemText === undefined ? [] : [{ role: 'system' as const, content: systemText }]),
      ...messages.flatMap(toMessages),
    ],
    tools: tools?.length
      ? tools.map(({ name, description, input_schema: parameters }) => ({
          type: 'function',
          function: { name, description, parameters },
        }))
      : undefined,
    ...(thinking === undefined ? {} : { chat_template_kwargs: { enable_thinking: thinking.type !== 'disabled' } }),
  };
}

export function anthropicToChat(body: MessagesRequest): ChatBody {
  const choice = body.tool_choice;
  const parallel =
    choice !== undefined && 'disable_parallel_tool_use' in choice ? choice.disable_parallel_tool_use !== true : true;
  return {
    ...anthropicToPrompt(body),
    max_completion_tokens: body.max_tokens,
    temperature: body.temperature,
    top_p: body.top_p,
    top_k: body.top_k,
    stop: body.stop_sequences,
    parallel_tool_calls: parallel,
    ...(choice === undefined ? {} : { tool_choice: toToolChoice(choice) }),
  };
}

function toToolChoice(choice: NonNullable<MessagesRequest['tool_choice']>): ChatRequest['tool_choice'] {
  if (choice.type === 'tool') return { type: 'function', function: { name: choice.name } };
  return choice.type === 'any' ? 'required' : choice.type;
}

/** Tool results stand in user messages here, and are messages of their own in chat templates. */
function toMessages({ role, content }: AnthropicMessage): ChatMessage[] {
  if (typeof content === 'string') return [{ role, content }];
  const texts = content.flatMap((b) => (b.type === 'text' ? [b.text] : []));
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

function toolMessage({ tool_use_id, content }: Extract<Block, { type: 'tool_result' }>): ChatMessage {
  const text = typeof content === 'string' ? content : (content ?? []).map((b) => b.text).join('\n');
  return { role: 'tool', tool_call_id: tool_use_id, content: text };
}
