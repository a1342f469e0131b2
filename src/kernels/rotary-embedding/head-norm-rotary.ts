/**
 * Norms of query and key heads (head-norm.ts), then rotation and store (rotary-embedding.ts) in one dispatch on GPUs: a fusion of
 * the two ops, found in a recording.
 *
 * Shapes: `qkv [T, (Hq + 2·Hkv)·D]` → queries `[T, Hq·D]`; keys, values `[slots, Hkv, D]`. f32, stored in the cache's dtype; the
 * same bits as one op behind the other. Dispatch: a workgroup owns one head of one token. Limits: heads that are normalized
 * each by itself; nine buffers at once. Source: as those ops.
 */
import { compose } from '../../gpu/wgsl.ts';
import { numel, type Tensor } from '../../tensor/tensor.ts';
import { floatBits } from '../float-bits.ts';
import { cacheFormat } from '../kv-cache/cache-format.ts';
import type { GpuKVLayer } from '../kv-cache/kv-cache.ts';
import { slotBytes } from '../kv-cache/slot-bytes.ts';
import type { HeadNorms, KVLayer, RotarySpec, Step } from '../ops.ts';
import type { Fusion } from '../program/fusion.ts';
import { isNothing } from '../program/walk.ts';
import type { Node } from '../program/recording.ts';
import type { GpuStep } from '../step/step.ts';
import { bufferOf, type GpuTensor, type WebGPUContext } from '../webgpu-context.ts';
import { addWork, moves } from '../work.ts';

interface NormedRotary {
  readonly qkv: Tensor;
  readonly norms: HeadNorms;
  readonly eps: number;
  readonly rotary: RotarySpec | null;
  readonly layer: KVLayer;
  readonly step: Step;
}

export const fusedHeadNormRotary: Fusion = (ctx, nodes, at) => {
  const found = findNormedRotary(nodes, at);
  const kernel = ctx.variant('head-norm before rotary');
  if (!found || !kernel || ctx.gpu.device.limits.maxStorageBuffersPerShaderStage < 9) return null;
  return { count: 2, run: () => headNormRotary(ctx, found) };
};

function findNormedRotary(nodes: readonly Node[], at: number): NormedRotary | null {
  const [normed, rotated] = nodes.slice(at, at + 2);
  if (normed?.op !== 'headNorm' || rotated?.op !== 'rotaryStoreKV') return null;
  const [qkv, norms, eps, normLayer, ...more] = normed.args;
  const [input, rotary, layer, step, ...evenMore] = rotated.args;
  const { query: _1, key: _2, kind: _3, over, ...unknown } = norms;
  const isKnown = isNothing(unknown) && isNothing(more) && isNothing(evenMore);
  const isOne = input === normed.output && normLayer === layer && over !== 'heads';
  return isKnown && isOne && isKnownRotary(rotary) ? { qkv, norms, eps, rotary, layer, step } : null;
}

function isKnownRotary(rotary: RotarySpec | null): boolean {
  if (rotary === null) return true;
  const { headDim: _1, rotaryDim: _2, interleaved: _3, table: _4, dynamic: _5, ...unknown } = rotary;
  return isNothing(unknown);
}

function headNormRotary(ctx: WebGPUContext, { qkv, norms, eps, rotary, layer, step }: NormedRotary): GpuTensor {
  const { rotaryDim, table, interleaved } = rotary ?? { rotaryDim: 0, table: qkv, interleaved: false };
  const { headDim, kvHeads, dtype, group } = layer;
  const { keys, values } = (layer as GpuKVLayer).storage;
  const { groups, kv, rotaryRows } = (step as GpuStep).storage;
  const { buffer, slotTable } = groups[group];
  const byToken = rotary?.dynamic ? rotaryRows : null;
  const tokens = step.numTokens;
  const allHeads = qkv.shape[1] / headDim;
  const heads = allHeads - 2 * kvHeads;
  const queries = ctx.tensor([tokens, heads * headDim], 'f32');
  const { file, defines } = cacheFormat(dtype, headDim, 'read_write');
  const kernel = ctx.pipelines.get(
    `head-norm-rotary.${dtype}-${headDim}`,
    // As many threads as head-norm has: the same sums.
    () => compose('head-norm-rotary.wgsl', import.meta.url, { ...defines, 'cache.f32.wgsl': file, SIZE: 64 }),
    { LAYER: norms.kind === 'layer' ? 1 : 0, INTERLEAVED: interleaved ? 1 : 0, BY_TOKEN: byToken ? 1 : 0 },
  );
  const stored = slotBytes(layer).reduce((a, b) => a + b);
  ctx.recorder.does(() =>
    addWork(moves([qkv, queries, norms.query, norms.key], 4), { bytes: tokens * (stored + rotaryDim * 4), flops: 0 }),
  );
  ctx.recorder.dispatch(
    kernel,
    [
      ...[qkv, norms.query, norms.key, byToken ?? table].map(bufferOf),
      ...[buffer, slotTable, keys, values, queries.storage],
    ],
    new Uint32Array([
      ...[tokens, heads, kvHeads, rotaryDim, kv.spec.maxLength, floatBits(eps)],
      ...[norms.query, norms.key].map(({ shape }) => numel(shape)),
    ]),
    allHeads,
    tokens,
  );
  return queries;
}
