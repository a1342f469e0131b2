import type { LatentLayer } from '../ops.ts';
import { rmsNormReference } from '../rms-norm/rms-norm.reference.ts';
import { rotateHead, storedReference } from '../rotary-embedding/rotary-embedding.reference.ts';

/** `[slots + 1, rank + ropeDim]` in f32: what the cache's dtype gives back. */
export interface ReferenceLatentLayer extends LatentLayer {
  readonly storage: { readonly latents: Float32Array };
}

/** How a token rotates: the table's row of its position, as `rotateHead` takes it. */
export interface RotaryRow {
  readonly cosSin: Float32Array;
  readonly rotaryDim: number;
  readonly interleaved: boolean;
}

/**
 * One token of MLA (DeepSeek-V2, arXiv 2405.04434, section 2.1): writes `[norm(kv[0 … rank]), rotate(kv[rank …])]` to its slot.
 * @param kv `[rank + ropeDim]`
 * @param weight `[rank]`
 */
export function storeLatentReference(
  layer: ReferenceLatentLayer,
  slot: number,
  kv: Float32Array,
  { weight, eps }: { readonly weight: Float32Array; readonly eps: number },
  { cosSin, rotaryDim, interleaved }: RotaryRow,
): void {
  const { rank, ropeDim, dtype } = layer;
  const row = new Float32Array(rank + ropeDim);
  row.set(rmsNormReference(kv.subarray(0, rank), weight, eps));
  row.set(kv.subarray(rank), rank);
  rotateHead(row.subarray(rank), cosSin, rotaryDim, interleaved);
  layer.storage.latents.set(storedReference(row, 'keys', row.length, dtype), slot * row.length);
}

/** One token's queries: latent `[Hq, rank]`, rope `[Hq, ropeDim]` → `[Hq, rank + ropeDim]`, the second part rotated. */
export function latentQueriesReference(
  latent: Float32Array,
  rope: Float32Array,
  { rank, ropeDim }: Pick<LatentLayer, 'rank' | 'ropeDim'>,
  { cosSin, rotaryDim, interleaved }: RotaryRow,
): Float32Array {
  const width = rank + ropeDim;
  const heads = latent.length / rank;
  const out = new Float32Array(heads * width);
  for (let h = 0; h < heads; h++) {
    out.set(latent.subarray(h * rank, (h + 1) * rank), h * width);
    out.set(rope.subarray(h * ropeDim, (h + 1) * ropeDim), h * width + rank);
    rotateHead(out.subarray(h * width + rank, (h + 1) * width), cosSin, rotaryDim, interleaved);
  }
  return out;
}
