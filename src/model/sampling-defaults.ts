/** How tokens are drawn where nobody says: the checkpoint's own advice, a known model's, or llama.cpp's. */
import type { OpenModel } from './files/open-model.ts';
import type { GenerationConfig } from './generation-config.ts';

/** Names and units as in SamplingParams; what is absent is off. */
interface SamplingValues {
  readonly temperature?: number;
  readonly topP?: number;
  readonly topK?: number;
  readonly minP?: number;
  readonly repetitionPenalty?: number;
}

export interface SamplingDefaults {
  readonly values: SamplingValues;
  /** Where they come from, in words. */
  readonly source: string;
}

/** Of llama.cpp's programs, for models that nobody gave any advice about. */
const llamaCpp: SamplingValues = { temperature: 0.8, topK: 40, topP: 0.95, minP: 0.05 };

interface KnownModel {
  readonly name: string;
  /** Matches the file's or directory's name, or the name inside a GGUF file. */
  readonly pattern: RegExp;
  readonly values: SamplingValues;
}

/** Chat models whose authors say how to sample, in files that lost it: the model cards, and generation_config.json of the originals. */
const knownModels: readonly KnownModel[] = [
  { name: 'SmolLM2', pattern: /smollm2/i, values: { temperature: 0.2, topP: 0.9 } },
  {
    name: 'Qwen2.5 0.5B',
    pattern: /qwen2\.5[\W_]*0\.5b/i,
    values: { temperature: 0.7, topP: 0.8, topK: 20, repetitionPenalty: 1.1 },
  },
  {
    name: 'Qwen2.5',
    pattern: /qwen2\.5/i,
    values: { temperature: 0.7, topP: 0.8, topK: 20, repetitionPenalty: 1.05 },
  },
  { name: 'Llama 3', pattern: /llama[\W_]*3/i, values: { temperature: 0.6, topP: 0.9 } },
];

/** The first of: generation_config.json, `general.sampling.*` of a GGUF file, the table above, llama.cpp's. */
export function samplingDefaults(
  model: Pick<OpenModel, 'name' | 'format' | 'metadata' | 'generationConfig'>,
): SamplingDefaults {
  const own = valuesOf(model.generationConfig);
  const advises = ['temperature', 'topP', 'topK', 'minP'].some((key) => key in own);
  // As in llama.cpp, for which such files are made: what they leave out has its own defaults.
  if (advises && model.format === 'gguf')
    return { source: 'general.sampling of the file', values: { ...llamaCpp, ...own } };
  if (advises) return { source: 'generation_config.json', values: own };
  const known = knownModel(model);
  if (known) return { source: `what ${known.name} is known to want`, values: { ...known.values, ...own } };
  return { source: 'llama.cpp’s defaults', values: { ...llamaCpp, ...own } };
}

function knownModel({ name, metadata }: Pick<OpenModel, 'name' | 'metadata'>): KnownModel | undefined {
  const names = `${name} ${String(metadata?.get('general.name') ?? '')}`;
  const isChat = /instruct|chat/i.test(names) || metadata?.has('tokenizer.chat_template') === true;
  return isChat ? knownModels.find(({ pattern }) => pattern.test(names)) : undefined;
}

function valuesOf({ temperature, topP, topK, minP, repetitionPenalty }: GenerationConfig): SamplingValues {
  const entries = Object.entries({ temperature, topP, topK, minP, repetitionPenalty });
  return Object.fromEntries(entries.filter(([, value]) => value !== null));
}
