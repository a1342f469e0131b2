/** Short names for a few small chat models that load here: `--model qwen2.5:0.5b`. */
import { existsSync } from 'node:fs';
import { freemem } from 'node:os';
import { join } from 'node:path';
import { EngineError } from '../../errors.ts';
import { formatBytes } from '../format-bytes.ts';
import type { PullOptions } from './pull-default.ts';
import { pullRepo, repoDirectory } from './pull-repo.ts';

interface NamedModel {
  readonly repo: string;
  readonly file: string;
  /** About: the hub says exactly. */
  readonly bytes: number;
}

/** Smallest first. The default model is not among them: it has a mirror beside the hub. */
export const namedModels: Readonly<Record<string, NamedModel>> = {
  'smollm2:360m': {
    repo: 'HuggingFaceTB/SmolLM2-360M-Instruct-GGUF',
    file: 'smollm2-360m-instruct-q8_0.gguf',
    bytes: 386e6,
  },
  'qwen2.5:0.5b': {
    repo: 'Qwen/Qwen2.5-0.5B-Instruct-GGUF',
    file: 'qwen2.5-0.5b-instruct-q8_0.gguf',
    bytes: 676e6,
  },
  'llama3.2:1b': {
    repo: 'bartowski/Llama-3.2-1B-Instruct-GGUF',
    file: 'Llama-3.2-1B-Instruct-Q4_K_M.gguf',
    bytes: 808e6,
  },
  'smollm2:1.7b': {
    repo: 'HuggingFaceTB/SmolLM2-1.7B-Instruct-GGUF',
    file: 'smollm2-1.7b-instruct-q4_k_m.gguf',
    bytes: 1056e6,
  },
  'qwen2.5:1.5b': {
    repo: 'Qwen/Qwen2.5-1.5B-Instruct-GGUF',
    file: 'qwen2.5-1.5b-instruct-q4_k_m.gguf',
    bytes: 1117e6,
  },
};

/** Null for what is no such name. */
export function namedModel(name: string): NamedModel | null {
  const key = name.toLowerCase();
  return Object.hasOwn(namedModels, key) ? namedModels[key] : null;
}

/** Weights as they lie in the file, and room for a KV cache and the activations of a step. */
export const memoryNeeded = ({ bytes }: NamedModel): number => 1.25 * bytes + 256e6;

/**
 * @returns the file's path; without asking the hub when it is there
 * @throws EngineError out_of_memory before anything is fetched, download_failed with what to do without a network
 */
export async function pullNamed(
  name: string,
  model: NamedModel,
  options: PullOptions & { readonly freeMemory?: number },
): Promise<string> {
  const wanted = { repo: model.repo, revision: 'main', variant: model.file };
  const path = join(repoDirectory(wanted, options.home), model.file);
  if (existsSync(path)) return path;
  const { freeMemory = freemem() } = options;
  if (memoryNeeded(model) > freeMemory) {
    const [needed, free] = [memoryNeeded(model), freeMemory].map(formatBytes);
    const message = `${name} takes about ${needed} of memory and ${free} are free: choose a smaller model`;
    throw new EngineError('out_of_memory', message, { param: '--model' });
  }
  try {
    return await pullRepo(wanted, options);
  } catch (error) {
    if (!(error instanceof EngineError) || error.code !== 'download_failed') throw error;
    const hint = `Without a network, put ${model.file} at ${path}, or leave --model out for the default model.`;
    throw new EngineError('download_failed', `${error.message}.\n${hint}`, { cause: error });
  }
}
