/**
 * Messages to prompt text through the model's own Jinja template, with the variables and functions that transformers'
 * `apply_chat_template` gives: messages, tools, documents, add_generation_prompt, bos_token …, raise_exception,
 * strftime_now, tojson.
 */
import { EngineError, oneLine } from '../../errors.ts';
import { templateMessage } from './jinja/errors.ts';
import { parseJson } from './jinja/parse-json.ts';
import { compileTemplate, type Render } from './jinja/template.ts';
import { probeTemplate, type RenderTemplate, type TemplateTraits } from './template-traits.ts';
import type { Tokenizer } from '../tokenizer/tokenizer.ts';

type ContentPart =
  | { readonly type: 'text' | 'input_text' | 'output_text'; readonly text: string }
  | { readonly type: 'refusal'; readonly refusal: string };

/** One OpenAI chat message; fields that are not named here reach the template as they are. */
export interface ChatMessage {
  readonly role: string;
  readonly content?: string | readonly ContentPart[] | null | undefined;
  readonly tool_calls?: readonly ChatMessageCall[] | null | undefined;
  readonly [key: string]: unknown;
}

export interface ChatMessageCall {
  readonly id?: string | undefined;
  readonly type?: string | undefined;
  /** `arguments` is a JSON text, as OpenAI's clients send it. */
  readonly function: { readonly name: string; readonly arguments: string };
}

interface RenderOptions {
  /** `{type:'function', function:{…}}` objects; none are shown to the template when empty or absent. */
  readonly tools?: readonly unknown[];
  /** Ends the prompt with the opening of an assistant turn. Default true, or false with continueFinalMessage. */
  readonly addGenerationPrompt?: boolean;
  /** Leaves the last message open for the model to go on with. */
  readonly continueFinalMessage?: boolean;
  /** More variables, such as `{enable_thinking: false}`. */
  readonly chatTemplateKwargs?: Readonly<Record<string, unknown>>;
}

export interface ChatTemplate {
  /** What the template can do, found out by rendering small examples with it. */
  readonly traits: TemplateTraits;
  /**
   * The prompt text; encode it with `addSpecialTokens: false`.
   * @throws EngineError invalid_request, with the template's own message where it refuses the messages
   */
  render(messages: readonly ChatMessage[], options?: RenderOptions): string;
}

/** Stands after the message to be continued; the prompt is cut where it comes out. */
const openEnd = '\u{F0000}open end\u{F0000}';

/**
 * @param source Jinja text
 * @param specialTokens bos_token, eos_token … for the template
 * @throws EngineError model_not_readable when the template does not parse
 */
export function compileChatTemplate(source: string, specialTokens: Readonly<Record<string, string>>): ChatTemplate {
  let template: Render;
  try {
    template = compileTemplate(source);
  } catch (error) {
    const reason = oneLine(templateMessage(error));
    throw new EngineError('model_not_readable', `the chat template does not parse: ${reason}`, { cause: error });
  }
  const given = { ...withoutTools(template, specialTokens), documents: null, ...specialTokens };
  const render: RenderTemplate = (variables) => template({ ...given, ...variables });
  const traits = probeTemplate(source, render);

  return {
    traits,
    render(messages, options = {}) {
      const { continueFinalMessage = false, addGenerationPrompt = !continueFinalMessage } = options;
      if (continueFinalMessage && addGenerationPrompt) {
        throw new EngineError(
          'invalid_request',
          'continue_final_message and add_generation_prompt cannot both be true: set add_generation_prompt to false',
          { param: 'continue_final_message' },
        );
      }
      const prepared = messages.map((message) => prepareMessage(message, traits));
      if (continueFinalMessage) leaveOpen(prepared);
      const text = renderOrRefuse(render, {
        ...options.chatTemplateKwargs,
        messages: prepared,
        ...(options.tools?.length ? { tools: options.tools } : {}),
        add_generation_prompt: addGenerationPrompt,
      });
      return continueFinalMessage ? cutAtOpenEnd(text) : text;
    },
  };
}

