/**
 * Activation quantization: groups of 32 features, `scale = max|x| / 127`, `q = round(x / scale)` (ties to even).
 *
 * Shapes: `x [T, H]` f32, H a multiple of 4 → q8 `[T, H]`. Dispatch: on lavapipe a workgroup of 8 lanes owns a token;
 * elsewhere an invocation owns 64 features. Source: the activation format of llama.cpp's integer products.
 */
import type { Constants } from '../../gpu/pipelines.ts';
import type { Resource } from '../../gpu/recorder.ts';
import { compose } from '../../gpu/wgsl.ts';
import { numel, type Shape, type Tensor } from '../../tensor/tensor.ts';
import { rowGrid } from '../row-grid.ts';
import { bufferOf, Q8_BLOCK, type ActivationTensor, type WebGPUContext } from '../webgpu-context.ts';
import { moves } from '../work.ts';

export function quantize(ctx: WebGPUContext, x: Tensor): ActivationTensor {
  const y = ctx.activation(x.shape, 'q8');
  dispatchQuantize(ctx, x, y, {});
  return y;
}

/**
 * q12: the same with `scale = max|x| / 2047`, as a product of lavapipe takes x of which int8 would lose too much. Its texels are
 * q8's, with the codes' lower four bits in .w (q12-block.lavapipe.wgsl). Only for that product: nobody else reads it.
 */
export function quantizeFinely(ctx: WebGPUContext, x: Tensor): Resource {
  const y = ctx.activation(x.shape, 'q8');
  dispatchQuantize(ctx, x, y, { BITS: 12 });
  return y.storage;
}

function dispatchQuantize(ctx: WebGPUContext, x: Tensor, y: ActivationTensor, constants: Constants): void {
  const [tokens, features] = x.shape;
  const params = new Uint32Array([features, tokens]);
  const name = ctx.variant('quantize');
  const kernel = ctx.pipelines.get(name, () => compose(`${name}.wgsl`, import.meta.url), constants);
  ctx.recorder.does(() => moves([x, y], 3));
  const blocks = tokens * Math.ceil(features / Q8_BLOCK);
  const [across, z] = rowGrid(name === 'quantize.lavapipe' ? tokens : Math.ceil(blocks / 64));
  ctx.recorder.dispatch(kernel, [bufferOf(x), y.storage], params, across, 1, z);
}

/** The values of a q8 tensor that was read back (layout: GpuTensor). */
export function dequantizeQ8(data: Uint32Array, shape: Shape): Float32Array {
  const columns = shape.at(-1) ?? 0;
  const blocks = Math.ceil(columns / Q8_BLOCK);
  const codes = new Int8Array(data.buffer, data.byteOffset, data.byteLength);
  const floats = new Float32Array(data.buffer, data.byteOffset, data.length);
  return Float32Array.from({ length: numel(shape) }, (_, i) => {
    const column = i % columns;
    const block = (Math.floor(i / columns) * blocks + Math.floor(column / Q8_BLOCK)) * 32;
    const half = (column % Q8_BLOCK) >> 5;
    const lane = (column % 32) >> 2;
    const scale = floats[block + (2 + half) * 4 + 2];
    return scale * codes[(block + lane * 4 + half) * 4 + (column & 3)];
  });
}
