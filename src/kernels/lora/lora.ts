/** Adapters on the device, in the form and with the kernel that kernel-sets.ts names for it. */
import { EngineError } from '../../errors.ts';
import { largestBinding } from '../../gpu/device.ts';
import { TEXTURE_WIDTH } from '../../gpu/texture-pool.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import type { Lora, LoraSpec, LoraWeights } from '../ops.ts';
import type { GpuStep } from '../step/step.ts';
import type { GpuTensor, WebGPUContext } from '../webgpu-context.ts';
import type { GpuLora } from './gpu-lora.ts';
import { packLora, slotTexels } from './lora-layout.ts';
import { lavapipeLora } from './lora.lavapipe.ts';
import { rowsLora } from './lora.rows.ts';

const TEXEL_BYTES = 16;

/** @throws EngineError out_of_memory when so many slots fit no binding */
export function createGpuLora(ctx: WebGPUContext, spec: LoraSpec): GpuLora {
  const texels = spec.slots * slotTexels(spec);
  const { device } = ctx.gpu;
  const { maxTextureDimension2D } = device.limits;
  if (ctx.variant('lora weights') === 'texture') {
    if (texels / TEXTURE_WIDTH > maxTextureDimension2D) throw tooLarge(spec);
    const texture = device.createTexture({
      label: `${spec.name} adapters`,
      size: [TEXTURE_WIDTH, texels / TEXTURE_WIDTH],
      format: 'rgba32uint',
      usage: GPUTextureUsage.STORAGE_BINDING | GPUTextureUsage.COPY_DST,
    });
    return { ...spec, storage: { weights: texture, bound: texture.createView() } };
  }
  const size = texels * TEXEL_BYTES;
  if (size > largestBinding(device)) throw tooLarge(spec);
  const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_DST;
  const buffer = device.createBuffer({ label: `${spec.name} adapters`, size, usage });
  return { ...spec, storage: { weights: buffer, bound: buffer } };
}

function tooLarge({ slots, maxRank, name }: LoraSpec): EngineError {
  const message = `${slots} adapters of rank ${maxRank} for ${name} fit no binding of this device: lower --max_loras or --max_lora_rank`;
  return new EngineError('out_of_memory', message, { param: 'max_loras' });
}

export function writeLora(ctx: WebGPUContext, lora: Lora, slot: number, weights: LoraWeights): void {
  const { weights: target } = (lora as GpuLora).storage;
  const { queue } = ctx.gpu.device;
  const texels = packLora(lora, slot, weights);
  const first = slot * slotTexels(lora);
  if (target instanceof GPUBuffer) return queue.writeBuffer(target, first * TEXEL_BYTES, texels);
  const rows = texels.byteLength / TEXEL_BYTES / TEXTURE_WIDTH;
  queue.writeTexture(
    { texture: target, origin: [0, first / TEXTURE_WIDTH] },
    texels,
    { bytesPerRow: TEXTURE_WIDTH * TEXEL_BYTES, rowsPerImage: rows },
    [TEXTURE_WIDTH, rows],
  );
}

/** See ModelOps.addLora; the result lies where y was. */
export function addLora(ctx: WebGPUContext, y: Tensor, x: Tensor, lora: Lora, step: GpuStep): GpuTensor {
  const run = ctx.variant('lora') === 'lora.lavapipe' ? lavapipeLora : rowsLora;
  run(ctx, y, x, lora as GpuLora, step);
  return y as GpuTensor;
}
