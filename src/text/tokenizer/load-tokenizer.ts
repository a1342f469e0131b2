/**
 * The tokenizer of a Hugging Face model directory: tokenizer.json, and beside it what transformers reads too:
 * tokenizer_config.json, special_tokens_map.json, chat_template.jinja, generation_config.json, config.json.
 */
import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { EngineError, oneLine } from '../../errors.ts';
import { ggufTokenizerSource } from './gguf-vocabulary.ts';
import { HFDetokenizer, HFTokenizer } from './hf-tokenizer.ts';
import type { Detokenizer, Tokenizer } from './tokenizer.ts';
import {
  bosEosTemplate,
  parseTokenizerConfig,
  parseTokenizerJson,
  type Component,
  type TokenizerSource,
} from './tokenizer-json.ts';

type JsonObject = Readonly<Record<string, unknown>>;

/** The tokenizer inside a GGUF file, from its metadata. Errors as ggufTokenizerSource. */
export function tokenizerFromGguf(metadata: JsonObject): Tokenizer {
  return new HFTokenizer(ggufTokenizerSource(metadata));
}

/** The same without encoding, for less memory and time. */
export function detokenizerFromGguf(metadata: JsonObject): Detokenizer {
  return new HFDetokenizer(ggufTokenizerSource(metadata));
}

/** Where a model's tokenizer is: in its metadata (GGUF), or without any beside tokenizer.json in the directory. */
interface TokenizerFiles {
  readonly path: string;
  readonly metadata: ReadonlyMap<string, unknown> | null;
}

/** Of whichever kind of model. Errors as of loadTokenizer and tokenizerFromGguf. */
export function tokenizerOf({ path, metadata }: TokenizerFiles): Tokenizer {
  return metadata === null ? loadTokenizer(path) : tokenizerFromGguf(Object.fromEntries(metadata));
}

/**
 * @param directory holds tokenizer.json; the other files may be missing
 * @throws EngineError model_not_readable (a file is missing or is not JSON), unsupported_model
 */
export function loadTokenizer(directory: string): Tokenizer {
  return new HFTokenizer(tokenizerSource(directory));
}

/** The same without encoding. */
export function loadDetokenizer(directory: string): Detokenizer {
  return new HFDetokenizer(tokenizerSource(directory));
}

export function tokenizerSource(directory: string): TokenizerSource {
  const found = readJson(directory, 'tokenizer.json');
  if (found === undefined) {
    throw new EngineError(
      'model_not_readable',
      `${join(directory, 'tokenizer.json')} is missing (a tokenizer.model alone is not enough: ` +
        'AutoTokenizer.from_pretrained(dir).save_pretrained(dir) in Python writes one)',
    );
  }
  const file = parseTokenizerJson(found, join(directory, 'tokenizer.json'));
  const configOf = (name: string) => parseTokenizerConfig(readJson(directory, name) ?? {}, join(directory, name));
  const config = { ...configOf('special_tokens_map.json'), ...configOf('tokenizer_config.json') };
  const specialTokens = namedTokens(config);
  const idOf = (content: string | undefined) =>
    file.added_tokens.find((token) => token.content === content)?.id ?? null;
  return {
    json: { ...file, post_processor: postProcessor(file.post_processor, config) },
    bosTokenId: idOf(specialTokens['bos_token']),
    eosTokenIds: eosTokenIds(directory, idOf(specialTokens['eos_token'])),
    ...chatTemplates(directory, config),
    specialTokens,
  };
}

/** bos_token, eos_token …: each a string, or an object with `content`. */
function namedTokens(config: JsonObject): Record<string, string> {
  const named = Object.entries(config).flatMap(([key, value]) => {
    const content = typeof value === 'string' ? value : (value as { content?: unknown } | null)?.content;
    return /^[a-z]+_token$/.test(key) && typeof content === 'string' ? [[key, content] as const] : [];
  });
  return Object.fromEntries(named);
}

/** tokenizer_config's add_bos_token / add_eos_token, where given, win over the post-processor of tokenizer.json. */
function postProcessor(own: Component | null, config: JsonObject): Component | null {
  const { add_bos_token: addBos, add_eos_token: addEos } = config;
  if (typeof addBos !== 'boolean' && typeof addEos !== 'boolean') return own;
  const { bos_token: bos, eos_token: eos } = namedTokens(config);
  return bosEosTemplate(addBos ? (bos ?? null) : null, addEos ? (eos ?? null) : null);
}

/** The tokenizer's eos, then generation_config's (a number or a list), or config.json's where that file is missing. */
function eosTokenIds(directory: string, own: number | null): number[] {
  const generation = (readJson(directory, 'generation_config.json') ??
    readJson(directory, 'config.json') ??
    {}) as JsonObject;
  const listed = [generation['eos_token_id'] ?? []].flat().filter((id) => typeof id === 'number');
  return [...new Set([...(own === null ? [] : [own]), ...listed])];
}

/** chat_template.jinja wins; tokenizer_config.json has one template or a list of named ones. */
function chatTemplates(
  directory: string,
  { chat_template: inConfig }: ReturnType<typeof parseTokenizerConfig>,
): Pick<TokenizerSource, 'chatTemplate' | 'toolUseTemplate'> {
  const list = Array.isArray(inConfig) ? inConfig : [];
  const named = (name: string) => list.find((entry) => entry.name === name)?.template ?? null;
  return {
    chatTemplate:
      readText(directory, 'chat_template.jinja') ?? (typeof inConfig === 'string' ? inConfig : named('default')),
    toolUseTemplate: readText(directory, join('additional_chat_templates', 'tool_use.jinja')) ?? named('tool_use'),
  };
}

/** Bytes. The largest tokenizer.json in use have 35 MB. */
const MAX_FILE = 1 << 26;

function readText(directory: string, name: string): string | null {
  const path = join(directory, name);
  if (!existsSync(path)) return null;
  const stats = statSync(path);
  if (!stats.isFile()) throw new EngineError('model_not_readable', `${path}: is not a file`);
  if (stats.size > MAX_FILE)
    throw new EngineError('model_not_readable', `${path}: has ${stats.size} bytes; at most ${MAX_FILE} are read`);
  return readFileSync(path, 'utf8');
}

/** undefined when there is no such file. */
function readJson(directory: string, name: string): unknown {
  const text = readText(directory, name);
  if (text === null) return undefined;
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    throw new EngineError(
      'model_not_readable',
      `${join(directory, name)} is not JSON: ${oneLine((error as Error).message)}`,
      {
        cause: error,
      },
    );
  }
}
