/** Chat messages → prompt ids, through the model's chat template. */
import { EngineError } from '../errors.ts';
import type { ChatTemplate, ServerContext, TemplateMessage } from './context.ts';
import type { ChatRequest } from './protocol/chat-completions.ts';
import type { ChatMessage, MessageContent } from './protocol/messages.ts';
import type { Tool } from './protocol/tools.ts';
import { withToolPrompt } from './tool-prompt.ts';

/** The part of a chat request that shapes its prompt. */
export type PromptFields = Pick<
  ChatRequest,
  | 'messages'
  | 'add_generation_prompt'
  | 'continue_final_message'
  | 'add_special_tokens'
  | 'chat_template_kwargs'
  | 'reasoning_effort'
>;

export interface ChatPrompt {
  readonly text: string;
  readonly ids: number[];
}

/** `tools` are those the model may see, null when there are none. */
export function buildChatPrompt(ctx: ServerContext, body: PromptFields, tools: readonly Tool[] | null): ChatPrompt {
  const template = ctx.chatTemplate;
  if (template === null) {
    const hint = 'Use /v1/completions, or start the server with --chat_template FILE.';
    throw new EngineError('invalid_request', `The served model has no chat template. ${hint}`, { param: 'messages' });
  }
  const native = tools !== null && knowsTools(template);
  const plain = body.messages.map((m) => toTemplateMessage(m, template));
  const messages = native || !usesTools(plain, tools) ? plain : withToolPrompt(plain, tools);
  const continued = body.continue_final_message === true;
  const variables = {
    ...ctx.tokenizer.specialTokens,
    ...(body.reasoning_effort === undefined ? {} : { reasoning_effort: body.reasoning_effort }),
    ...body.chat_template_kwargs,
    ...(native ? { tools } : {}),
    messages,
    add_generation_prompt: continued ? false : (body.add_generation_prompt ?? true),
  };
  const rendered = render(template, variables);
  const text = continued ? cutAfterLastMessage(rendered, messages.at(-1)!) : rendered;
  return { text, ids: ctx.tokenizer.encode(text, { addSpecialTokens: body.add_special_tokens ?? false }) };
}

export function knowsTools(template: ChatTemplate): boolean {
  return /\btools\b/.test(template.source);
}

function usesTools(messages: readonly TemplateMessage[], tools: readonly Tool[] | null): boolean {
  return tools !== null || messages.some((m) => m.tool_calls !== undefined || m.role === 'tool');
}

function render(template: ChatTemplate, variables: Record<string, unknown>): string {
  try {
    return template.render(variables);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new EngineError('invalid_request', `The chat template refused these messages: ${reason}`, {
      param: 'messages',
      cause,
    });
  }
}

/** Templates close every turn; to go on with the last one, what they put behind its text is cut off again. */
function cutAfterLastMessage(rendered: string, last: TemplateMessage): string {
  const content = last.content.trim();
  const index = content === '' ? -1 : rendered.lastIndexOf(content);
  if (index < 0) {
    throw new EngineError('invalid_value', 'continue_final_message: The last message has no text to go on with.', {
      param: 'continue_final_message',
    });
  }
  return rendered.slice(0, index + content.length);
}

function toTemplateMessage(message: ChatMessage, template: ChatTemplate): TemplateMessage {
  const content = joinContent(message.content ?? '');
  const name = message.name == null ? {} : { name: message.name };
  switch (message.role) {
    case 'developer':
      return { role: template.source.includes('developer') ? 'developer' : 'system', content, ...name };
    case 'system':
    case 'user':
    case 'function':
      return { role: message.role, content, ...name };
    case 'tool':
      return { role: 'tool', content, tool_call_id: message.tool_call_id, ...name };
    case 'assistant': {
      const reasoning = message.reasoning_content ?? message.reasoning;
      const calls = message.tool_calls ?? [];
      return {
        role: 'assistant',
        content: content === '' ? (message.refusal ?? '') : content,
        ...name,
        ...(reasoning == null ? {} : { reasoning_content: reasoning }),
        ...(calls.length === 0 ? {} : { tool_calls: calls.map(parseArguments) }),
      };
    }
    default:
      return message satisfies never;
  }
}

type WireToolCall = NonNullable<Extract<ChatMessage, { role: 'assistant' }>['tool_calls']>[number];

/** Templates want the arguments as an object; text that is no JSON is handed on as it is. */
function parseArguments(call: WireToolCall): NonNullable<TemplateMessage['tool_calls']>[number] {
  let parsed: unknown = call.function.arguments;
  try {
    parsed = call.function.arguments === '' ? {} : (JSON.parse(call.function.arguments) as unknown);
  } catch {
    // The model wrote this itself in an earlier turn: showing it again is better than failing.
  }
  return { id: call.id, type: 'function', function: { name: call.function.name, arguments: parsed } };
}

/** Most templates take strings only, so the text parts of a message are joined by line breaks. */
export function joinContent(content: MessageContent): string {
  if (typeof content === 'string') return content;
  return content.map((part) => (part.type === 'refusal' ? part.refusal : part.text)).join('\n');
}
