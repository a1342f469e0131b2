/** GGUF tensors under their Hugging Face names, as matrix sources that decode a few rows at a time. */
import type { FloatRows, HostRows, MatrixSource } from '../../tensor/matrix.ts';
import type { GgufMapping } from '../architecture.ts';
import { someRows } from './expert-rows.ts';
import type { BlockFormat } from './ggml-quants/block-format.ts';
import type { FloatFormat } from './ggml-quants/types.ts';
import { huggingFaceName } from './gguf-names.ts';
import type { GgufTensorInfo } from './gguf.ts';
import { notReadable } from './model-file.ts';
import { asColumn, rowBuffer, unpermuteHeads } from './sources.ts';
import { matrixShape, type StoredTensor } from './stored-tensor.ts';

/** Holds one divisor for each rotary frequency (Llama 3.1's scaling); it is part of the config, not a weight. */
export const ROPE_FACTORS = 'rope_freqs.weight';

/** @param json the config.json made of the metadata (gguf-config.ts): it says how many heads q and k have */
export function ggufTensors(infos: readonly GgufTensorInfo[], mapping: GgufMapping, json: unknown): StoredTensor[] {
  return infos.flatMap((info) => {
    const tensors = qkvApart(info, mapping, json) ?? [storedTensor(info, huggingFaceName(info.name, mapping))];
    return tensors.map((tensor) => {
      const heads = mapping.permutesQK ? permutedHeads(tensor.name, json) : null;
      return heads === null ? tensor : unpermuted(tensor, heads);
    });
  });
}

/** q, k and v where the converter was told to write them as one tensor (--fuse-qkv) and the architecture has them apart. */
function qkvApart(info: GgufTensorInfo, mapping: GgufMapping, json: unknown): StoredTensor[] | null {
  const [, layer, suffix] = /^blk\.(\d+)\.attn_qkv\.(weight|bias)$/.exec(info.name) ?? [];
  if (layer === undefined) return null;
  const hasOwn = Object.hasOwn(mapping.tensorNames, 'blk.*.attn_qkv');
  if (hasOwn && !mapping.isFusedQkv?.(Number(layer), json as Record<string, unknown>)) return null;
  const { num_attention_heads: heads = 0, num_key_value_heads, head_dim = 0 } = json as Record<string, number>;
  const kv = (num_key_value_heads ?? heads) * head_dim;
  // Twice as many with an output gate beside each query: how many there should be says the architecture's tree.
  const q = info.shape[0] - 2 * kv;
  if (q <= 0) return null;
  const parts = { attn_q: [0, q], attn_k: [q, kv], attn_v: [q + kv, kv] } as const;
  return Object.entries(parts).map(([part, [first, count]]) => {
    const name = huggingFaceName(`blk.${layer}.${part}.${suffix}`, mapping);
    const whole = storedTensor(info, name);
    const bytes = (whole.bytes / info.shape[0]) * count;
    const rows = () => (suffix === 'bias' ? asColumn(whole.source()) : whole.source());
    return { ...whole, shape: [count, ...info.shape.slice(1)], bytes, source: () => someRows(rows(), first, count) };
  });
}

/** Number of heads of a q or k projection, null for everything else. */
function permutedHeads(name: string, json: unknown): number | null {
  const { num_attention_heads, num_key_value_heads } = json as Record<string, number | undefined>;
  if (/\.q_proj\.(weight|bias)$/.test(name)) return num_attention_heads ?? null;
  if (/\.k_proj\.(weight|bias)$/.test(name)) return num_key_value_heads ?? num_attention_heads ?? null;
  return null;
}

function unpermuted(tensor: StoredTensor, heads: number): StoredTensor {
  const column = () => {
    const source = tensor.source();
    return tensor.shape.length === 1 && source.cols > 1 ? asColumn(source) : source;
  };
  const source = () => unpermuteHeads(column(), heads);
  return { ...tensor, source };
}

/** One GGUF tensor as it is in the file, under another name. */
export function storedTensor(info: GgufTensorInfo, name: string): StoredTensor {
  const { file, shape, format, bytes } = info;
  const source = () => ('groupSize' in format ? blockSource(info, name, format) : floatSource(info, name, format));
  return { name, shape, dtype: format.name, bytes, file: file.path, source };
}

function floatSource(info: GgufTensorInfo, name: string, { format }: FloatFormat): MatrixSource {
  const { rows, cols } = matrixShape(info.shape);
  const output = rowBuffer(format, cols, 0);
  const readRows = (start: number, count: number): HostRows => {
    const out = output(count) as FloatRows;
    info.file.readInto(out.data, info.position + (out.data.length / count) * start);
    return out;
  };
  return { name, rows, cols, format, groupSize: 0, readRows };
}

function blockSource(info: GgufTensorInfo, name: string, block: BlockFormat): MatrixSource {
  const { rows, cols } = matrixShape(info.shape);
  const { format, groupSize, blockSize, blockBytes } = block;
  const rowBytes = (cols / blockSize) * blockBytes;
  const output = rowBuffer(format, cols, groupSize);
  let bytes = new Uint8Array(0);
  const readRows = (start: number, count: number): HostRows => {
    const out = output(count);
    if ('data' in out) return out;
    if (bytes.length < count * rowBytes) bytes = new Uint8Array(count * rowBytes);
    info.file.readInto(bytes.subarray(0, count * rowBytes), info.position + start * rowBytes);
    const blocks = (count * cols) / blockSize;
    for (let i = 0; i < blocks; i++) block.decode(bytes, i * blockBytes, out, i);
    if (!out.scale.every(isFinite16) || !out.min.every(isFinite16))
      throw notReadable(info.file.path, `tensor ${info.name}: a ${block.name} scale is not finite in f16`);
    return out;
  };
  return { name, rows, cols, format, groupSize, readRows };
}

function isFinite16(bits: number): boolean {
  return (bits & 0x7c00) !== 0x7c00;
}
