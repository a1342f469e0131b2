/**
 * WGSL of what adapters add inside the fused layer, product by product: `NAMEShrink`, an item that makes two groups of ranks of
 * one token and part, and `NAMEExpand`, which adds B's product of them to sums. Nothing in the text depends on a
 * rank, so that it is compiled once.
 */
import { products, type DecoderLayerKernelSpec, type ProductName } from './layer-spec.ts';

export const adapterFile = 'layer-adapters.lavapipe.wgsl';

const adaptedProducts = (s: DecoderLayerKernelSpec) => products.filter((name) => s[name].loraParts);

export const isAdapted = (s: DecoderLayerKernelSpec): boolean => adaptedProducts(s).length > 0;

/** Textures that the kernel binds: of weights, and of adapters. */
export const storageTextures = (s: DecoderLayerKernelSpec): number => products.length + adaptedProducts(s).length;

/** Where each product's activations begin, as a section of texels. */
const sections: Record<ProductName, string> = {
  qkv: '',
  o: 'p.tokens * ATTENDED_Q8 + ',
  gateUp: 'p.tokens * NORMED_Q8 + ',
  down: 'p.tokens * ACTIVATED_Q8 + ',
};

/** Adapters beside each product, from binding `first` on, and their functions. */
export function adapterFunctions(s: DecoderLayerKernelSpec, first: number): string {
  return adaptedProducts(s)
    .map((name, i) => {
      const { activation, columns, loraParts = [] } = s[name];
      const parts = loraParts.length;
      const texels = activation === 'q8' ? columns / 8 : columns / 4;
      const starts = loraParts.slice(1).map((_, i) => loraParts.slice(0, i + 1).reduce((n, rows) => n + rows, 0));
      const part = starts.map((start) => `select(0u, 1u, row >= ${start}u)`).join(' + ') || '0u';
      const begin = starts.reduce((before, start) => `select(${before}, ${start}u, row >= ${start}u)`, '0u');
      return `@group(0) @binding(${first + i}) var ${name}Lora: LoraWeights;

fn ${name}Shrink(item: u32, lane: u32) {
  let tokenPart = item / p.rankPairs;
  let token = tokenPart / ${parts}u;
  let group = item % p.rankPairs * 2u;
  let adapter = adapterOf(${name}Lora, p.${name}Slot, token, tokenPart % ${parts}u);
  let row = ${sections[name]}token * ${texels}u;
  shrinkPair(${name}Lora, adapter, group, ranksAt(tokenPart) + group * 4u, ${activation === 'q8'}, row, ${columns / 64}u, lane);
}

// The token's sums of 32 rows from \`row\` on, of one part, every eighth in a lane, and what its adapter adds.
fn ${name}Expand(sums: vec4<f32>, token: u32, row: u32, lane: u32) -> vec4<f32> {
  let part = ${part};
  let adapter = adapterOf(${name}Lora, p.${name}Slot, token, part);
  return expandRows(${name}Lora, adapter, ranksAt(token * ${parts}u + part), row - ${begin}, sums, lane);
}

`;
    })
    .join('');
}
