/** One chat answer: what it may be, and how its text is read. */
import type { ChatPrompt } from '../chat-prompt/chat-prompt.ts';
import { FALLBACK_TOOL_CALL_PARSER } from '../chat-prompt/tool-prompt.ts';
import type { ChatMessage } from '../chat-template/chat-template.ts';
import { reasoningTags } from '../reasoning/reasoning-tags.ts';
import type { ChosenTools } from '../tool-calls/choose-tools.ts';
import { createToolCallParser, watchCalls } from '../tool-calls/create-parser.ts';
import type { AnswerFormats } from './answer-formats.ts';
import { AnswerParser } from './answer-parser.ts';
import type { ChatForm } from './make-constraint.ts';

interface ChatAnswerOptions {
  readonly formats: AnswerFormats;
  readonly chosen: ChosenTools;
  readonly messages: readonly ChatMessage[];
  /** As rendered for these messages and tools. */
  readonly prompt: Omit<ChatPrompt, 'ids'>;
  /** false: at most one call. Default true, but not for forced calls of models that know no tools: they repeat themselves. */
  readonly parallelToolCalls?: boolean | undefined;
  /** false leaves reasoning in the content. Default true. */
  readonly separateReasoning?: boolean | undefined;
}

interface ChatAnswer {
  /** For the grammar that it has to follow (make-constraint.ts). */
  readonly form: ChatForm;
  /** Something is looked for by tags, which may be special tokens: its text must have them. */
  readonly isParsed: boolean;
  /** One for each choice. */
  createParser(): AnswerParser;
}

export function chatAnswer(options: ChatAnswerOptions): ChatAnswer {
  const { formats, chosen, prompt, messages } = options;
  const { tools, isForced, isNamed } = chosen;
  const format = prompt.toolFallback ? FALLBACK_TOOL_CALL_PARSER : formats.toolCallParser;
  const parallel = (options.parallelToolCalls ?? !(isForced && prompt.toolFallback)) && !isNamed;
  const { reasoningParser } = formats;
  const reasoning = reasoningParser === null ? null : reasoningTags(reasoningParser, prompt.text, prompt.continued);
  const separated = options.separateReasoning === false ? null : reasoning;
  const priorCalls = messages.reduce((sum, m) => sum + (m.role === 'assistant' ? (m.tool_calls?.length ?? 0) : 0), 0);
  const alsoClosing = separated === null ? [] : [separated.close];
  return {
    form: { tools, isForced, parallel, format, reasoning },
    isParsed: tools !== null || separated !== null,
    createParser: () =>
      new AnswerParser({
        reasoning: separated,
        toolCallParser: tools === null ? null : createToolCallParser(format, tools, { priorCalls, alsoClosing }),
        callWatch: tools === null ? null : watchCalls(format, tools),
        isForced,
        parallelToolCalls: parallel,
      }),
  };
}
