/** Sampling defaults and end-of-turn ids that a checkpoint brings along. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { parseKeys } from './config.ts';
import type { GgufMetadata } from './files/gguf-values.ts';
import { readJsonFile } from './files/model-file.ts';

/** Keys are generation_config.json's in camel case; null where the checkpoint does not say. */
export interface GenerationConfig {
  readonly bosTokenId: number | null;
  /** Every id that ends generation. */
  readonly eosTokenIds: readonly number[];
  readonly temperature: number | null;
  readonly topP: number | null;
  readonly topK: number | null;
  readonly minP: number | null;
  readonly repetitionPenalty: number | null;
}

const id = z.int().nonnegative();
const ids = z.union([id, z.array(id)], 'expected a token id or a list of them').nullish();
const share = z.number().min(0).max(1).nullish();
const schema = z.object({
  bos_token_id: ids,
  eos_token_id: ids,
  temperature: z.number().min(0).nullish(),
  top_p: share,
  top_k: z.int().min(-1).nullish(),
  min_p: share,
  repetition_penalty: z.number().positive().nullish(),
});

/** generation_config.json, whose ids fall back to config.json's. */
export function readGenerationConfig(directory: string, configJson: unknown): GenerationConfig {
  const own = join(directory, 'generation_config.json');
  const base = parseKeys(schema, configJson, join(directory, 'config.json'));
  const c = existsSync(own) ? parseKeys(schema, readJsonFile(own), own) : {};
  return {
    bosTokenId: [c.bos_token_id ?? base.bos_token_id ?? []].flat().at(0) ?? null,
    eosTokenIds: [c.eos_token_id ?? base.eos_token_id ?? []].flat(),
    temperature: c.temperature ?? null,
    topP: c.top_p ?? null,
    topK: c.top_k ?? null,
    minP: c.min_p ?? null,
    repetitionPenalty: c.repetition_penalty ?? null,
  };
}

/**
 * `eot` and `eom` end a turn or message where a model has them besides `eos`. Sampling: llama.cpp's `general.sampling.*`, which few
 * files have.
 */
export function ggufGenerationConfig(metadata: GgufMetadata, path: string): GenerationConfig {
  const idOf = (key: string): number[] => {
    const value = metadata.get(`tokenizer.ggml.${key}_token_id`);
    return typeof value === 'number' ? [value] : [];
  };
  const advice = Object.entries(ggufSampling).map(([name, key]) => [name, rounded(metadata.get(key))]);
  const c = parseKeys(schema, Object.fromEntries(advice), path, 'general.sampling');
  return {
    bosTokenId: idOf('bos').at(0) ?? null,
    eosTokenIds: [...new Set(['eos', 'eot', 'eom'].flatMap(idOf))],
    temperature: c.temperature ?? null,
    topP: c.top_p ?? null,
    topK: c.top_k ?? null,
    minP: c.min_p ?? null,
    repetitionPenalty: c.repetition_penalty ?? null,
  };
}

/** Name in generation_config.json → key in a GGUF file. */
const ggufSampling = {
  temperature: 'general.sampling.temp',
  top_p: 'general.sampling.top_p',
  top_k: 'general.sampling.top_k',
  min_p: 'general.sampling.min_p',
  repetition_penalty: 'general.sampling.penalty_repeat',
};

/** The file's floats have 24 bits: 0.95, not 0.949999988. */
function rounded(value: unknown): unknown {
  return typeof value === 'number' ? Number(value.toPrecision(6)) : value;
}
