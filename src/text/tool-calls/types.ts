/** What a tool-call parser takes and gives. */
import type { Grammar } from '../structured-output/ebnf.ts';

export type JsonSchema = Readonly<Record<string, unknown>>;

/** One entry of a request's `tools`, as OpenAI defines it. */
export interface ToolDefinition {
  readonly type?: 'function' | undefined;
  readonly function: {
    readonly name: string;
    readonly description?: string | null | undefined;
    readonly parameters?: JsonSchema | null | undefined;
    readonly strict?: boolean | null | undefined;
  };
}

/** `id` and `name` come once per call, with or before its first arguments; `arguments` are fragments of one JSON text. */
export interface ToolCallDelta {
  index: number;
  id?: string;
  name?: string;
  arguments?: string;
}

export interface Delta {
  content?: string;
  toolCalls?: ToolCallDelta[];
}

export type EndReason = 'eos' | 'length';

export interface ToolCallParser {
  /** What is certain after this text; null when nothing new is. */
  push(text: string): Delta | null;
  /** What was held back. `length`: the output was cut, so an unfinished call stays unfinished. Call it once. */
  end(reason: EndReason): Delta | null;
}

/** A parser suspended wherever its text runs out: it is written as if the whole text were there. */
export type Parsing<T> = Generator<undefined, T, undefined>;

/** How a family's call ids look. */
export interface CallIds {
  /** The id of call number `index` when the model wrote none that will do. */
  make(name: string, index: number): string;
  /** What a model's own id must look like for the family's template to take it back on the next turn. */
  readonly valid: RegExp;
}

/** `open call separator call … close`, in the family's own tags. */
export interface CallForm {
  readonly open: string;
  readonly separator: string;
  readonly close: string;
  /** The tag after which free text must go on as a call; null where no tag tells a call from text. */
  readonly trigger: string | null;
  /** What stands around a call's arguments, as EBNF. */
  call(name: string): { readonly before: string; readonly after: string };
  readonly arguments: ArgumentsForm;
}

/** EBNF of a call's arguments, for JSON Schema `parameters`. @throws EngineError invalid_value, as SchemaGrammar */
export type ArgumentsForm = (grammar: Grammar, parameters: JsonSchema) => string;
