/**
 * Causal attention over token slots on lavapipe: `softmax(q·k · scale)·v` for each token over its row's slots
 * 0 … position, f32 throughout, keys and values in any KVDtype.
 *
 * Shapes: `q [T, Hq·D]` f32 → `[T, Hq·Dv]` f32, Dv = D but for latents (head-shape.ts). Dispatch: tiles of up to 8 tokens of one row
 * go to the prefill kernel unless heads are wide, single tokens to the decode kernel (attention.lavapipe.wgsl.ts); one workgroup per KV head (of
 * latents, per some query heads) and tile or token. Limits: D and Dv multiples of 8.
 * Source: online softmax (arXiv 1805.02867), grouped queries (arXiv 2305.13245), token slots (LightLLM's token attention).
 */
import { EngineError } from '../../errors.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import { headBuffers, type GpuCacheLayer } from '../kv-cache/kv-cache.ts';
import type { AttentionSpec } from '../ops.ts';
import { ATTENTION_TILE, type GpuStep } from '../step/step.ts';
import { bufferOf, type GpuTensor, type WebGPUContext } from '../webgpu-context.ts';
import { attentionWork } from './attention-work.ts';
import { headShape } from './head-shape.ts';
import { attentionKernel, attentionKernelName, type AttentionKernelSpec } from './attention.lavapipe.wgsl.ts';

/**
 * Dimensions of queries that a workgroup holds: each is a value of the compiled kernel. Heads that share a key beyond that are
 * other workgroups' (latents: 16 heads of 576), since the time to compile grows faster than the text.
 */
const MOST_DIMENSIONS = { decode: 1024, prefill: 256 };
/** Wider heads get no tiles: the decode kernel takes each token of a prompt by itself. */
const WIDEST_TILED = 128;

/** Query heads of a key head that a workgroup takes: a divisor of them. */
function headsAtOnce(group: number, keyDim: number, most: number): number {
  let heads = group;
  while (heads > 1 && (heads * keyDim > most || group % heads !== 0)) heads--;
  return heads;
}

export function lavapipeAttention(
  ctx: WebGPUContext,
  q: Tensor,
  layer: GpuCacheLayer,
  step: GpuStep,
  spec: AttentionSpec,
): GpuTensor {
  const { keyDim, valueDim, kvHeads } = headShape(layer);
  const { keys, values } = headBuffers(layer);
  const { dtype } = layer;
  const group = spec.heads / kvHeads;
  const { groups, kv, prefillTiles, decodeTokens } = step.storage;
  const { buffer, slotTable } = groups[layer.group];
  if (keyDim % 8 !== 0 || valueDim % 8 !== 0) {
    const why = `head_dim ${keyDim}, of values ${valueDim}: multiples of 8 are needed`;
    throw new EngineError('unsupported_model', why, { param: 'head_dim' });
  }
  const y = ctx.tensor([step.numTokens, spec.heads * valueDim], 'f32');
  const resources = [
    bufferOf(q),
    keys,
    values,
    buffer,
    slotTable,
    y.storage,
    ...(spec.sinks ? [bufferOf(spec.sinks)] : []),
  ];
  const run = (part: AttentionKernelSpec['mode'], list: { offset: number; count: number }) => {
    if (list.count === 0) return;
    const mode = keyDim > WIDEST_TILED || !ctx.stage.hasTiles ? 'decode' : part;
    const tile = mode === part ? 0 : ATTENTION_TILE;
    const groupPart = headsAtOnce(group, keyDim, MOST_DIMENSIONS[mode]);
    const kernelSpec: AttentionKernelSpec = {
      mode,
      group,
      ...(groupPart < group && { groupPart }),
      headDim: keyDim,
      ...(valueDim < keyDim && { valueDim }),
      kvHeads,
      dtype,
      scale: spec.scale,
      ...(spec.slidingWindow === undefined ? {} : { slidingWindow: spec.slidingWindow }),
      ...(spec.softcap === undefined ? {} : { softcap: spec.softcap }),
      ...(spec.alibi === undefined ? {} : { alibi: spec.alibi }),
      ...(spec.sinks && { hasSinks: true }),
    };
    const kernel = ctx.pipelines.get(attentionKernelName(kernelSpec), () => attentionKernel(kernelSpec));
    const params = new Uint32Array([
      ...[step.numTokens, list.offset, kv.spec.maxLength, tile],
      ...[(groupPart * keyDim) / 4, valueDim / 4],
    ]);
    ctx.recorder.does(() => attentionWork(step, layer, spec, part));
    ctx.recorder.dispatch(kernel, resources, params, list.count * Math.max(1, tile), kvHeads * (group / groupPart));
  };
  run('prefill', prefillTiles);
  run('decode', decodeTokens);
  return y;
}
