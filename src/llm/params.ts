/** What a program asks of LLM and gets: the server's fields in camel case. Errors name them as the wire does. */
import { EngineError } from '../errors.ts';
import type { SamplingParams } from '../engine/core/types.ts';
import type { AnswerDelta, AnswerFinishReason } from '../text/answer/answer-parser.ts';
import type { TextOutput } from '../text/answer/generated-text.ts';
import type { ResponseFormat, StructuredOutputFields } from '../text/structured-output/types.ts';
import type { ToolChoice } from '../text/tool-calls/choose-tools.ts';
import type { ToolDefinition } from '../text/tool-calls/types.ts';

export interface GenerateParams extends Partial<Omit<SamplingParams, 'constraint'>> {
  /** Name of the loaded adapter that it is computed with; the model alone without it. */
  readonly adapter?: string;
  /** Strings that end the text. */
  readonly stop?: string | readonly string[];
  /** Whether what ended the text, a string or a token, is part of it. Default false. */
  readonly includeStop?: boolean;
  /** Leaves out tokens such as `<|im_end|>`. Default true. */
  readonly skipSpecialTokens?: boolean;
  /** What the text has to be; one of its fields. */
  readonly structuredOutputs?: StructuredOutputs;
  /** The same as OpenAI says it. */
  readonly responseFormat?: ResponseFormat;
}

export interface StructuredOutputs {
  /** JSON of this schema, given as an object or as text. */
  readonly json?: Readonly<Record<string, unknown>> | boolean | string;
  /** Any JSON object. */
  readonly jsonObject?: boolean;
  /** The whole text matches this regular expression. */
  readonly regex?: string;
  /** One of these strings. */
  readonly choice?: readonly string[];
  /** EBNF whose first symbol is `root`. */
  readonly grammar?: string;
  /** xgrammar's structural tag, as JSON text. */
  readonly structuralTag?: string;
}

export interface ChatParams extends GenerateParams {
  /** Functions that the model may call. */
  readonly tools?: readonly ToolDefinition[];
  /** Default 'auto' with tools. */
  readonly toolChoice?: ToolChoice;
  /** false: at most one call. Default true. */
  readonly parallelToolCalls?: boolean;
  /** Given to the chat template; 'none' turns thinking off where it has a switch for it. */
  readonly reasoningEffort?: string;
  /** false leaves reasoning in the content. Default true, which needs `reasoningParser` of LLM.load. */
  readonly separateReasoning?: boolean;
  /** More variables of the chat template, such as `{enable_thinking: false}`. */
  readonly chatTemplateKwargs?: Readonly<Record<string, unknown>>;
  /** Goes on with the last message instead of opening a new turn. */
  readonly continueFinalMessage?: boolean;
}

export interface TextChunk extends TextOutput {
  /** All tokens of this step, a stop token and what came behind a stop string included. */
  readonly tokenIds: readonly number[];
}

/** New content, reasoning and fragments of calls; those of one `index` make one call. */
export interface ChatChunk extends AnswerDelta, Omit<TextChunk, 'text' | 'finishReason'> {
  /** Set on the last chunk only. */
  readonly finishReason: AnswerFinishReason | null;
  /** Tokens that went into reasoning so far. */
  readonly reasoningTokens: number;
}

/** @throws EngineError invalid_value for an empty one: it would end every text at once */
export function stopStrings({ stop = [] }: GenerateParams): readonly string[] {
  const strings = typeof stop === 'string' ? [stop] : stop;
  if (!strings.includes('')) return strings;
  throw new EngineError('invalid_value', 'stop: A stop string must not be empty.', { param: 'stop' });
}

/** In the wire's names, which errors use. */
export function constraintFields({ responseFormat, structuredOutputs }: GenerateParams): StructuredOutputFields {
  if (structuredOutputs === undefined) return { response_format: responseFormat };
  const { jsonObject, structuralTag, ...others } = structuredOutputs;
  return {
    response_format: responseFormat,
    structured_outputs: { ...others, json_object: jsonObject, structural_tag: structuralTag },
  };
}
