/**
 * Rotary position embedding and KV store: `(a, b) → (a·cos − b·sin, b·cos + a·sin)` for each pair of the first rotaryDim
 * dimensions of each query and key head (none without a rotary); keys and values go to the tokens' slots, the slots into the slot table.
 *
 * Shapes: `qkv [T, (Hq + 2·Hkv)·D]`, `table [maxLength, rotaryDim]` by position, or `[T, rotaryDim]` by token → queries `[T, Hq·D]`; keys, values
 * `[slots, Hkv, D]`. f32, stored in the cache's dtype. Dispatch: an invocation owns one pair of a query's dimensions, or a unit
 * of a key or value: four dimensions, or up to 32 that are kept as integers.
 * Limits: D a multiple of 4, rotaryDim even, rotaryDim ≤ D. Source: RoFormer, Su et al. 2021; pairing as in Hugging Face llama.
 */
import { compose } from '../../gpu/wgsl.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import { cacheFormat } from '../kv-cache/cache-format.ts';
import type { GpuKVLayer } from '../kv-cache/kv-cache.ts';
import { slotBytes } from '../kv-cache/slot-bytes.ts';
import type { KVLayer, RotarySpec, Step } from '../ops.ts';
import type { GpuStep } from '../step/step.ts';
import { bufferOf, type GpuTensor, type WebGPUContext } from '../webgpu-context.ts';
import { addWork, moves } from '../work.ts';

export function rotaryStoreKV(
  ctx: WebGPUContext,
  qkv: Tensor,
  rotary: RotarySpec | null,
  layer: KVLayer,
  step: Step,
): GpuTensor {
  // Without a rotation no dimension reads the table, and any buffer can stand for it.
  const { rotaryDim, table, interleaved } = rotary ?? { rotaryDim: 0, table: qkv, interleaved: false };
  const { headDim } = layer;
  const { keys, values } = (layer as GpuKVLayer).storage;
  const { dtype } = layer;
  const { file, defines, units } = cacheFormat(dtype, headDim, 'read_write');
  const { groups, kv, rotaryRows } = (step as GpuStep).storage;
  const byToken = rotary?.dynamic ? rotaryRows : null;
  const { buffer, slotTable } = groups[layer.group];
  const tokens = step.numTokens;
  const allHeads = qkv.shape[1] / headDim;
  const heads = allHeads - 2 * layer.kvHeads;
  const queries = ctx.tensor([tokens, heads * headDim], 'f32');
  const kernel = ctx.pipelines.get(
    `rotary-store-kv.${dtype}-${headDim}`,
    () => compose('rotary-store-kv.wgsl', import.meta.url, { ...defines, 'cache.f32.wgsl': file }),
    { INTERLEAVED: interleaved ? 1 : 0, BY_TOKEN: byToken ? 1 : 0 },
  );
  const rotated = (rotaryDim / 2) * 6 * (heads + layer.kvHeads);
  const stored = slotBytes(layer).reduce((a, b) => a + b);
  ctx.recorder.does(() =>
    addWork(moves([qkv, queries], 0), { bytes: tokens * (stored + rotaryDim * 4), flops: tokens * rotated }),
  );
  ctx.recorder.dispatch(
    kernel,
    [bufferOf(qkv), bufferOf(byToken ?? table), buffer, slotTable, keys, values, queries.storage],
    new Uint32Array([tokens, heads, layer.kvHeads, rotaryDim, kv.spec.maxLength]),
    Math.ceil(((heads * headDim) / 2 + 2 * layer.kvHeads * units) / 64),
    tokens,
  );
  return queries;
}
