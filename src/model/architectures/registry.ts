/** The architectures that load. To add one: write its file, list it here, add its checkpoint to the model exam. */
import type { AnyArchitecture, GgufContents, GgufMapping } from '../architecture.ts';
import { unsupported } from '../config.ts';
import { gptOss } from './gpt_oss.ts';
import { gptj } from './gptj.ts';
import { falcon } from './falcon.ts';
import { internlm2 } from './internlm2.ts';
import { mamba2 } from './mamba2.ts';
import { minicpm } from './minicpm.ts';
import { minicpm3 } from './minicpm3.ts';
import { gptBigcode } from './gpt_bigcode.ts';
import { opt } from './opt.ts';
import { bloom } from './bloom.ts';
import { cohere } from './cohere.ts';
import { cohere2 } from './cohere2.ts';
import { deepseekV2 } from './deepseek_v2.ts';
import { deepseekV3 } from './deepseek_v3.ts';
import { ernie4_5 } from './ernie4_5.ts';
import { exaone4 } from './exaone4.ts';
import { gemma } from './gemma.ts';
import { gemma2 } from './gemma2.ts';
import { gemma3Text } from './gemma3_text.ts';
import { glm } from './glm.ts';
import { glm4 } from './glm4.ts';
import { glm4Moe } from './glm4_moe.ts';
import { glm4MoeLite } from './glm4_moe_lite.ts';
import { gpt2 } from './gpt2.ts';
import { gptNeox } from './gpt_neox.ts';
import { granite } from './granite.ts';
import { graniteMoe } from './granitemoe.ts';
import { helium } from './helium.ts';
import { hunyuanV1Dense } from './hunyuan_v1_dense.ts';
import { kimiK2 } from './kimi_k2.ts';
import { lfm2 } from './lfm2.ts';
import { llama } from './llama.ts';
import { mistral } from './mistral.ts';
import { mixtral } from './mixtral.ts';
import { nemotron } from './nemotron.ts';
import { olmo2 } from './olmo2.ts';
import { olmo3 } from './olmo3.ts';
import { phi } from './phi.ts';
import { phi3 } from './phi3.ts';
import { qwen2 } from './qwen2.ts';
import { qwen2Moe } from './qwen2_moe.ts';
import { qwen3 } from './qwen3.ts';
import { qwen3Moe } from './qwen3_moe.ts';
import { qwen3Next } from './qwen3_next.ts';
import { seedOss } from './seed_oss.ts';
import { smollm3 } from './smollm3.ts';
import { stablelm } from './stablelm.ts';
import { starcoder2 } from './starcoder2.ts';

export const architectures: readonly AnyArchitecture[] = [
  llama,
  qwen2,
  qwen3,
  mistral,
  gpt2,
  phi3,
  gemma3Text,
  gemma,
  gemma2,
  phi,
  stablelm,
  starcoder2,
  gptNeox,
  olmo2,
  olmo3,
  smollm3,
  granite,
  cohere,
  cohere2,
  glm,
  glm4,
  lfm2,
  mamba2,
  nemotron,
  helium,
  exaone4,
  ernie4_5,
  seedOss,
  gptj,
  falcon,
  internlm2,
  minicpm,
  minicpm3,
  gptBigcode,
  opt,
  bloom,
  mixtral,
  qwen2Moe,
  qwen3Moe,
  qwen3Next,
  graniteMoe,
  glm4Moe,
  gptOss,
  hunyuanV1Dense,
  deepseekV2,
  deepseekV3,
  kimiK2,
  glm4MoeLite,
];

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

/** By `general.architecture` of GGUF metadata, and by what the file has where several have that name. */
export function ggufArchitectureOf(
  contents: GgufContents,
  file: string,
): AnyArchitecture & { readonly gguf: GgufMapping } {
  const name = contents.metadata.get('general.architecture');
  const loadable = architectures.filter(inGguf);
  const named = loadable.filter((a) => a.gguf.name === name);
  const found = named.find((a) => a.gguf.holds?.(contents)) ?? named.find((a) => !a.gguf.holds);
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