/** The model's own template; its second one, if it has one, where tools are given. Null when the model has none. */
export function chatTemplateOf(tokenizer: Tokenizer): ChatTemplate | null {
  if (tokenizer.chatTemplate === null) return null;
  const plain = compileChatTemplate(tokenizer.chatTemplate, tokenizer.specialTokens);
  if (tokenizer.toolUseTemplate === null) return plain;
  const toolUse = compileChatTemplate(tokenizer.toolUseTemplate, tokenizer.specialTokens);
  return {
    traits: { ...plain.traits, tools: toolUse.traits.tools, toolCalls: toolUse.traits.toolCalls },
    render: (messages, options = {}) => (options.tools?.length ? toolUse : plain).render(messages, options),
  };
}

/**
 * transformers always gives `tools`, None where there are none: templates ask `is none`, not only `is defined`. Some
 * made for requests with tools loop over it and fail with None; those get no variable.
 */
function withoutTools(template: Render, specialTokens: Readonly<Record<string, string>>): { tools?: null } {
  const variables = { ...specialTokens, messages: [{ role: 'user', content: 'hi' }] };
  const renders = (more: { tools?: null }) => {
    try {
      template({ ...variables, ...more });
      return true;
    } catch {
      return false;
    }
  };
  return renders({ tools: null }) || !renders({}) ? { tools: null } : {};
}

/** A message in the form that this template understands. */
function prepareMessage(message: ChatMessage, traits: TemplateTraits): Record<string, unknown> {
  const prepared: Record<string, unknown> = { ...message };
  // gpt-oss reads its reasoning under this name; transformers adds it, too.
  if (message['reasoning_content'] != null) prepared['thinking'] ??= message['reasoning_content'];
  if (message.role === 'developer' && !traits.developerRole) prepared['role'] = 'system';
  const text = contentText(message.content);
  if (text === null && message.tool_calls && traits.nullContent) prepared['content'] = null;
  else prepared['content'] = traits.typedContent ? [{ type: 'text', text: text ?? '' }] : (text ?? '');
  if (message.tool_calls) {
    prepared['tool_calls'] = message.tool_calls.map((call) => ({
      ...call,
      type: call.type ?? 'function',
      function: { ...call.function, arguments: callArguments(call.function.arguments, traits) },
    }));
  }
  return prepared;
}

/** Most templates take strings only, so the text parts of a message are joined by line breaks. */
export function contentText(content: ChatMessage['content']): string | null {
  if (content === null || content === undefined) return null;
  if (typeof content === 'string') return content;
  return content.map((part) => (part.type === 'refusal' ? part.refusal : part.text)).join('\n');
}

/** Templates want an object; arguments that are not JSON stay the text that the model wrote. */
function callArguments(json: string, traits: TemplateTraits): unknown {
  if (!traits.objectArguments) return json;
  if (json === '') return {};
  try {
    return parseJson(json);
  } catch {
    return json;
  }
}

function leaveOpen(messages: Record<string, unknown>[]): void {
  const last = messages.at(-1);
  if (!last || (typeof last['content'] !== 'string' && !Array.isArray(last['content']))) {
    throw new EngineError('invalid_request', 'continue_final_message needs a last message with text', {
      param: 'messages',
    });
  }
  const content = last['content'] as string | { text: string }[];
  last['content'] =
    typeof content === 'string' ? content + openEnd : content.map((part) => ({ ...part, text: part.text + openEnd }));
}

function cutAtOpenEnd(text: string): string {
  const end = text.lastIndexOf(openEnd);
  if (end >= 0) return text.slice(0, end);
  throw new EngineError('invalid_request', 'continue_final_message: the chat template leaves the last message out', {
    param: 'continue_final_message',
  });
}

function renderOrRefuse(render: RenderTemplate, variables: Record<string, unknown>): string {
  try {
    return render(variables);
  } catch (error) {
    const reason = oneLine(templateMessage(error));
    throw new EngineError('invalid_request', `chat template: ${reason}`, { param: 'messages', cause: error });
  }
}
