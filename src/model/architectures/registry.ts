/** The architectures that load. To add one: write its file, list it here, add its checkpoint to the model exam. */
import type { Architecture } from '../causal-lm.ts';
import { unsupported } from '../config.ts';
import { llama } from './llama.ts';
import { mistral } from './mistral.ts';
import { qwen2 } from './qwen2.ts';

export const architectures: readonly Architecture[] = [llama, qwen2, mistral];

/** By `model_type` of config.json; unsupported_model lists those that load. */
export function architectureOf(modelType: unknown, file: string): Architecture {
  const found = architectures.find((a) => a.modelType === modelType);
  if (found) return found;
  throw unsupported(
    file,
    'model_type',
    modelType,
    architectures.map((a) => a.modelType),
  );
}

/** By `general.architecture` of GGUF metadata. */
export function ggufArchitectureOf(name: unknown, file: string): Architecture {
  const loadable = architectures.filter((a) => a.ggufArchitecture !== null);
  const found = loadable.find((a) => a.ggufArchitecture === name);
  if (found) return found;
  throw unsupported(
    file,
    'general.architecture',
    name,
    loadable.map((a) => String(a.ggufArchitecture)),
  );
}
