/** What a text worker does, and what it is made of. Pure: it runs in a worker, and in tests where it is called. */
import { EngineError } from '../../errors.ts';
import type { ChatTemplate } from '../../text/chat-template/chat-template.ts';
import type { TemplateTraits } from '../../text/chat-template/template-traits.ts';
import { type Tokenizer, TooManyTokens } from '../../text/tokenizer/tokenizer.ts';
import { buildChatPrompt, type ChatPrompt, type PromptFields } from '../../text/chat-prompt/chat-prompt.ts';
import type { ToolDefinition } from '../../text/tool-calls/types.ts';

/** The text side of one model. */
export interface LoadedText {
  readonly tokenizer: Tokenizer;
  /** Compiled when it is first asked for, since that runs it. @throws EngineError model_not_readable */
  readonly chatTemplate: () => ChatTemplate | null;
  /** Of the adapter for tools; null where there is none. */
  readonly toolsTemplate: () => ChatTemplate | null;
}

/** How long a text may be. */
export interface TextLimit {
  readonly tokens: number;
  /** UTF-16 units: no text with more has so few tokens, or more are not taken. */
  readonly chars: number;
  /** The refusal of a text that has more, behind "has ". */
  readonly code: 'context_length_exceeded' | 'invalid_value';
  readonly message: string;
}

export interface NamedText {
  readonly text: string;
  /** The field it came from, for errors. */
  readonly param: string;
}

export type TextTask =
  | { readonly type: 'describe' }
  | {
      readonly type: 'encode';
      readonly texts: readonly NamedText[];
      readonly addSpecialTokens: boolean;
      readonly limit: TextLimit;
    }
  | {
      readonly type: 'chat';
      readonly body: PromptFields;
      readonly tools: readonly ToolDefinition[] | null;
      /** Render the template of the adapter for tools, not the model's own. */
      readonly forToolsAdapter: boolean;
      readonly limit: TextLimit;
      readonly param: string;
    }
  | { readonly type: 'decode'; readonly ids: Int32Array; readonly each: boolean };

export interface TextDescription {
  /** null when there is no chat template. */
  readonly traits: TemplateTraits | null;
  /** UTF-16 units of the vocabulary's longest token. */
  readonly longestToken: number;
}

export type EncodedChat = Omit<ChatPrompt, 'ids'> & { readonly ids: Int32Array };

/** By the task's type. */
export interface TextResults {
  readonly describe: TextDescription;
  readonly encode: readonly Int32Array[];
  readonly chat: EncodedChat;
  /** The text of all ids, or of each. */
  readonly decode: readonly string[];
}
export type TextResult = TextResults[keyof TextResults];

/** @throws EngineError for what the task's sender did wrong, or the model's files */
export function doTextTask(loaded: LoadedText, task: TextTask): TextResult {
  const { tokenizer } = loaded;
  switch (task.type) {
    case 'describe':
      return { traits: loaded.chatTemplate()?.traits ?? null, longestToken: longestToken(tokenizer) };
    case 'encode':
      return task.texts.map((text) => encode(tokenizer, text, task.addSpecialTokens, task.limit));
    case 'chat': {
      const template = task.forToolsAdapter ? loaded.toolsTemplate() : loaded.chatTemplate();
      if (template === null) throw noChatTemplate();
      const prompt = buildChatPrompt(template, task.body, task.tools);
      const text = { text: prompt.text, param: task.param };
      return { ...prompt, ids: encode(tokenizer, text, task.body.add_special_tokens ?? false, task.limit) };
    }
    case 'decode':
      if (task.each) return Array.from(task.ids, (id) => tokenizer.decode([id], { atStart: false }));
      return [tokenizer.decode(Array.from(task.ids))];
    default:
      return task satisfies never;
  }
}

function encode(
  tokenizer: Tokenizer,
  { text, param }: NamedText,
  addSpecialTokens: boolean,
  limit: TextLimit,
): Int32Array {
  checkLength(text, param, limit);
  const ids = idsWithin(tokenizer, text, addSpecialTokens, limit.tokens);
  if (ids === null) throw tooLong(limit, `more than ${limit.tokens}`, param);
  // A prompt that is a little too long is told by how much, with what the rest of the request wants.
  if (limit.code === 'invalid_value' && ids.length > limit.tokens) throw tooLong(limit, `${ids.length} tokens`, param);
  return Int32Array.from(ids);
}

/** null when there are certainly more than `maxTokens`. */
function idsWithin(tokenizer: Tokenizer, text: string, addSpecialTokens: boolean, maxTokens: number): number[] | null {
  try {
    return tokenizer.encode(text, { addSpecialTokens, maxTokens });
  } catch (error) {
    if (error instanceof TooManyTokens) return null;
    throw error;
  }
}

/** Refuses a text of so many characters that it cannot have few enough tokens. */
export function checkLength(text: string, param: string, limit: TextLimit): void {
  if (text.length > limit.chars) throw tooLong(limit, `more, having ${text.length} characters`, param);
}

function tooLong({ code, message }: TextLimit, what: string, param: string): EngineError {
  const said = message.replace('{}', what);
  return new EngineError(code, code === 'invalid_value' ? `${param}: ${said}` : said, { param });
}

function noChatTemplate(): EngineError {
  const hint = 'Use /v1/completions, or start the server with --chat_template FILE.';
  return new EngineError('invalid_request', `The served model has no chat template. ${hint}`, { param: 'messages' });
}

function longestToken(tokenizer: Tokenizer): number {
  const utf8 = new TextDecoder();
  let longest = 1;
  for (let id = 0; id < tokenizer.vocabSize; id++) {
    longest = Math.max(longest, utf8.decode(tokenizer.tokenBytes(id)).length);
  }
  return longest;
}
