/** What an architecture file says: everything the engine has to know of a kind of model, once. */
import type { RotarySpec } from '../kernels/ops.ts';
import type { LayerCache } from './cache-plan.ts';
import type { CausalLM } from './causal-lm.ts';
import type { ConfigSource, ModelConfig } from './config.ts';
import type { ScoreHead } from './layers/score-head.ts';
import type { RopeParameters } from './layers/rope.ts';
import type { Loaded, Spec } from './weights/spec.ts';

/**
 * Written in architectures/NAME.ts and listed in architectures/registry.ts.
 * C: the model's shape; S: the tree of its weights; L: the same with tensors.
 */
export interface Architecture<C extends ModelConfig, S extends Spec, L = Loaded<S>> {
  /** `model_type` in config.json. */
  readonly modelType: string;
  /** How GGUF files hold it; null when none do, or when those files say another architecture. */
  readonly gguf: GgufMapping | null;
  /** Name of a tensor in a safetensors file → its name in `weights`; null: it is no weight. Names are as they are without it. */
  tensorName?(stored: string): string | null;
  /** config.json's object → the model's shape: the only reader of it. */
  config(source: ConfigSource): C;
  /** Every tensor of the checkpoint; one that is not here is refused. */
  weights(config: C): S;
  /** What each layer remembers of earlier tokens, one entry a layer. */
  caches(config: C): readonly LayerCache[];
  create(config: C, weights: L, parts: ModelParts): CausalLM;
}

/** One of the registry, known to be an architecture and no more. */
export type AnyArchitecture = Architecture<ModelConfig, Spec, unknown>;

/** What a model is made of besides its own weights. */
export interface ModelParts {
  /** The longest context of one request. */
  readonly maxLength: number;
  /**
   * A rotation of the first `rotaryDim` dimensions of each head of `headDim`, in pairs of halves or of neighbours
   * (`isInterleaved`); the same arguments share a table.
   */
  rotary(rope: RopeParameters, headDim: number, rotaryDim?: number, isInterleaved?: boolean): RotarySpec;
  /** What a reward model's checkpoint has in place of a language-model head; null for a model that generates. */
  readonly scoreHead: ScoreHead | null;
}

/** What a GGUF file has, before it is known what it is. */
export interface GgufContents {
  readonly metadata: ReadonlyMap<string, unknown>;
  readonly tensors: readonly { readonly name: string }[];
}

/** How llama.cpp's converter names and orders what a Hugging Face directory holds. */
export interface GgufMapping {
  /** `general.architecture`, also the prefix of its metadata keys. */
  readonly name: string;
  /** Which files of that name are this architecture's; another of the same name has the rest. */
  holds?(file: GgufContents): boolean;
  /** config.json key → metadata key without its prefix. */
  readonly configKeys: Readonly<Record<string, string>>;
  /** GGUF name → Hugging Face name, both without `.weight` or `.bias`, or both whole; `*` is the layer. */
  readonly tensorNames: Readonly<Record<string, string>>;
  /** What it means that metadata has no such key, where that is not what config.json would mean: config.json key → value. */
  readonly absent?: Readonly<Record<string, unknown>>;
  /** Keys of config.json that tensors say: true where there is one of that (Hugging Face) name. */
  readonly present?: Readonly<Record<string, string>>;
  /** Keys of config.json that metadata says in its own way; `metadata` is without the prefix. */
  more?(metadata: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>>;
  /**
   * Where `attn_qkv` is a tensor of the architecture's own in some layers: whether layer `i` has it from q, k and v of attention
   * (--fuse-qkv). `json` is the config.json made of the metadata.
   */
  isFusedQkv?(i: number, json: Readonly<Record<string, unknown>>): boolean;
  /** `rope.dimension_count` may be less than the dimension of a head: `partial_rotary_factor`. */
  readonly rotatesPart?: true;
  /** Multi-head latent attention: what it says of heads is those of queries, or of latents (gguf-latent.ts). */
  readonly isLatent?: true;
  /** The rows of q and k are reordered for an interleaved rotation; they are put back at load. */
  readonly permutesQK: boolean;
}
