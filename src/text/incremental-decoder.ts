/**
 * Token ids to text, a few at a time. A token may be half a character: its bytes wait in a streaming UTF-8 decoder
 * until the character is whole, so that the pieces joined always equal the whole decode. Time per token does not depend
 * on how much came before.
 */
import type { Detokenizer, IncrementalDecoder } from './tokenizer/tokenizer.ts';

interface IncrementalDecoderOptions {
  /** Leaves out tokens such as `<|im_end|>`. Default true. */
  readonly skipSpecialTokens?: boolean;
  /** Whether the ids begin a text; default false: they continue a prompt (see DecodeOptions.atStart). */
  readonly atStart?: boolean;
}

export function createIncrementalDecoder(
  tokenizer: Detokenizer,
  options: IncrementalDecoderOptions = {},
): IncrementalDecoder {
  const skip = options.skipSpecialTokens ?? true;
  const utf8 = new TextDecoder('utf-8', { ignoreBOM: true });
  let spacesToDrop = options.atStart ? tokenizer.leadingSpaces : 0;

  return {
    push(ids) {
      let text = '';
      for (const id of ids) {
        if (!skip || !tokenizer.isSpecial(id)) text += utf8.decode(tokenizer.tokenBytes(id), { stream: true });
      }
      if (spacesToDrop === 0 || text === '') return text;
      let dropped = 0;
      while (dropped < spacesToDrop && text[dropped] === ' ') dropped++;
      spacesToDrop = dropped < text.length ? 0 : spacesToDrop - dropped;
      return text.slice(dropped);
    },
    flush: () => utf8.decode(),
  };
}
