/** GGUF tensors under their Hugging Face names, as matrix sources that decode a few rows at a time. */
import type { FloatRows, HostRows, MatrixSource } from '../../tensor/matrix.ts';
import type { Architecture } from '../causal-lm.ts';
import type { ModelConfig } from '../config.ts';
import type { BlockFormat } from './ggml-quants/block-format.ts';
import type { FloatFormat } from './ggml-quants/types.ts';
import type { GgufTensorInfo } from './gguf.ts';
import { ModelFile, notReadable } from './model-file.ts';
import { asColumn, rowBuffer, unpermuteHeads } from './sources.ts';
import { matrixShape, type StoredTensor } from './stored-tensor.ts';

/** Holds one divisor for each rotary frequency (Llama 3.1's scaling); it is part of the config, not a weight. */
export const ROPE_FACTORS = 'rope_freqs.weight';

const topLevel: Readonly<Record<string, string>> = {
  token_embd: 'model.embed_tokens',
  output_norm: 'model.norm',
  output: 'lm_head',
};

const inLayer: Readonly<Record<string, string>> = {
  attn_norm: 'input_layernorm',
  attn_q: 'self_attn.q_proj',
  attn_k: 'self_attn.k_proj',
  attn_v: 'self_attn.v_proj',
  attn_output: 'self_attn.o_proj',
  ffn_norm: 'post_attention_layernorm',
  ffn_gate: 'mlp.gate_proj',
  ffn_up: 'mlp.up_proj',
  ffn_down: 'mlp.down_proj',
};

/** `blk.3.attn_q.weight` → `model.layers.3.self_attn.q_proj.weight`; a name that is none of these stays as it is. */
export function huggingFaceName(name: string): string {
  const match = /^(?:blk\.(\d+)\.)?(\w+)\.(weight|bias)$/.exec(name);
  if (!match) return name;
  const [, layer, part, kind] = match as unknown as [string, string | undefined, string, string];
  const names = layer === undefined ? topLevel : inLayer;
  if (!Object.hasOwn(names, part)) return name;
  return layer === undefined ? `${names[part]}.${kind}` : `model.layers.${layer}.${names[part]}.${kind}`;
}

export function ggufTensors(
  file: ModelFile,
  infos: readonly GgufTensorInfo[],
  architecture: Architecture,
  config: ModelConfig,
): StoredTensor[] {
  return infos.map((info) => {
    const name = huggingFaceName(info.name);
    const tensor = storedTensor(file, info, name);
    const heads = architecture.ggufPermutesQK ? permutedHeads(name, config) : null;
    return heads === null ? tensor : unpermuted(tensor, heads);
  });
}

/** Number of heads of a q or k projection, null for everything else. */
function permutedHeads(name: string, config: ModelConfig): number | null {
  if (/\.q_proj\.(weight|bias)$/.test(name)) return config.numAttentionHeads;
  if (/\.k_proj\.(weight|bias)$/.test(name)) return config.numKeyValueHeads;
  return null;
}

function unpermuted(tensor: StoredTensor, heads: number): StoredTensor {
  const source = () => unpermuteHeads(tensor.shape.length === 1 ? asColumn(tensor.source()) : tensor.source(), heads);
  return { ...tensor, source };
}

/** One GGUF tensor as it is in the file, under another name. */
export function storedTensor(file: ModelFile, info: GgufTensorInfo, name: string): StoredTensor {
  const { shape, format, bytes } = info;
  const source = () =>
    'groupSize' in format ? blockSource(file, info, name, format) : floatSource(file, info, name, format);
  return { name, shape, dtype: format.name, bytes, file: file.path, source };
}

function floatSource(file: ModelFile, info: GgufTensorInfo, name: string, { format }: FloatFormat): MatrixSource {
  const { rows, cols } = matrixShape(info.shape);
  const output = rowBuffer(format, cols, 0);
  const readRows = (start: number, count: number): HostRows => {
    const out = output(count) as FloatRows;
    file.readInto(out.data, info.position + (out.data.length / count) * start);
    return out;
  };
  return { name, rows, cols, format, groupSize: 0, readRows };
}

function blockSource(file: ModelFile, info: GgufTensorInfo, name: string, block: BlockFormat): MatrixSource {
  const { rows, cols } = matrixShape(info.shape);
  const { format, groupSize, blockSize, blockBytes } = block;
  const rowBytes = (cols / blockSize) * blockBytes;
  const output = rowBuffer(format, cols, groupSize);
  let bytes = new Uint8Array(0);
  const readRows = (start: number, count: number): HostRows => {
    const out = output(count);
    if ('data' in out) return out;
    if (bytes.length < count * rowBytes) bytes = new Uint8Array(count * rowBytes);
    file.readInto(bytes.subarray(0, count * rowBytes), info.position + start * rowBytes);
    const blocks = (count * cols) / blockSize;
    for (let i = 0; i < blocks; i++) block.decode(bytes, i * blockBytes, out, i);
    if (!out.scale.every(isFinite16) || !out.min.every(isFinite16))
      throw notReadable(file.path, `tensor ${info.name}: a ${block.name} scale is not finite in f16`);
    return out;
  };
  return { name, rows, cols, format, groupSize, readRows };
}

function isFinite16(bits: number): boolean {
  return (bits & 0x7c00) !== 0x7c00;
}
