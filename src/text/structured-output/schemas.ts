/** What the grammars of arrays and objects ask for their parts: the recursion of schema-grammar.ts, as they see it. */
import type { Dialect } from './dialect.ts';
import type { Grammar } from './ebnf.ts';

export interface Schemas {
  readonly grammar: Grammar;
  readonly dialect: Dialect;
  /** EBNF of the values of `schema`, which stands at `at`. @throws EngineError invalid_value */
  value(schema: unknown, at?: string): string;
  /** What a schema lists, a boolean's values included; null when it does not list its values. */
  listedValues(schema: unknown, at: string): readonly unknown[] | null;
}
