/**
 * Rotation, norm and store of multi-head latent attention: of `kv` the first rank columns are normalized
 * (`x / sqrt(mean(x²) + eps) · weight`), the others rotated by position (as rotary-embedding.ts), and both put into the token's
 * slot; the two parts of each query head are put side by side, the second rotated.
 *
 * Shapes: `latent [T, Hq·rank]`, `rope [T, Hq·ropeDim]`, `kv [T, rank + ropeDim]`, `weight [rank]` → queries
 * `[T, Hq·(rank + ropeDim)]`, latents `[slots, rank + ropeDim]`. f32, sums too; stored in the cache's dtype. Dispatch: two, as adapters
 * need not bind more than eight buffers at once: an invocation two dimensions of a query (latent-queries.wgsl), a workgroup a
 * token's latent (store-latent.wgsl). Limits: rank + ropeDim a multiple of 4,
 * ropeDim and rotaryDim even. Source: DeepSeek-V2, arXiv 2405.04434, section 2.1.
 */
import { compose } from '../../gpu/wgsl.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import { floatBits } from '../float-bits.ts';
import { cacheFormat } from '../kv-cache/cache-format.ts';
import type { GpuLatentLayer } from '../kv-cache/kv-cache.ts';
import type { LatentLayer, LatentQueries, RmsNormSpec, RotarySpec, Step } from '../ops.ts';
import type { GpuStep } from '../step/step.ts';
import { bufferOf, type GpuTensor, type WebGPUContext } from '../webgpu-context.ts';
import { moves } from '../work.ts';

export function rotaryStoreLatent(
  ctx: WebGPUContext,
  { latent, rope }: LatentQueries,
  kv: Tensor,
  { weight, eps }: RmsNormSpec,
  rotary: RotarySpec,
  layer: LatentLayer,
  step: Step,
): GpuTensor {
  const { rank, ropeDim, dtype, group } = layer;
  const { latents } = (layer as GpuLatentLayer).storage;
  const { groups, kv: cache, rotaryRows } = (step as GpuStep).storage;
  const { buffer, slotTable } = groups[group];
  const { rotaryDim } = rotary;
  const { file, defines } = cacheFormat(dtype, rank + ropeDim, 'read_write');
  const byToken = rotary.dynamic ? rotaryRows : null;
  const constants = { INTERLEAVED: rotary.interleaved ? 1 : 0, BY_TOKEN: byToken ? 1 : 0 };
  const table = bufferOf(byToken ?? rotary.table);
  const tokens = step.numTokens;
  const heads = latent.shape[1] / rank;
  const reductions = ctx.variant('rotary-store-latent');
  const store = ctx.pipelines.get(
    `store-latent.${reductions}.${dtype}-${rank + ropeDim}`,
    () =>
      compose([`../${reductions}.wgsl`, 'store-latent.wgsl'], import.meta.url, { ...defines, 'cache.f32.wgsl': file }),
    constants,
  );
  ctx.recorder.does(() => moves([kv, weight, kv], 4));
  ctx.recorder.dispatch(
    store,
    [bufferOf(kv), bufferOf(weight), table, buffer, slotTable, latents],
    new Uint32Array([tokens, rank, rotaryDim, cache.spec.maxLength, floatBits(eps)]),
    tokens,
  );
  const queries = ctx.tensor([tokens, heads * (rank + ropeDim)], 'f32');
  const join = ctx.pipelines.get('latent-queries', () => compose('latent-queries.wgsl', import.meta.url), constants);
  ctx.recorder.does(() => moves([latent, rope, queries], 1));
  ctx.recorder.dispatch(
    join,
    [bufferOf(latent), bufferOf(rope), table, buffer, queries.storage],
    new Uint32Array([tokens, heads, rank, ropeDim, rotaryDim]),
    Math.ceil((heads * (Math.ceil(rank / 2) + ropeDim / 2)) / 64),
    tokens,
  );
  return queries;
}
