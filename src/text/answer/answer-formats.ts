/** How one model writes what is not plain content: the forms of its tool calls and of its reasoning. */
import { EngineError } from '../../errors.ts';
import { isReasoningParser, reasoningParserNames, reasoningTags } from '../reasoning/reasoning-tags.ts';
import { tokenVocabulary } from '../structured-output/token-vocabulary.ts';
import type { TokenVocabulary } from '../structured-output/types.ts';
import type { Detokenizer } from '../tokenizer/tokenizer.ts';
import { callMarkup } from '../tool-calls/call-grammar.ts';
import { toolCallFormat } from '../tool-calls/create-parser.ts';
import { guessToolCallParser } from '../tool-calls/guess-parser.ts';
import { FALLBACK_TOOL_CALL_PARSER } from '../chat-prompt/tool-prompt.ts';

export interface AnswerFormats {
  /** A name of tool-calls/create-parser.ts. */
  readonly toolCallParser: string;
  /** A name of reasoning/reasoning-tags.ts; null where reasoning stays in the content. */
  readonly reasoningParser: string | null;
}

/** Names that the caller chose, or null. */
interface GivenParsers {
  readonly toolCallParser: string | null;
  readonly reasoningParser: string | null;
}

/** @throws EngineError bad_flag for a name that is none */
export function checkParserNames({ toolCallParser, reasoningParser }: GivenParsers): void {
  if (toolCallParser !== null) toolCallFormat(toolCallParser);
  checkReasoningParser(reasoningParser);
}

/**
 * @param template the one that shows the model its tools; null when it shows none: they are then described in our own words
 * (chat-prompt/tool-prompt.ts), which one parser reads
 * @returns `why` the parser of calls was taken; null when there was nothing to guess
 * @throws EngineError bad_flag for a name that is none
 */
export function answerFormats(
  template: string | null,
  given: GivenParsers,
): AnswerFormats & { readonly why: string | null } {
  checkParserNames(given);
  const { toolCallParser, reasoningParser } = given;
  if (toolCallParser !== null) return { toolCallParser, reasoningParser, why: null };
  if (template === null) return { toolCallParser: FALLBACK_TOOL_CALL_PARSER, reasoningParser, why: null };
  const guess = guessToolCallParser(template);
  const why = guess?.why ?? 'the chat template names no known form';
  return { toolCallParser: guess?.name ?? FALLBACK_TOOL_CALL_PARSER, reasoningParser, why };
}

/** The tokens that constrained answers are made of: special ones only where calls and reasoning are written with them. */
export function answerVocabulary(
  tokenizer: Detokenizer,
  { toolCallParser, reasoningParser }: AnswerFormats,
  template: string | null,
): TokenVocabulary {
  const tags = reasoningParser === null ? null : reasoningTags(reasoningParser, '');
  const thoughts = tags === null ? '' : tags.open + tags.close;
  return tokenVocabulary(tokenizer, callMarkup(toolCallParser, template ?? '') + thoughts);
}

function checkReasoningParser(name: string | null): void {
  if (name === null || isReasoningParser(name)) return;
  const message = `--reasoning_parser: there is no parser '${name}'; there are ${reasoningParserNames.join(', ')}`;
  throw new EngineError('bad_flag', message, { param: '--reasoning_parser' });
}
