/** One generation's tokens → its text with its tokens, ended by a stop string, a stop token or the length. */
import { EngineError } from '../../errors.ts';
import { createIncrementalDecoder } from '../incremental-decoder.ts';
import type { Detokenizer } from '../tokenizer/tokenizer.ts';
import { TextAssembler, type TextPiece, type TextToken } from './text-assembler.ts';
import type { TextFinishReason, TokenLogprobs, TokenOutput, TokenUsage } from './token-output.ts';

export interface TextOptions {
  /** Strings that end the text. */
  readonly stops: readonly string[];
  /** Whether what ended the text, a string or a token, is part of it. */
  readonly includeStop: boolean;
  /** Leaves out tokens such as `<|im_end|>`. */
  readonly skipSpecialTokens: boolean;
}

/** What the caller asked the engine for that the text has to know too. */
interface TextParams {
  /** Stop strings are not looked for before this many tokens. */
  readonly minTokens: number;
  /** The caller's own, besides the model's. */
  readonly stopTokenIds: readonly number[];
}

export interface TextOutput {
  /** New text; '' while a character or a possible stop string is unfinished. */
  readonly text: string;
  /** The tokens behind `text`. */
  readonly tokens: readonly TextToken[];
  /** The token that ended the text, when it is not part of it. */
  readonly stopToken: TextToken | null;
  /** One for each token of the prompt (null for the first), on one output, when they were asked for. */
  readonly promptLogprobs: readonly (TokenLogprobs | null)[] | null;
  /** Set on the last output only. */
  readonly finishReason: TextFinishReason | null;
  /** The stop string or the caller's stop token id that ended the text; null at the model's own end. */
  readonly stopReason: string | number | null;
  /** Tokens behind a stop string were generated in vain and are not counted. */
  readonly usage: TokenUsage;
}

export class GeneratedText {
  readonly #assembler: TextAssembler;
  readonly #includeStop: boolean;
  readonly #stopTokenIds: readonly number[];

  constructor(tokenizer: Detokenizer, options: TextOptions, { minTokens, stopTokenIds }: TextParams) {
    this.#assembler = new TextAssembler(createIncrementalDecoder(tokenizer, options), { ...options, minTokens });
    this.#includeStop = options.includeStop;
    this.#stopTokenIds = stopTokenIds;
  }

  /**
   * Behind an output with a finish reason nothing may be pushed: the generation goes on in vain, and is to be ended.
   * @throws EngineError internal_error where it failed
   */
  push(output: TokenOutput): TextOutput {
    const ended = output.finishReason;
    if (ended === 'error') throw new EngineError('internal_error', 'The engine failed on this request.');
    const { text, tokens } = this.#take(output);
    const { matched, numTokens } = this.#assembler;
    const { promptLogprobs, usage, stopTokenId } = output;
    return {
      text,
      tokens,
      stopToken: this.#hiddenStop(output),
      promptLogprobs,
      finishReason: matched === null ? ended : 'stop',
      stopReason: matched ?? (stopTokenId !== null && this.#stopTokenIds.includes(stopTokenId) ? stopTokenId : null),
      usage: matched === null ? usage : { ...usage, completionTokens: numTokens },
    };
  }

  /** Up to a matched stop string. The stop token itself is text only on request. */
  #take({ tokenIds, logprobs, stopTokenId, finishReason }: TokenOutput): TextPiece {
    const assembler = this.#assembler;
    const pieces: TextPiece[] = [];
    const shown = stopTokenId !== null && !this.#includeStop ? tokenIds.length - 1 : tokenIds.length;
    for (let i = 0; i < shown && assembler.matched === null; i++) {
      pieces.push(assembler.push(tokenIds[i], logprobs?.[i] ?? null));
    }
    if (finishReason !== null) pieces.push(assembler.end());
    return { text: pieces.map((p) => p.text).join(''), tokens: pieces.flatMap((p) => p.tokens) };
  }

  #hiddenStop({ stopTokenId, logprobs }: TokenOutput): TextToken | null {
    if (stopTokenId === null || this.#includeStop) return null;
    return { id: stopTokenId, text: '', offset: 0, logprobs: logprobs?.at(-1) ?? null };
  }
}

/** Whether a reader learns anything from it: half a character says nothing yet. */
export function hasNews({ text, tokens, finishReason, promptLogprobs }: TextOutput): boolean {
  return text !== '' || tokens.length > 0 || finishReason !== null || promptLogprobs !== null;
}
