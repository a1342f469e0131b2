/**
 * What a decoder layer's kernel on lavapipe is made for, and which layers and steps it can do. Limits: no two tokens of a row;
 * integer weights in one texture each, fed int8 (qkv: q12); H, I and a KV head's queries multiples of 64, D of 8; at most four
 * of the vectors that not every layer has (biases, head norms); parts that adapters change multiples of 32.
 * Anything else goes op by op.
 */
import { numel } from '../../tensor/tensor.ts';
import type { LaneMatrix } from '../matmul/lane-matrix.ts';
import type { HeadNorms, Linear, Lora, StepBatch } from '../ops.ts';
import type { GpuStep } from '../step/step.ts';
import type { WebGPUContext } from '../webgpu-context.ts';
import { storageBuffers } from './decoder-layer.lavapipe.wgsl.ts';
import { isNothing } from '../program/walk.ts';
import type { DecoderLayer } from './decoder-layer.pattern.ts';
import { storageTextures } from './layer-adapters.lavapipe.wgsl.ts';
import type { DecoderLayerKernelSpec, LayerProduct } from './layer-spec.ts';

/**
 * What the kernel is made for, or null where it does not apply. As in decoder-layer.pattern.ts every field is taken out by
 * name, those of the layer's parts too.
 */
export function kernelSpec(ctx: WebGPUContext, layer: DecoderLayer): DecoderLayerKernelSpec | null {
  const { x, step, qkv, o, gateUp, down, inputNorm: _1, postAttentionNorm: _2, eps, ...more } = layer;
  const { headNorms, activation: _3, rotary, attention, kv, ...unknown } = more;
  const { headDim: rotaryHeadDim, rotaryDim, interleaved: _4, table: _5, dynamic: _6, ...unknownRotary } = rotary;
  const { heads, scale, slidingWindow, softcap, alibi, sinks, ...unknownAttention } = attention;
  const { kind: _10, kvHeads, headDim, dtype, group: _7, storage: _8, ...unknownCache } = kv;
  const { numTokens, numLogits: _9, batch, storage, ...unknownStep } = step as GpuStep;
  // One by one: an array of rests has the type of the emptiest.
  const isKnown = isNothing(unknown) && isNothing(unknownRotary) && isNothing(unknownAttention);
  if (!isKnown || !isNothing(unknownCache) || !isNothing(unknownStep) || !isKnownBatch(batch)) return null;
  if (storage.prefillTiles.count > 0 || ctx.activations !== 'int8' || alibi !== undefined || sinks) return null;
  const linears = [qkv, o, gateUp, down];
  if (!linears.every(isWholeIntegers)) return null;
  if (headNorms && !isHeadByHead(headNorms, headDim)) return null;
  const hidden = x.shape[1];
  const intermediate = down.weight.cols;
  const group = heads / kvHeads;
  const { hasDots } = ctx.gpu;
  const isWhole = [hidden, intermediate, group * headDim].every((n) => n % 64 === 0) && headDim % 8 === 0;
  if (rotaryHeadDim !== headDim || !isWhole) return null;
  if (!linears.every(({ lora }) => !lora || (batch.adapters && hasWholeParts(lora)))) return null;
  const spec: DecoderLayerKernelSpec = {
    tile: numTokens <= 2 ? { units: 4, tokens: 1 } : { units: 2, tokens: 4 },
    hidden,
    intermediate,
    eps,
    headNorms: headNorms !== null,
    rotaryDim,
    qkv: product(qkv, 'q12', hasDots),
    o: product(o, 'q8', hasDots),
    gateUp: product(gateUp, 'q8', hasDots),
    down: product(down, 'q8', hasDots),
    attention: {
      ...{ mode: 'decode', group, headDim, kvHeads, dtype, scale },
      ...(slidingWindow === undefined ? {} : { slidingWindow }),
      ...(softcap === undefined ? {} : { softcap }),
    },
  };
  const { maxStorageBuffersPerShaderStage, maxStorageTexturesPerShaderStage } = ctx.gpu.device.limits;
  const fits =
    storageBuffers(spec) <= maxStorageBuffersPerShaderStage &&
    storageTextures(spec) <= maxStorageTexturesPerShaderStage;
  return fits ? spec : null;
}

function isKnownBatch({
  tokenIds: _1,
  positions: _2,
  tableRows: _3,
  slots: _4,
  rotaryRows: _5,
  ...more
}: StepBatch): boolean {
  // Layers with states are not this kernel's; adapters come with the products that they change.
  const { logitIndices: _6, promptIndices: _7, stateRuns: _8, adapters: _9, ...unknown } = more;
  return isNothing(unknown);
}

/** RMSNorm of each head, by the same [D]. */
function isHeadByHead(norms: HeadNorms, headDim: number): boolean {
  const { query, key, kind = 'rms', over = 'head', ...unknown } = norms;
  const isSame = [query, key].every(({ shape }) => numel(shape) === headDim);
  return isNothing(unknown) && kind === 'rms' && over === 'head' && isSame;
}

function isWholeIntegers({ weight }: Linear): boolean {
  const isInteger = weight.format === 'int4' || weight.format === 'int8';
  return isInteger && (weight.storage as LaneMatrix).slices.length === 1;
}

/** The 32 rows that are added to at a time belong to one part. */
function hasWholeParts(lora: Lora): boolean {
  const { name: _1, cols: _2, slots: _3, maxRank: _4, storage: _5, parts, ...unknown } = lora;
  return isNothing(unknown) && parts.every((rows) => rows % 32 === 0);
}

function product({ weight, bias, lora }: Linear, activation: 'q8' | 'q12', dots: boolean): LayerProduct {
  const { layout } = weight.storage as LaneMatrix;
  return {
    format: weight.format,
    groupSize: layout.groupSize,
    activation,
    dots,
    texelsPerUnit: layout.texelsPerUnit,
    unitsPerBlock: layout.units,
    rows: weight.rows,
    columns: weight.cols,
    bias: bias !== undefined,
    ...(lora && { loraParts: lora.parts }),
  };
}
