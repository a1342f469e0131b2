/**
 * Makes `@huggingface/tokenizers` split text as the Rust library that models were trained with does. Each rewrite
 * names the difference it removes; everything else passes through.
 */
import { EngineError, oneLine } from '../../errors.ts';
import { flatten, type Component } from './tokenizer-json.ts';

/** GPT-2's word pattern (Radford et al. 2019), the default of byte-level vocabularies. */
export const gpt2Pattern = "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+";

/**
 * DeepSeek-LLM's pattern for white space at the end of a line, and one with the same matches: from within a run of white space
 * nothing matches that does not from the run's start. The first looks for the end from each place of the run.
 */
const [spaceAtEnd, runAtEnd] = ['\\s+$', '(?<!\\s)\\s+$'];

/** Cuts text so that each match of `regex` (Oniguruma syntax) and each stretch between matches is a piece. */
export function isolate(regex: string): Component {
  const Regex = regex === spaceAtEnd ? runAtEnd : regex;
  return { type: 'Split', pattern: { Regex }, behavior: 'Isolated', invert: false };
}

/** Byte-level spelling of each piece, without a word pattern of its own. */
export const byteLevelSpelling: Component = {
  type: 'ByteLevel',
  add_prefix_space: false,
  trim_offsets: true,
  use_regex: false,
};

export function isByteLevelSpelling(step: Component): boolean {
  return step.type === 'ByteLevel' && step['use_regex'] === false && step['add_prefix_space'] !== true;
}

/**
 * A pre-tokenizer (one component or a sequence) with the same meaning in the JavaScript library as in the Rust one, but for
 * `cutBeside`, which fast-pre-tokenizers.ts does.
 */
export function faithfulPreTokenizer(preTokenizer: Component | null): Component | null {
  if (!preTokenizer) return null;
  return { type: 'Sequence', pretokenizers: flatten(preTokenizer, 'pretokenizers').flatMap(faithful) };
}

function faithful(step: Component): Component[] {
  switch (step.type) {
    case 'ByteLevel':
      // Its built-in pattern uses JavaScript's \s, which has U+FEFF and lacks U+0085; `isolate` gets Unicode's.
      if (step['use_regex'] === false || step['add_prefix_space'] === true) return [step];
      return [isolate(gpt2Pattern), byteLevelSpelling];
    case 'Digits':
      // \d is ASCII only in JavaScript; Rust's is_numeric is all of \p{N}.
      return [isolate(step['individual_digits'] ? '\\p{N}' : '\\p{N}+')];
    case 'Split':
      return [faithfulSplit(step)];
    default:
      return [step];
  }
}

/**
 * Cuts text before each match of `regex`, or behind each. No pattern of pieces can say so in linear time: from every place of
 * a text without matches it would look for one to the text's end.
 */
function cutBeside(regex: string, behavior: 'MergedWithPrevious' | 'MergedWithNext'): Component {
  return { type: 'Split', pattern: { Regex: regex }, behavior, invert: false };
}

/** The library knows Removed and Isolated only. */
function faithfulSplit(step: Component): Component {
  const { Regex, String: literal } = step['pattern'] as { Regex?: string; String?: string };
  const pattern = Regex ?? literal?.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
  if (pattern === undefined) throw new EngineError('unsupported_model', 'tokenizer.json: Split without a pattern');
  const behavior = step['behavior'] as string;
  switch (behavior) {
    case 'Removed':
      return step;
    case 'Isolated':
      return isolate(pattern);
    case 'Contiguous':
      return isolate(`(?:${pattern})+`);
    case 'MergedWithPrevious':
    case 'MergedWithNext': {
      // What is inverted goes with the stretch behind it instead of the one before it, and the other way round.
      const isBehind = (behavior === 'MergedWithPrevious') !== (step['invert'] === true);
      return cutBeside(pattern, isBehind ? 'MergedWithPrevious' : 'MergedWithNext');
    }
    default:
      throw new EngineError('unsupported_model', `tokenizer.json: Split behavior ${oneLine(behavior)} is not known`);
  }
}
