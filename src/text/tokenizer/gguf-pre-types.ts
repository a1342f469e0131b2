/**
 * How a GGUF's `tokenizer.ggml.pre` says that text is cut before byte-pair merging, in Oniguruma syntax, applied in
 * turn. The patterns are those of each family's tokenizer.json; the names are llama.cpp's (src/llama-vocab.cpp).
 */
import { gpt2Pattern } from './pre-tokenizers.ts';

export interface PreType {
  readonly patterns: readonly string[];
  /** A piece that is a vocabulary entry stays whole, whatever the merges say. */
  readonly ignoreMerges?: boolean;
  /** Whether bos is put before a text when the file does not say. */
  readonly addBos?: boolean;
}

const contractions = "(?i:'s|'t|'re|'ve|'m|'ll|'d)";
const spaces = '\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+';

const llama3Pattern = `${contractions}|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|${spaces}`;
const qwen2Pattern = `${contractions}|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|${spaces}`;
const qwen35Pattern = `${contractions}|[^\\r\\n\\p{L}\\p{N}]?[\\p{L}\\p{M}]+|\\p{N}| ?[^\\s\\p{L}\\p{M}\\p{N}]+[\\r\\n]*|${spaces}`;

// Words by case, after OpenAI's o200k: "iPhone" is cut before the capital that starts a new word.
const upper = '\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}';
const lower = '\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}';
const casedWords = (suffix: string, except = '') =>
  `[^\\r\\n\\p{L}\\p{N}]?[${upper}${except}]*[${lower}${except}]+${suffix}` +
  `|[^\\r\\n\\p{L}\\p{N}]?[${upper}${except}]+[${lower}${except}]*${suffix}`;
const tekkenPattern = `${casedWords('')}|\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*|${spaces}`;
const gpt4oPattern = `${casedWords(`${contractions}?`)}|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*|${spaces}`;
const kimiPattern =
  `\\p{Han}+|${casedWords(`${contractions}?`, '&&[^\\p{Han}]')}` +
  `|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|${spaces}`;

const deepseekV3Patterns = [
  '\\p{N}{1,3}',
  '[一-龥぀-ゟ゠-ヿ]+',
  '[!"#$%&\'()*+,\\-./:;<=>?@\\[\\\\\\]^_`{|}~][A-Za-z]+|[^\\r\\n\\p{L}\\p{P}\\p{S}]?[\\p{L}\\p{M}]+' +
    `| ?[\\p{P}\\p{S}]+[\\r\\n]*|${spaces}`,
];

/** The cased letters of DeepSeek-LLM's tokenizer.json, as code point ranges. */
const deepseekLetters = [
  '41-5A 61-7A B5 C0-D6 D8-F6 F8-1BA 1BC-1BF 1C4-293 295-2AF 370-373 376 377 37B-37D 37F 386 388-38A',
  '38C 38E-3A1 3A3-3F5 3F7-481 48A-52F 531-556 10A0-10C5 13A0-13F5 13F8-13FD 1C90-1CBA 1CBD-1CBF',
  '1D00-1D2B 1D6B-1D77 1D79-1D9A 1E00-1F15 1F18-1F1D 1F20-1F45 1F48-1F4D 1F50-1F57 1F59 1F5B 1F5D',
  '1F5F-1F7D 1F80-1FB4 1FB6-1FBC 1FBE 1FC2-1FC4 1FC6-1FCC 1FD0-1FD3 1FD6-1FDB 1FE0-1FEC 1FF2-1FF4',
  '1FF6-1FFC 2102 2107 210A-2113 2115 2119-211D 2124 2126 2128 212A-212D 212F-2134 2139 213C-213F',
  '2145-2149 214E 2183 2184 2C00-2C7B 2C7E-2CE4 2CEB-2CEE 2CF2 2CF3 A640-A66D A680-A69B A722-A76F',
  'A771-A787 A78B-A78E AB70-ABBF FB00-FB06 FB13-FB17 FF21-FF3A FF41-FF5A 10400-1044F 104B0-104D3',
  '104D8-104FB 10C80-10CB2 10CC0-10CF2 118A0-118DF 1E900-1E943',
]
  .join(' ')
  .split(' ')
  .map((range) => range.replace(/[0-9A-F]+/g, '\\u{$&}'))
  .join('');
const cjk = '[一-龥ࠀ-一가-\\u{D7FF}]+';

const preTypes: readonly (readonly [names: string, type: PreType])[] = [
  ['default', { patterns: ['[\\p{P}\\$\\+<=>\\^~\\|]+', gpt2Pattern, '\\p{N}+', '[0-9][0-9][0-9]'] }],
  ['gpt-2 phi-2 olmo mpt jais trillion granite-docling exaone4 a.x-4.0 mellum gigachat', { patterns: [gpt2Pattern] }],
  ['smollm starcoder refact command-r codeshell exaone minerva-7b mellum2', { patterns: ['\\p{N}', gpt2Pattern] }],
  [
    'llama-bpe llama3 llama-v3 falcon3 falcon-h1 pixtral midm-2.0 lfm2',
    { patterns: [llama3Pattern], ignoreMerges: true, addBos: true },
  ],
  ['dbrx smaug-bpe glm4 chatglm-bpe', { patterns: [llama3Pattern] }],
  ['qwen2 deepseek-r1-qwen kormo megrez stablelm2 hunyuan solar-open grok-2', { patterns: [qwen2Pattern] }],
  ['qwen35', { patterns: [qwen35Pattern] }],
  ['tekken', { patterns: [tekkenPattern], ignoreMerges: true, addBos: true }],
  ['gpt-4o llama4 kanana2 minimax-m2', { patterns: [gpt4oPattern] }],
  ['kimi-k2', { patterns: [kimiPattern] }],
  ['deepseek-v3 hunyuan-dense joyai-llm', { patterns: deepseekV3Patterns }],
  [
    'deepseek-llm',
    {
      patterns: ['[\\r\\n]', `\\s?[${deepseekLetters}]+`, '\\s?[!-/:-~！-／：-～‘-‟　-。]+', '\\s+$', cjk, '\\p{N}+'],
    },
  ],
  ['deepseek-coder', { patterns: ['[\\r\\n]', '\\s?\\p{L}+', '\\s?\\p{P}+', cjk, '\\p{N}'] }],
  ['falcon', { patterns: ['[\\p{P}\\$\\+<=>\\^~\\|`]+', gpt2Pattern, '[0-9][0-9][0-9]'] }],
];

const byName = new Map(preTypes.flatMap(([names, type]) => names.split(' ').map((name) => [name, type] as const)));

/** The pre-tokenizer of that name; undefined when it is not known. */
export function preType(name: string): PreType | undefined {
  return byName.get(name);
}

export const preTypeNames: readonly string[] = [...byName.keys()];
