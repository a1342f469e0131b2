/** What structured output takes and gives: the fields that ask for it, and grammars and vocabularies as the engine reads them. */

type JsonSchemaValue = Readonly<Record<string, unknown>> | boolean;
type Maybe<T> = T | null | undefined;

/** OpenAI's `response_format`, with xgrammar's structural tags. */
export type ResponseFormat =
  | { readonly type: 'text' }
  | { readonly type: 'json_object'; readonly schema?: Maybe<JsonSchemaValue>; readonly value?: Maybe<JsonSchemaValue> }
  | TypedGrammar
  | {
      readonly type: 'json_schema';
      readonly json_schema: { readonly name?: string; readonly schema?: Maybe<JsonSchemaValue> };
    }
  | {
      readonly type: 'structural_tag';
      readonly format?: Maybe<Record<string, unknown>>;
      readonly structures?: Maybe<
        readonly { readonly begin: string; readonly schema?: Maybe<JsonSchemaValue>; readonly end: string }[]
      >;
      readonly triggers?: Maybe<readonly string[]>;
    };

/** text-generation-inference's way to say it. */
export type TypedGrammar =
  | { readonly type: 'json'; readonly value: JsonSchemaValue | string }
  | { readonly type: 'regex'; readonly value: string };

/** The fields of a request that constrain its answer; the wire's names, since errors name them. */
export interface StructuredOutputFields {
  readonly response_format?: ResponseFormat | undefined;
  readonly structured_outputs?:
    | {
        readonly json?: Maybe<JsonSchemaValue | string>;
        readonly regex?: Maybe<string>;
        readonly choice?: Maybe<readonly string[]>;
        readonly grammar?: Maybe<string>;
        readonly json_object?: Maybe<boolean>;
        readonly structural_tag?: Maybe<string>;
      }
    | undefined;
  readonly guided_json?: JsonSchemaValue | string | undefined;
  readonly guided_regex?: string | undefined;
  readonly guided_grammar?: string | undefined;
  readonly guided_choice?: readonly string[] | undefined;
  readonly json_schema?: JsonSchemaValue | string | undefined;
  readonly regex?: string | undefined;
  readonly ebnf?: string | undefined;
  readonly structural_tag?: string | undefined;
  /** llama.cpp's GBNF, or text-generation-inference's object. */
  readonly grammar?:
    | string
    | TypedGrammar
    | { readonly type: 'json_schema'; readonly value: { readonly schema: JsonSchemaValue } }
    | undefined;
}

/** What an output must be. `grammar`: EBNF whose first symbol is `root`. `structural_tag`: xgrammar's JSON format. */
export interface GrammarSpec {
  readonly kind: 'grammar' | 'structural_tag';
  readonly text: string;
  /** The request's field that asked for it, for errors. */
  readonly param: string | null;
}

/** The bytes of every token, one behind the other. */
export interface TokenVocabulary {
  readonly bytes: Uint8Array;
  /** [V] where each token's bytes end. */
  readonly ends: Uint32Array;
}
