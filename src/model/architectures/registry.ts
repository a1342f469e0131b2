/** The architectures that load. To add one: write its file, list it here, add its checkpoint to the model exam. */
import type { AnyArchitecture, GgufMapping } from '../architecture.ts';
import { unsupported } from '../config.ts';
import { gemma3Text } from './gemma3_text.ts';
import { gpt2 } from './gpt2.ts';
import { llama } from './llama.ts';
import { mistral } from './mistral.ts';
import { phi3 } from './phi3.ts';
import { qwen2 } from './qwen2.ts';
import { qwen3 } from './qwen3.ts';

export const architectures: readonly AnyArchitecture[] = [llama, qwen2, qwen3, mistral, gpt2, phi3, gemma3Text];

/** By `model_type` of config.json; unsupported_model lists those that load. */
export function architectureOf(modelType: unknown, file: string): AnyArchitecture {
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
export function ggufArchitectureOf(name: unknown, file: string): AnyArchitecture & { readonly gguf: GgufMapping } {
  const loadable = architectures.filter(inGguf);
  const found = loadable.find((a) => a.gguf.name === name);
  if (found) return found;
  throw unsupported(
    file,
    'general.architecture',
    name,
    loadable.map((a) => a.gguf.name),
  );
}

function inGguf(a: AnyArchitecture): a is AnyArchitecture & { readonly gguf: GgufMapping } {
  return a.gguf !== null;
}
