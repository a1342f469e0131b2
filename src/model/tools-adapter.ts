/**
 * Adapters that this package brings: they teach a model to call tools. Each has a folder in `adapters/`: peft's two files, the
 * chat template that it was trained with, and base_model.json, by which its model is known.
 */
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { join } from 'node:path';
import { z } from 'zod';
import type { EngineConfig } from '../config.ts';
import type { OpenModel } from './files/open-model.ts';
import { readVector } from './files/stored-tensor.ts';

export interface ToolsAdapter {
  /** The folder's: under it requests may name the adapter as their model. */
  readonly name: string;
  readonly path: string;
  /** Jinja text for conversations with tools. */
  readonly chatTemplate: string;
  /** Of its matrices. */
  readonly rank: number;
}

const folder = fileURLToPath(new URL('../../adapters/', import.meta.url));

const baseSchema = z.object({
  hidden_size: z.int(),
  num_hidden_layers: z.int(),
  final_norm_sha256: z.string(),
});

/**
 * The adapter for this model; null where there is none. A model is known by its shapes and the values of its final norm,
 * which quantized files keep as they are: names may be changed, and finetunes keep them.
 */
export function toolsAdapterOf(model: Pick<OpenModel, 'config' | 'tensors'>): ToolsAdapter | null {
  for (const name of readdirSync(folder)) {
    const path = join(folder, name);
    const base = baseSchema.parse(readJson(join(path, 'base_model.json')));
    if (base.hidden_size !== model.config.hiddenSize || base.num_hidden_layers !== model.config.numHiddenLayers)
      continue;
    if (finalNormSha256(model) !== base.final_norm_sha256) continue;
    const { r: rank } = z.object({ r: z.int() }).parse(readJson(join(path, 'adapter_config.json')));
    return { name, path, rank, chatTemplate: readFileSync(join(path, 'chat_template.jinja'), 'utf8') };
  }
  return null;
}

/** Of the final norm's weights as little-endian f32; null where the model has no such norm. */
export function finalNormSha256({ tensors }: Pick<OpenModel, 'tensors'>): string | null {
  const norm = tensors.get('model.norm.weight');
  if (norm === undefined) return null;
  const values = readVector(norm);
  const bytes = new DataView(new ArrayBuffer(4 * values.length));
  for (const [i, value] of values.entries()) bytes.setFloat32(4 * i, value, true);
  return createHash('sha256').update(bytes).digest('hex');
}

function readJson(path: string): unknown {
  return JSON.parse(readFileSync(path, 'utf8'));
}

/** The engine's settings with the adapter loaded; where nobody asked for adapters or for room there is room for this one alone. */
export function withToolsAdapter<C extends Pick<EngineConfig, 'lora' | 'enableLora' | 'maxLoras' | 'maxLoraRank'>>(
  config: C,
  adapter: ToolsAdapter | null,
): C {
  if (adapter === null) return config;
  const lora = [...config.lora, `${adapter.name}=${adapter.path}`];
  const alone = config.lora.length === 0 && !config.enableLora;
  const maxLoraRank = config.maxLoraRank === null ? null : Math.max(config.maxLoraRank, adapter.rank);
  return { ...config, lora, maxLoraRank, maxLoras: config.maxLoras ?? (alone ? 1 : null) };
}
