/** The text side of one model: tokenizer, chat template, and the forms of its answers. */
import { openModel } from '../model/files/open-model.ts';
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
}

/** @throws EngineError model_not_readable, unsupported_model; bad_flag for a parser that is none */
export function openModelText(modelDir: string, settings: TextSettings): ModelText {
  const { tokenizer, sampling } = open(modelDir);
  const { chatTemplate: own = null, toolCallParser = null, reasoningParser = null } = settings;
  const chatTemplate = own === null ? chatTemplateOf(tokenizer) : compileChatTemplate(own, tokenizer.specialTokens);
  const templateSource = own ?? tokenizer.toolUseTemplate ?? tokenizer.chatTemplate ?? '';
  const showsTools = chatTemplate?.traits.tools === true ? templateSource : null;
  const formats = answerFormats(showsTools, { toolCallParser, reasoningParser });
  const vocabulary = answerVocabulary(tokenizer, formats, showsTools);
  return { tokenizer, chatTemplate, templateSource, formats, vocabulary, samplingDefaults: sampling };
}

function open(modelDir: string): { tokenizer: Tokenizer; sampling: SamplingDefaults } {
  const model = openModel(modelDir);
  try {
    return { tokenizer: tokenizerOf(model), sampling: samplingDefaults(model) };
  } finally {
    model.close();
  }
}
