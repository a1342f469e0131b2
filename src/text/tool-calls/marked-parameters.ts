/** Parameters written as text between tags (Qwen3-Coder, GLM, DeepSeek V3.2): the value's side, typed by the tool's schema. */
import { escapeJson, type ArgumentsWriter } from './arguments-writer.ts';
import type { CallStream } from './call-stream.ts';
import { typedJson, isText, type JsonType } from './schema-types.ts';
import type { Parsing } from './types.ts';

interface ValueForm {
  /** Tags that end the value; the one found is left held. */
  readonly ends: readonly string[];
  /** One line break after the opening tag belongs to the format. */
  readonly trimsNewline?: boolean;
  /** What a parameter is that the schema does not know. */
  readonly untyped: 'string' | 'any';
}

/**
 * Reads one parameter's value and writes it as JSON. A string goes out as it grows; anything else waits for its end, since
 * only the whole text says what it is. @returns the tag that ended it, null at the end of the output.
 */
export function* markedValue(
  stream: CallStream,
  writer: ArgumentsWriter,
  types: ReadonlySet<JsonType>,
  form: ValueForm,
): Parsing<string | null> {
  if (form.trimsNewline === true && (yield* stream.more()) && stream.chunk.charAt(stream.at) === '\n') {
    stream.at++;
    stream.claim();
  }
  if (!isText(types, form.untyped)) {
    const pieces: string[] = [];
    const end = yield* stream.upTo(form.ends, (text) => pieces.push(text));
    const text = pieces.join('');
    const isCut = end === null && stream.ended === 'length';
    writer.text(isCut ? text.trim() : typedJson(text, types, form.untyped));
    return end;
  }
  writer.text('"');
  const end = yield* stream.upTo(form.ends, (text) => writer.text(escapeJson(text)));
  if (end !== null || stream.ended === 'eos') writer.text('"');
  return end;
}

/** A parameter's name up to `end`, which is read too; null when the output ends first. What was held was its tag. */
export function* markedName(stream: CallStream, end: string): Parsing<string | null> {
  stream.claim();
  const pieces: string[] = [];
  const tag = yield* stream.upTo([end], (text) => pieces.push(text));
  return tag === null ? null : pieces.join('').trim();
}

/**
 * What remains to do where a parameter should begin and none does: the call ends here, closed unless it was cut.
 * @param claimed text of the failed parameter that was claimed already; it comes out as content before what is held.
 */
export function endMarked(stream: CallStream, writer: ArgumentsWriter, claimed = ''): boolean {
  if (stream.ended === 'length') return true;
  const held = stream.claim();
  writer.close();
  if (stream.atEnd) return true;
  // White space is the format's own if a call follows.
  if (claimed === '' && held.trim() === '') stream.hold(held);
  else stream.content(claimed + held);
  return true;
}
