/** What a file of `parsers/` declares. */
import type { CallStream } from './call-stream.ts';
import type { CallForm, CallIds, Parsing } from './types.ts';

/** One family's way to write calls; `parse-calls.ts` runs it. */
export interface ToolCallFormat {
  /** Opening tags → the closing tags that may follow a call opened so (in any number, white space between). */
  readonly tags: Readonly<Record<string, readonly string[]>>;
  /** Characters that may stand between calls without being content. White space when absent. */
  readonly between?: string;
  /**
   * Reads what follows the opening tag `tag`, calling `stream.start` for each call.
   * @returns false when the text is not, or no longer, a call: what is held then comes out as content. True with nothing
   * but white space held.
   */
  body(stream: CallStream, tag: string): Parsing<boolean>;
  readonly ids: CallIds;
  /** How to write calls, for grammars that force them. `template`: the model's chat template, where a family has two ways. */
  form(template: string): CallForm;
}
