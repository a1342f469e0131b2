/** Chat messages → prompt text, through the model's chat template. A server runs it in a text worker. */
import { type ChatMessage, type ChatTemplate, contentText } from '../chat-template/chat-template.ts';
import type { ToolDefinition } from '../tool-calls/types.ts';
import { placeSystem } from './system-messages.ts';
import { type PromptMessage, withToolPrompt } from './tool-prompt.ts';

/** The part of a chat request that shapes its prompt; the wire's names, since errors name them. */
export interface PromptFields {
  readonly messages: readonly ChatMessage[];
  /** Opens the assistant's turn. Default true. */
  readonly add_generation_prompt?: boolean | undefined;
  /** The answer goes on with the last message. */
  readonly continue_final_message?: boolean | undefined;
  /** Adds the tokenizer's own BOS to the rendered prompt. Default false. */
  readonly add_special_tokens?: boolean | undefined;
  /** More variables of the template. */
  readonly chat_template_kwargs?: Readonly<Record<string, unknown>> | undefined;
  /** 'none' turns thinking off where the template has a switch for it. */
  readonly reasoning_effort?: string | undefined;
}

export const promptFields = [
  'messages',
  'add_generation_prompt',
  'continue_final_message',
  'add_special_tokens',
  'chat_template_kwargs',
  'reasoning_effort',
] as const satisfies (keyof PromptFields)[];

export interface ChatPrompt {
  readonly text: string;
  readonly ids: number[];
  /** Whether the model was told of the tools in our own words, since its template knows none. */
  readonly toolFallback: boolean;
  /** The text of the last message where the answer goes on with it (`continue_final_message`), else null. */
  readonly continued: string | null;
}

/**
 * @param tools those the model may see, null when there are none
 * @throws EngineError invalid_request, with the template's own message where it refuses the messages
 */
export function buildChatPrompt(
  template: ChatTemplate,
  body: PromptFields,
  tools: readonly ToolDefinition[] | null,
): Omit<ChatPrompt, 'ids'> {
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
  tools: readonly ToolDefinition[] | null,
): boolean {
  const called = messages.some((m) => m.tool_calls !== undefined);
  return (tools === null || template.traits.tools) && (!called || template.traits.toolCalls);
}

function toPromptMessage(message: ChatMessage): PromptMessage {
  const {
    role,
    content,
    name,
    refusal,
    reasoning,
    reasoning_content: thoughts,
    tool_calls: calls,
    ...others
  } = message;
  const reasoned = thoughts ?? reasoning;
  return {
    role,
    content: contentText(content) ?? (typeof refusal === 'string' ? refusal : null),
    ...others,
    ...(name == null ? {} : { name }),
    ...(reasoned == null ? {} : { reasoning_content: reasoned }),
    ...(calls == null || calls.length === 0 ? {} : { tool_calls: calls }),
  };
}
