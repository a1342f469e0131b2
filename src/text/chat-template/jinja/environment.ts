import type { Test } from './tests.ts';
import type { Arguments, Keywords, Value } from './values.ts';

/** Where filters look up other filters and tests. */
export interface Environment {
  /** @throws TemplateError when there is none of this name */
  readonly filters: (name: string) => Filter;
  readonly tests: (name: string) => Test;
}
export type Filter = (value: Value, args: Arguments, keywords: Keywords, environment: Environment) => Value;
export type Filters = Readonly<Record<string, Filter>>;
