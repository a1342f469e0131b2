/** The text side of one model: tokenizer, chat template, and the forms of its answers. */
import { openModel } from '../model/files/open-model.ts';
import { type ToolsAdapter, toolsAdapterOf } from '../model/tools-adapter.ts';
import { samplingDefaults, type SamplingDefaults } from '../model/sampling-defaults.ts';
import { answerFormats, type AnswerFormats, answerVocabulary } from '../text/answer/answer-formats.ts';
import { type ChatTemplate, chatTemplateOf, compileChatTemplate } from '../text/chat-template/chat-template.ts';
import type { TokenVocabulary } from '../text/structured-output/types.ts';
import { tokenizerOf } from '../text/tokenizer/load-tokenizer.ts';
import type { Tokenizer } from '../text/tokenizer/tokenizer.ts';

export interface TextSettings {
  /** Jinja text instead of the model's own template. */
  readonly chatTemplate?: string;
  /** Form of the model's tool calls; what the chat template tells when absent. The server's names. */
  readonly toolCallParser?: string;
  /** Form of the model's reasoning; it stays in the content when absent. The server's names. */
  readonly reasoningParser?: string;
  /** Chats with tools go with the adapter that this package brings for the default model. Default true. */
  readonly toolsAdapter?: boolean;
}

export interface ModelText {
  readonly tokenizer: Tokenizer;
  /** null when the model has none. */
  readonly chatTemplate: ChatTemplate | null;
  /** Its Jinja text, '' for none. */
  readonly templateSource: string;
  readonly formats: AnswerFormats;
  readonly vocabulary: TokenVocabulary;
  readonly samplingDefaults: SamplingDefaults;
  /** Chats with tools are computed with it; null where there is none. */
  readonly toolsAdapter: ToolsAdapter | null;
  /** Its own. */
  readonly toolsTemplate: ChatTemplate | null;
}

/** @throws EngineError model_not_readable, unsupported_model; bad_flag for a parser that is none */
export function openModelText(modelDir: string, settings: TextSettings): ModelText {
  const { tokenizer, sampling, adapter } = open(modelDir);
  const { chatTemplate: own = null, toolCallParser = null, reasoningParser = null } = settings;
  const chatTemplate = own === null ? chatTemplateOf(tokenizer) : compileChatTemplate(own, tokenizer.specialTokens);
  const templateSource = own ?? tokenizer.toolUseTemplate ?? tokenizer.chatTemplate ?? '';
  const showsTools = chatTemplate?.traits.tools === true ? templateSource : null;
  const formats = answerFormats(showsTools, { toolCallParser, reasoningParser });
  const vocabulary = answerVocabulary(tokenizer, formats, showsTools);
  // Who brings a template of his own wants its form of tools.
  const toolsAdapter = own === null && settings.toolsAdapter !== false ? adapter : null;
  const toolsTemplate =
    toolsAdapter === null ? null : compileChatTemplate(toolsAdapter.chatTemplate, tokenizer.specialTokens);
  const text = { tokenizer, chatTemplate, templateSource, formats, vocabulary, samplingDefaults: sampling };
  return { ...text, toolsAdapter, toolsTemplate };
}

function open(modelDir: string): {
  readonly tokenizer: Tokenizer;
  readonly sampling: SamplingDefaults;
  readonly adapter: ToolsAdapter | null;
} {
  const model = openModel(modelDir);
  try {
    return { tokenizer: tokenizerOf(model), sampling: samplingDefaults(model), adapter: toolsAdapterOf(model) };
  } finally {
    model.close();
  }
}
