/** The loop that all formats share: text, an opening tag, a call, its closing tags, text … */
import { CallStream, whiteSpace } from './call-stream.ts';
import type { ToolCallFormat } from './tool-call-format.ts';
import type { CallIds, Delta, EndReason, Parsing, ToolCallParser, ToolDefinition } from './types.ts';

/** `alsoClosing`: tags that may close a call besides the format's own. */
export function parseCalls(
  format: ToolCallFormat,
  tools: readonly ToolDefinition[],
  ids: CallIds,
  alsoClosing: readonly string[] = [],
): ToolCallParser {
  const stream = new CallStream(tools, ids);
  const parsing = run(stream, format, alsoClosing);
  const resume = (): Delta | null => {
    parsing.next();
    return stream.delta();
  };
  return {
    push(text: string): Delta | null {
      stream.feed(text);
      return resume();
    },
    end(reason: EndReason): Delta | null {
      stream.feed('');
      stream.ended = reason;
      return resume();
    },
  };
}

function* run(stream: CallStream, format: ToolCallFormat, alsoClosing: readonly string[]): Parsing<void> {
  const opening = Object.keys(format.tags);
  let tag = yield* between(stream, format, []);
  for (;;) {
    tag ??= yield* stream.upTo(opening, (text) => stream.content(text));
    if (tag === null) return;
    const before = stream.callCount;
    if (yield* format.body(stream, tag)) {
      tag = yield* between(stream, format, [...(format.tags[tag] ?? []), ...alsoClosing]);
    } else {
      const held = stream.claim();
      if (!stream.atEnd || stream.callCount === before) stream.content(held);
      tag = null;
    }
  }
}

/**
 * At the start and after each call: white space and closing tags belong to the format if a call or the end follows them,
 * else to the content.
 * @returns the opening tag that follows, held; null when something else does.
 */
function* between(stream: CallStream, format: ToolCallFormat, closing: readonly string[]): Parsing<string | null> {
  const tags = [...closing, ...Object.keys(format.tags)];
  for (;;) {
    yield* stream.space(format.between ?? whiteSpace);
    const tag = yield* stream.oneOf(tags);
    if (tag !== null && !closing.includes(tag)) return tag;
    if (tag === null) {
      const text = stream.claim();
      const isCutTag = stream.atEnd && stream.callCount > 0 && closing.some((end) => end.startsWith(text.trim()));
      const isSpace = stream.atEnd && stream.callCount > 0 && text.trim() === '';
      if (!isCutTag && !isSpace) stream.content(text);
      return null;
    }
    stream.claim();
  }
}
