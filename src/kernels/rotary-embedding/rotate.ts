/**
 * Rotary position embedding alone, for models that normalize heads behind it: `(a, b) → (a·cos − b·sin, b·cos + a·sin)` for each
 * pair of the first rotaryDim dimensions of each query and key head; values are copied.
 *
 * Shapes: `qkv [T, (Hq + 2·Hkv)·D]`, `table [maxLength, rotaryDim]` by position, or `[T, rotaryDim]` by token → the shape of qkv.
 * All f32. Dispatch: an invocation owns two dimensions of a head. Limits and source: rotary-embedding.ts.
 */
import { compose } from '../../gpu/wgsl.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import type { KVLayer, RotarySpec, Step } from '../ops.ts';
import type { GpuStep } from '../step/step.ts';
import { bufferOf, type GpuTensor, type WebGPUContext } from '../webgpu-context.ts';
import { addWork, moves } from '../work.ts';

export function rotate(
  ctx: WebGPUContext,
  qkv: Tensor,
  { rotaryDim, table, interleaved, dynamic }: RotarySpec,
  { headDim, kvHeads }: KVLayer,
  step: Step,
): GpuTensor {
  const { rotaryRows, buffer } = (step as GpuStep).storage;
  const byToken = dynamic ? rotaryRows : null;
  const tokens = step.numTokens;
  const allHeads = qkv.shape[1] / headDim;
  const heads = allHeads - 2 * kvHeads;
  const y = ctx.tensor(qkv.shape, 'f32');
  const kernel = ctx.pipelines.get(
    `rotate-heads.${headDim}`,
    () => compose('rotate-heads.wgsl', import.meta.url, { HEAD_DIM: headDim }),
    { INTERLEAVED: interleaved ? 1 : 0, BY_TOKEN: byToken ? 1 : 0 },
  );
  const flops = tokens * (rotaryDim / 2) * 6 * (heads + kvHeads);
  ctx.recorder.does(() => addWork(moves([qkv, y], 0), { bytes: tokens * rotaryDim * 4, flops }));
  ctx.recorder.dispatch(
    kernel,
    [bufferOf(qkv), bufferOf(byToken ?? table), buffer, y.storage],
    new Uint32Array([tokens, heads, kvHeads, rotaryDim]),
    Math.ceil((allHeads * headDim) / 2 / 64),
    tokens,
  );
  return y;
}
