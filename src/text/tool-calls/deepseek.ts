/** The tags around calls that DeepSeek V3 and V3.1 share. */
import { literal } from '../structured-output/ebnf.ts';
import { jsonArgumentsForm } from './call-forms.ts';
import type { CallStream } from './call-stream.ts';
import type { ToolCallFormat } from './tool-call-format.ts';
import type { CallForm, Parsing } from './types.ts';

const section = '<｜tool▁calls▁begin｜>';
const call = '<｜tool▁call▁begin｜>';

/** `fence`: what else closes a call. */
export function deepseekTags(...fence: string[]): ToolCallFormat['tags'] {
  const closing = [...fence, '<｜tool▁call▁end｜>', '<｜tool▁calls▁end｜>'];
  return { [section]: closing, [call]: closing };
}

/** Up to and with the tag that opens a call. */
export function* openCall(stream: CallStream, tag: string): Parsing<boolean> {
  if (tag === call) return true;
  yield* stream.space();
  return yield* stream.literal(call);
}

/** What stands before a call's name, between name and arguments, behind the arguments, and between calls. */
export function deepseekForm(before: string, between: string, behind: string, separator: string): CallForm {
  const end = `${behind}<｜tool▁call▁end｜>`;
  return {
    open: section + call + before,
    separator: end + separator + call + before,
    close: `${end}<｜tool▁calls▁end｜>`,
    trigger: section,
    call: (name) => ({ before: literal(name + between), after: '""' }),
    arguments: jsonArgumentsForm,
  };
}
