/** Chat messages → prompt text, through the model's chat template. Runs in a text worker (text-workers/). */
import { EngineError } from '../../errors.ts';
import type { ChatTemplate } from '../../text/chat-template/chat-template.ts';
import type { ChatRequest } from '../apis/chat-completions/schema.ts';
import type { ChatMessage } from '../apis/schema/messages.ts';
import type { Tool } from '../apis/schema/tools.ts';
import { placeSystem } from './system-messages.ts';
import { type PromptMessage, withToolPrompt } from './tool-prompt.ts';

/** The part of a chat request that shapes its prompt. */
export const promptFields = [
  'messages',
  'add_generation_prompt',
  'continue_final_message',
  'add_special_tokens',
  'chat_template_kwargs',
  'reasoning_effort',
] as const satisfies (keyof ChatRequest)[];
export type PromptFields = Pick<ChatRequest, 'messages'> & Partial<Pick<ChatRequest, (typeof promptFields)[number]>>;

export interface ChatPrompt {
  readonly text: string;
  readonly ids: number[];
  /** Whether the model was told of the tools in our own words, since its template knows none. */
  readonly toolFallback: boolean;
  /** The text of the last message where the answer goes on with it (`continue_final_message`), else null. */
  readonly continued: string | null;
}

/**
 * @param template null when the model has none
 * @param tools those the model may see, null when there are none
 */
export function buildChatPrompt(
  template: ChatTemplate | null,
  body: PromptFields,
  tools: readonly Tool[] | null,
): Omit<ChatPrompt, 'ids'> {
  if (template === null) {
    const hint = 'Use /v1/completions, or start the server with --chat_template FILE.';
    throw new EngineError('invalid_request', `The served model has no chat template. ${hint}`, { param: 'messages' });
  }
  const messages = placeSystem(body.messages.map(toPromptMessage), template.traits);
  const toolFallback = !rendersTools(template, messages, tools);
  const text = template.render(toolFallback ? withToolPrompt(messages, tools) : messages, {
    tools: toolFallback ? [] : (tools ?? []),
    continueFinalMessage: body.continue_final_message ?? false,
    ...(body.add_generation_prompt === undefined ? {} : { addGenerationPrompt: body.add_generation_prompt }),
    chatTemplateKwargs: templateVariables(body),
  });
  const continued = body.continue_final_message === true ? (messages.at(-1)?.content ?? null) : null;
  return { text, toolFallback, continued };
}

/**
 * Templates call the switch for reasoning `enable_thinking` (Qwen) or `thinking` (DeepSeek): either name reaches both,
 * and effort "none" turns it off.
 */
function templateVariables({ reasoning_effort: effort, chat_template_kwargs: kwargs = {} }: PromptFields) {
  const thinking = kwargs['enable_thinking'] ?? kwargs['thinking'] ?? (effort === 'none' ? false : undefined);
  return {
    ...(effort === undefined ? {} : { reasoning_effort: effort }),
    ...(thinking === undefined ? {} : { enable_thinking: thinking, thinking }),
    ...kwargs,
  };
}

/** Whether the template can show everything about tools that this conversation has. */
function rendersTools(
  template: ChatTemplate,
  messages: readonly PromptMessage[],
  tools: readonly Tool[] | null,
): boolean {
  const called = messages.some((m) => m.tool_calls !== undefined);
  return (tools === null || template.traits.tools) && (!called || template.traits.toolCalls);
}

function toPromptMessage(message: ChatMessage): PromptMessage {
  const { role } = message;
  const content = joinContent(message.content ?? null);
  const name = message.name == null ? {} : { name: message.name };
  if (role === 'tool') return { role, content, tool_call_id: message.tool_call_id, ...name };
  if (role !== 'assistant') return { role, content, ...name };
  const reasoning = message.reasoning_content ?? message.reasoning;
  const calls = message.tool_calls ?? [];
  return {
    role,
    content: content ?? message.refusal ?? null,
    ...name,
    ...(reasoning == null ? {} : { reasoning_content: reasoning }),
    ...(calls.length === 0 ? {} : { tool_calls: calls }),
  };
}

/** Most templates take strings only, so the text parts of a message are joined by line breaks. */
function joinContent(content: NonNullable<ChatMessage['content']> | null): string | null {
  if (content === null || typeof content === 'string') return content;
  return content.map((part) => (part.type === 'refusal' ? part.refusal : part.text)).join('\n');
}
