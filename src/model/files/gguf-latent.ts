/** How metadata says multi-head latent attention: as the keys of config.json that latent-config.ts reads. */
import { unsupported } from '../config.ts';

/** What is looked at, without the prefix. */
interface LatentMetadata {
  readonly 'attention.key_length'?: number | undefined;
  readonly 'attention.value_length'?: number | undefined;
  readonly 'attention.key_length_mla'?: number | undefined;
  readonly 'attention.value_length_mla'?: number | undefined;
  readonly 'rope.dimension_count'?: number | undefined;
}

interface LatentKeys {
  readonly qk_rope_head_dim: number;
  readonly qk_nope_head_dim: number;
  /** Undefined where the file does not say it. */
  readonly v_head_dim: number | undefined;
}

/**
 * Files since llama.cpp's absorbed attention (2025) say a head's own lengths in `*_mla` and those of latents in the plain keys;
 * older ones have no `*_mla`.
 */
export function latentKeys(c: LatentMetadata, path: string, prefix: string): LatentKeys {
  const rope = c['rope.dimension_count'];
  const key = c['attention.key_length_mla'] ?? c['attention.key_length'];
  if (rope === undefined || key === undefined || key <= rope)
    throw unsupported(path, `${prefix}.rope.dimension_count`, rope ?? null, [
      `a part of ${prefix}.attention.key_length(_mla), ${key ?? 'which is missing'}`,
    ]);
  const hasOwn = c['attention.key_length_mla'] !== undefined;
  return {
    qk_rope_head_dim: rope,
    qk_nope_head_dim: key - rope,
    v_head_dim: hasOwn ? c['attention.value_length_mla'] : c['attention.value_length'],
  };
}
