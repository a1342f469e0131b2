/** What the fused layer's kernel is made for, and where its phases put what they hand to one another. */
import type { AttentionKernelSpec } from '../attention/attention.lavapipe.wgsl.ts';
import type { SumsSpec } from '../matmul/lane-sums.parts.wgsl.ts';

export const products = ['qkv', 'o', 'gateUp', 'down'] as const;
export type ProductName = (typeof products)[number];

/** A product's weights: layout, and the form of its activations. */
export type LayerProduct = Pick<
  SumsSpec,
  'format' | 'groupSize' | 'activation' | 'dots' | 'texelsPerUnit' | 'unitsPerBlock'
> & {
  readonly rows: number;
  readonly columns: number;
  readonly bias: boolean;
  /** Rows of the stacked parts, of which adapters change each by itself; absent in steps without adapters. */
  readonly loraParts?: readonly number[];
};

/** What determines the kernel's text. */
export interface DecoderLayerKernelSpec {
  /** What an item of a product computes: units of a row block, and tokens. */
  readonly tile: { readonly units: number; readonly tokens: number };
  readonly hidden: number;
  readonly intermediate: number;
  readonly eps: number;
  readonly qkv: LayerProduct;
  /** Norms of each query and key head in front of the rotation. */
  readonly headNorms: boolean;
  readonly rotaryDim: number;
  readonly attention: AttentionKernelSpec;
  readonly o: LayerProduct;
  readonly gateUp: LayerProduct;
  readonly down: LayerProduct;
}

/** Texels of the ranks of a token's adapter, beside all parts of a product. `rankPairs`: pairs of groups of 8, at most. */
export function rankTexels(s: DecoderLayerKernelSpec, rankPairs: number): number {
  const parts = products.map((name) => s[name].loraParts?.length ?? 0);
  return Math.max(...parts) * rankPairs * 8;
}

/** Override constants of the kernel, those of the ops' own functions. */
export interface DecoderLayerConstants {
  /** activation/activation.ts */
  readonly ACTIVATION: number;
  /** rotary-embedding/rotate.wgsl */
  readonly INTERLEAVED: number;
  readonly BY_TOKEN: number;
}

/** Sections of the two scratch buffers: where they begin and how long the buffers are, in elements a token. */
export function scratchLayout({ qkv, hidden, intermediate, attention }: DecoderLayerKernelSpec) {
  const heads = attention.group * attention.kvHeads * attention.headDim;
  const q8 = (hidden + heads) / 4;
  return {
    /** f32: [queries, keys and values | mid | gate and up] */
    mid: qkv.rows,
    gateUp: qkv.rows + hidden,
    floats: qkv.rows + hidden + 2 * intermediate,
    /**
     * vec4<u32>: as f32 [normed x | attended], as q8 (webgpu-context.ts) [attended | normed mid | activated], as q12 [normed x], and
     * ranks (rankTexels). Only adapters take normed x as f32.
     */
    attended: hidden / 4,
    attendedQ8: q8,
    normedQ8: q8 + heads / 8,
    activatedQ8: q8 + (heads + hidden) / 8,
    inputQ12: q8 + (heads + hidden + intermediate) / 8,
    texels: q8 + (heads + 2 * hidden + intermediate) / 8,
  };
}
