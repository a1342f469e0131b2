/** The tags around calls that DeepSeek V3 and V3.1 share. */
import type { CallStream } from './call-stream.ts';
import type { Parsing, ToolCallFormat } from './types.ts';

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
