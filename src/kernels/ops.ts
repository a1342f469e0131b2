/**
 * The two-backend interface every model is written over: `ReferenceOps` (plain f32 loops, the definition) and
 * `WebGPUOps` (WGSL). Methods record work and return handles at once; only `read()` and `upload*` are async. A model
 * computes with `ModelOps`, inside a `program`; the engine has the rest.
 *
 * Shapes use T = tokens in this step, H = hidden_size, K/N = in/out features, D = head_dim, Hq/Hkv = query/key-value
 * heads, V = vocab_size, L = tokens whose logits are wanted. Activations between methods are f32 (the residual stream
 * always is). Tensors made during a step live until `endStep()`; of those made inside `program()` only its results do.
 */
import type { MatrixSource, WeightFormat } from '../tensor/matrix.ts';
import type { Tensor } from '../tensor/tensor.ts';

/** A weight matrix [rows, cols] owned by one backend; `y = x · Wᵀ`. */
export interface Matrix {
  readonly name: string;
  /** Of all experts together where there are several. */
  readonly rows: number;
  readonly cols: number;
  readonly format: WeightFormat;
  /** How many matrices of the same shape lie one below the other, for `expertMatmul`; absent: it is one, for `matmul`. */
  readonly experts?: number;
  readonly storage: unknown;
}

/** What keys and values are stored as (int4: keys in 8 bits, values in 4): kv-cache/quantized.reference.ts defines the integers. */
export type KVDtype = 'f32' | 'f16' | 'int8' | 'int4';

/** Keys and values of each token: `[slots, Hkv, D]` each. */
export interface KVLayerSpec {
  readonly kind: 'kv';
  readonly kvHeads: number;
  readonly headDim: number;
  readonly dtype: KVDtype;
  /** Index of its slot group. */
  readonly group: number;
}

/**
 * What multi-head latent attention keeps of each token (MLA: DeepSeek-V2, arXiv 2405.04434): `[slots, rank + ropeDim]`, the
 * normalized latent, then the rotated part of the key. All query heads see it as one key, and its latent as the value.
 */
export interface LatentLayerSpec {
  readonly kind: 'latent';
  /** `kv_lora_rank` of config.json. */
  readonly rank: number;
  /** `qk_rope_head_dim` of config.json. */
  readonly ropeDim: number;
  /** They are keys too, for which four bits are too few. */
  readonly dtype: Exclude<KVDtype, 'int4'>;
  /** Index of its slot group. */
  readonly group: number;
}

/**
 * Recurrent states: of each request one row of so many f32 values, whatever its length. What lies in a row is the layer's
 * ops' own (StatePart).
 */
export interface StateLayerSpec {
  readonly kind: 'state';
  readonly floats: number;
}

/** What a layer remembers, by its kind. */
export type CacheLayerSpec = KVLayerSpec | LatentLayerSpec | StateLayerSpec;

export interface KVLayer extends KVLayerSpec {
  readonly storage: unknown;
}

export interface LatentLayer extends LatentLayerSpec {
  readonly storage: unknown;
}

/** One layer's states: `[stateRows, floats]`. */
export interface StateLayer extends StateLayerSpec {
  readonly storage: unknown;
}

/** What attention reads. */
export type AttendedLayer = KVLayer | LatentLayer;
export type AttendedLayerSpec = KVLayerSpec | LatentLayerSpec;

export type CacheLayer = KVLayer | LatentLayer | StateLayer;

/** The part of a layer's rows that one op has, from this float on. */
export interface StatePart {
  readonly layer: StateLayer;
  readonly offset: number;
}

/** Layers that keep the same positions share slot numbers and a slot table. */
export interface SlotGroup {
  /** How many positions back its layers see, the own one included; null: all, and every position keeps its slot. */
  readonly window: number | null;
  /** Token slots. One more is allocated behind them: the sink that padded tokens write to. */
  readonly slots: number;
}

export interface KVCacheSpec {
  readonly layers: readonly CacheLayerSpec[];
  readonly groups: readonly SlotGroup[];
  /** Rows of the slot tables: requests that can run at the same time. */
  readonly maxRequests: number;
  /** Columns of the slot tables: the longest context of one request. */
  readonly maxLength: number;
  /** Rows of each layer of states: those of running requests, and those that the prefix cache keeps. Absent: none. */
  readonly stateRows?: number;
}

/**
 * The token-level KV cache and a slot table `[maxRequests, maxLength]` u32 for each group: entry (row, position) is the
 * slot that holds what is kept of that position (LightLLM's req_to_token). Any slot may serve several rows.
 */
export interface KVCache {
  readonly spec: KVCacheSpec;
  readonly layers: readonly CacheLayer[];
  readonly storage: unknown;
}

/** One step's ragged batch: prefill chunks and decode tokens side by side, tokens of one row contiguous and ascending. */
export interface StepBatch {
  /**
   * [T] token ids. An id with bit 31 set stands for "the token that row (id & 0x7fffffff) sampled last" and is looked
   * up on the device (see `storeLastTokens`), so that a step can start before the previous one's tokens were read back.
   */
  readonly tokenIds: Uint32Array;
  /** [T] position of each token in its sequence. */
  readonly positions: Uint32Array;
  /** [T] row of the slot table (request) of each token. */
  readonly tableRows: Uint32Array;
  /** [T, rotaryDim] what RotarySpec.dynamic gives for the tokens. */
  readonly rotaryRows?: Float32Array;
  /** For each group [T]: the slot that receives each token's key and value; also written to its table at (row, position). */
  readonly slots: readonly Uint32Array[];
  /** The T tokens by rows, in order, for layers with states; absent where there are none. */
  readonly stateRuns?: readonly StateRun[];
  /** [L] indices into the T tokens whose logits are wanted, to sample from. */
  readonly logitIndices: Uint32Array;
  /** [P] indices into the T tokens whose logits are wanted to score the prompt with; absent means none. */
  readonly promptIndices?: Uint32Array;
  /** [T] the slot in which each token's adapter lies (Lora), NO_ADAPTER for tokens of the model alone; absent where all are. */
  readonly adapters?: Uint32Array;
}

/**
 * Consecutive tokens of one request, and the rows of its states. No row that is written in a step is read or written by
 * another run of it.
 */
export interface StateRun {
  /** Index of the first token. */
  readonly first: number;
  readonly count: number;
  /** The row that holds the states in front of the first token; null: a request's beginning, all zeros. */
  readonly before: number | null;
  /** The row that gets the states behind the last; may be the one that they come from. */
  readonly behind: number;
  /** Other rows, which get the states behind the run's first `after` tokens: two at most. */
  readonly keeps: readonly { readonly after: number; readonly row: number }[];
}

/** A StepBatch on the device. */
export interface Step {
  readonly numTokens: number;
  readonly numLogits: number;
  readonly batch: StepBatch;
  readonly storage: unknown;
}

export const LAST_TOKEN_FLAG = 0x8000_0000;

/** In StepBatch.adapters: the token is computed by the model alone. */
export const NO_ADAPTER = 0xffff_ffff;

/** Sampled from a row that holds NaN or +∞: the model, its weights or a kernel is at fault. */
export const NO_TOKEN = 0xffff_ffff;

/** How one row of logits becomes a token; `sample` applies the fields from top to bottom. */
export interface SamplingRow {
  /** Token id → added to its logit (OpenAI's logit_bias). Finite. */
  readonly bias: ReadonlyMap<number, number> | null;
  readonly penalties: Penalties | null;
  /** [ceil(V/32)]: token i may come if bit i%32 of word i/32 is set; null: all may. */
  readonly mask: Uint32Array | null;
  /** The tokens of the mask are equally likely, whatever their logits. */
  readonly ignoresLogits: boolean;
  /** 0: the largest logit wins, and nothing below matters. */
  readonly temperature: number;
  /** Tokens less likely than this share of the likeliest's probability are out; 0 is off. */
  readonly minP: number;
  /** Only so many of the likeliest are in; below 1 is off. */
  readonly topK: number;
  /** Of those, the fewest of the likeliest that have this share of their probability; 1 is off. */
  readonly topP: number;
  /** The draw: in [0, 1), of 24 bits. Ids in ascending order share the range by their probability. */
  readonly u: number;
}

/** Over the row's tokens as `writeTokens` and `storeLastTokens` left them. */
export interface Penalties {
  /** How many of them are prompt: they count for `repetition` only. */
  readonly promptLength: number;
  /** Logits of tokens that were there are divided by it, negative ones multiplied; 1 is off. */
  readonly repetition: number;
  /** Subtracted from the logits of tokens in the output; 0 is off. */
  readonly presence: number;
  /** Subtracted once for each time that a token is in the output; 0 is off. */
  readonly frequency: number;
}

export interface ConsumerOption {
  /**
   * The matrix whose `matmul` will consume the result: the backend may then return the activation in the form that
   * kernel wants (int8 groups of 32 with `--activation_dtype int8`). Without it the result is plain f32.
   */
  readonly to?: Matrix;
}

/** Rotations that depend on how long a sequence is (dynamic NTK). */
export interface DynamicRotary {
  /** Sequences up to this length rotate as the table says. */
  readonly trainedLength: number;
  /** [T, rotaryDim] for tokens at `positions` whose sequences had these lengths when they were computed. */
  rows(positions: Uint32Array, lengths: Uint32Array): Float32Array;
}

export interface RotarySpec {
  readonly headDim: number;
  /** Dimensions that rotate, from the front of each head; the rest pass through. */
  readonly rotaryDim: number;
  /** Pairs (i, i + rotaryDim/2) as in Hugging Face llama, or (2i, 2i+1) for `true`. */
  readonly interleaved: boolean;
  /** `[maxLength, rotaryDim]` f32: cos in the first rotaryDim/2 columns, sin in the others. */
  readonly table: Tensor;
  /** Its rows come with each step (StepBatch.rotaryRows); a step without them takes the table's. */
  readonly dynamic?: DynamicRotary;
}

export interface AttentionSpec {
  readonly heads: number;
  readonly scale: number;
  /** Keys at positions ≤ p - slidingWindow are not seen by position p. */
  readonly slidingWindow?: number;
  /** `cap · tanh(score / cap)` before the mask. */
  readonly softcap?: number;
  /**
   * ALiBi (Press et al. 2022): `alibi · slope(h) · (key's position - query's)` is added to the score. With n the largest power
   * of two that is at most Hq, slope(h) is 2^(-8(h + 1)/n) for the first n heads, 2^(-4(2(h - n) + 1)/n) for the others.
   */
  readonly alibi?: number;
  /** [Hq] f32: a logit that joins the softmax of each head as that of a key without a value (gpt-oss; arXiv:2309.17453). */
  readonly sinks?: Tensor;
}

/** `y = x · Wᵀ (+ bias)`, and what each token's adapter adds to it */
export interface Linear {
  readonly weight: Matrix;
  readonly bias?: Tensor;
  /** Where adapters are put that change this layer; absent where the engine takes none. */
  readonly lora?: Lora;
}

/** Room for what adapters have beside one linear layer. */
export interface LoraSpec {
  readonly name: string;
  /** Out features of each of the stacked parts; each has a product of its own. */
  readonly parts: readonly number[];
  /** In features. */
  readonly cols: number;
  /** Adapters that lie on the device at a time. */
  readonly slots: number;
  /** The highest rank of one, a multiple of 8. */
  readonly maxRank: number;
}

/** Low-rank products beside a linear layer (LoRA, Hu et al. 2021, arXiv:2106.09685), owned by one backend. */
export interface Lora extends LoraSpec {
  readonly storage: unknown;
}

/** What one adapter adds to one part of a linear layer: `scale · B · A · x`. Both matrices are f16 bits, row-major. */
export interface LoraPart {
  readonly rank: number;
  readonly scale: number;
  /** [rank, in features] */
  readonly a: Uint16Array;
  /** [out features, rank] */
  readonly b: Uint16Array;
}

/** For each part of the layer; null: the adapter leaves it alone. */
export type LoraWeights = readonly (LoraPart | null)[];

export type Activation = 'silu' | 'gelu' | 'gelu_tanh' | 'relu' | 'relu2';

/** Of two halves: activation(gate) · up, or gpt-oss's clamped SwiGLU (vLLM's name): g · sigmoid(1.702·g) · (u + 1), g = min(gate, 7), u = up within ±7. */
export type GatedActivation = Activation | 'swigluoai';

/** `x / sqrt(mean(x²) + eps) · weight`, weight [H] */
export interface RmsNormSpec {
  readonly kind: 'rms';
  readonly weight: Tensor;
  readonly eps: number;
}

/** `(x - mean(x)) / sqrt(var(x) + eps) · weight (+ bias)`, both [H] */
export interface LayerNormSpec {
  readonly kind: 'layer';
  readonly weight: Tensor;
  readonly bias?: Tensor;
  readonly eps: number;
}

export type NormSpec = RmsNormSpec | LayerNormSpec;

/** Norms of queries and of keys, head by head unless said otherwise. */
export interface HeadNorms {
  /** [D], the same for each head, or [Hq·D] */
  readonly query: Tensor;
  /** [D] or [Hkv·D] */
  readonly key: Tensor;
  /** RMSNorm unless said otherwise, or LayerNorm without bias. */
  readonly kind?: 'rms' | 'layer';
  /** What is normalized together: each head, or all query heads of a token and all its key heads. */
  readonly over?: 'head' | 'heads';
}

export interface MatmulOption {
  readonly bias?: Tensor;
  readonly residual?: Tensor;
}

/**
 * How a token's k experts are chosen and weighted, from its logits. Softmax over the chosen alone (Mixtral, gpt-oss) is `softmax`
 * with `normalizes`: the other experts' share cancels.
 */
export interface RouteSpec {
  /** Experts of each token. */
  readonly k: number;
  /** What logits become: softmax over all experts, or the sigmoid of each. Weights are the scores of the chosen. */
  readonly scores: 'softmax' | 'sigmoid';
  /** [E], added to the scores for the choice, not to the weights (DeepSeek-V3's e_score_correction_bias). */
  readonly bias?: Tensor;
  /** Only experts of some groups may be chosen (DeepSeek-V2). */
  readonly groups?: ExpertGroups;
  /** Weights are divided by their sum (norm_topk_prob). */
  readonly normalizes: boolean;
  /** Multiplies the weights behind that (routed_scaling_factor). */
  readonly scale: number;
}

/** The experts in groups of neighbours of the same size, of which a token takes the best few. */
export interface ExpertGroups {
  readonly count: number;
  /** How many of them a token may choose from; together they have k experts at least. */
  readonly kept: number;
  /** What a group is worth, of its scores with bias: the largest (DeepSeek-V2), or the sum of the two largest (DeepSeek-V3). */
  readonly worth: 'max' | 'topTwo';
}

export interface ExpertMatmulOption {
  /** [E, N] */
  readonly bias?: Tensor;
}

/** Some columns of a tensor [T, W], from `from` on; how many, the op says. */
export interface Columns {
  readonly of: Tensor;
  readonly from: number;
}

/** A convolution of C channels, each by itself, over the last K tokens. State: the last K - 1 inputs, [K - 1, C]. */
export interface ShortConvSpec {
  readonly channels: number;
  /** [C·K], the taps of a channel side by side, the oldest token's first. */
  readonly weight: Tensor;
  /** [C] */
  readonly bias?: Tensor;
  readonly activation?: Activation;
  /** The columns are B, C and x of C channels each, and the result is C · conv(B · x). */
  readonly gated?: boolean;
}

/** A gated delta rule. State: [Hv, Dk, Dv]. */
export interface DeltaRuleSpec {
  readonly keyHeads: number;
  readonly valueHeads: number;
  /** Dk; each key head serves Hv/Hk value heads. */
  readonly keyDim: number;
  /** Dv */
  readonly valueDim: number;
  /** [Hv], negative: how fast a state decays (-exp(A_log) of checkpoints). */
  readonly rate: Tensor;
  /** [Hv], added to a (dt_bias). */
  readonly stepBias: Tensor;
}

/** A selective scan of Mamba-2. State: [heads, stateSize, headDim]. */
export interface SelectiveScanSpec {
  readonly heads: number;
  readonly headDim: number;
  /** Of heads that share B and C. */
  readonly groups: number;
  readonly stateSize: number;
  /** [heads], negative: how fast a state decays (-exp(A_log) of checkpoints). */
  readonly rate: Tensor;
  /** [heads], added to the step (dt_bias). */
  readonly stepBias: Tensor;
  /** [heads], what of x passes by the state (D). */
  readonly skip: Tensor;
  /** Steps are kept within these. */
  readonly stepLimit: readonly [number, number];
}

export interface GatedNormSpec {
  /** [N], or [over], the same for each run of columns. */
  readonly weight: Tensor;
  /** Columns that are normalized together. */
  readonly over: number;
  /** Whether what is normalized is gated already. */
  readonly gatesFirst: boolean;
  readonly eps: number;
}

/** The queries of MLA in two parts, head by head. */
export interface LatentQueries {
  /** [T, Hq·rank]: those without positions, times the head's key matrix (`headMatmul`). */
  readonly latent: Tensor;
  /** [T, Hq·ropeDim], to be rotated. */
  readonly rope: Tensor;
}

export interface EmbeddingOption {
  /** Multiplies what is looked up. */
  readonly scale?: number;
  /** What is looked up: the tokens' ids, or their positions. */
  readonly by?: 'ids' | 'positions';
}

/** What a `program` gives back. */
export type ProgramResult = Readonly<Record<string, Tensor | null>>;

/** What models compute with: each op makes one tensor. */
export interface ModelOps {
  /** ids of the step [T] → rows of the table [T, H] f32 */
  embedding(step: Step, table: Matrix, option?: EmbeddingOption): Tensor;
  /** Each row of x [T, H] f32 normalized → [T, H] */
  norm(x: Tensor, norm: NormSpec, option?: ConsumerOption): Tensor;
  /** Norms of the query and key heads of qkv [T, (Hq + 2·Hkv)·D]; values pass through → the same shape */
  headNorm(qkv: Tensor, norms: HeadNorms, eps: number, layer: KVLayer): Tensor;
  /** a + scale · b (1 unless given), both [T, H] f32 */
  add(a: Tensor, b: Tensor, scale?: number): Tensor;
  /** factor · x, f32 [L, V] → [L, V] */
  scale(x: Tensor, factor: number): Tensor;
  /** c · tanh(x / c), f32 [L, V] → [L, V]: what keeps logits within ±c */
  cap(x: Tensor, c: number): Tensor;
  /** x [T, K] (f32 or q8), w [N, K] → x·wᵀ (+ bias [N]) (+ residual [T, N]) as f32 [T, N] */
  matmul(x: Tensor, w: Matrix, option?: MatmulOption): Tensor;
  /**
   * y [T, N] f32, x [T, K] (f32 or q8): to each part of a token's row `scale · B · (A · x)` of the adapter in the token's slot
   * is added, sums in f32; rows of tokens without one stay as they are, bit for bit. The tokens are those of the step that was
   * begun last. The result may lie where y was: nobody reads y afterwards.
   */
  addLora(y: Tensor, x: Tensor, lora: Lora): Tensor;
  /** Rotates the query and key heads of qkv [T, (Hq + 2·Hkv)·D] by each token's position; values pass through → the same shape */
  rotate(qkv: Tensor, rotary: RotarySpec, layer: KVLayer, step: Step): Tensor;
  /**
   * Rotates the query and key heads of qkv [T, (Hq + 2·Hkv)·D] by each token's position (null: not at all), stores keys
   * and values at the tokens' slots (and the slots in the slot table), returns the queries [T, Hq·D] f32.
   */
  rotaryStoreKV(qkv: Tensor, rotary: RotarySpec | null, layer: KVLayer, step: Step): Tensor;
  /**
   * A matrix of each head's own: x [T, Hq·K] f32, w [Hq·N, K] (`experts` is Hq) → [T, Hq·N],
   * `y[t, h·N + n] = Σ_k x[t, h·K + k] · w[h·N + n, k]`
   */
  headMatmul(x: Tensor, w: Matrix, option?: ConsumerOption): Tensor;
  /**
   * Of kv [T, rank + ropeDim] normalizes the first rank columns (RMSNorm, weight [rank]), rotates the others by each token's
   * position, and stores both at the tokens' slots (and the slots in the slot table). Returns the queries
   * [T, Hq·(rank + ropeDim)] f32, the parts of each head side by side and the second rotated.
   */
  rotaryStoreLatent(
    queries: LatentQueries,
    kv: Tensor,
    norm: RmsNormSpec,
    rotary: RotarySpec,
    layer: LatentLayer,
    step: Step,
  ): Tensor;
  /**
   * Causal attention of each token over its row's slots 0 … position, `softmax(q·k · scale)·v`, grouped query heads:
   * q [T, Hq·D] → [T, Hq·D]. Over latents all query heads share one key of D = rank + ropeDim, whose first rank columns are
   * the value: q [T, Hq·D] → [T, Hq·rank]
   */
  attention(q: Tensor, layer: AttendedLayer, step: Step, spec: AttentionSpec, option?: ConsumerOption): Tensor;
  /** gateUp [T, 2·I] (gate first) → activation(gate)·up [T, I], or as GatedActivation says */
  gatedMul(gateUp: Tensor, activation: GatedActivation, option?: ConsumerOption): Tensor;
  /** x [T, I] → activation(x) [T, I] */
  activate(x: Tensor, activation: Activation, option?: ConsumerOption): Tensor;
  /**
   * Router logits [T, E] → for each token k pairs of an expert's number and its weight, best first, lower numbers first
   * among equals: f32 [T, 2·k]
   */
  route(logits: Tensor, spec: RouteSpec): Tensor;
  /**
   * Products with the experts that `routing` [T, 2·k] names, row t·k + j with token t's j-th: w [E·N, K], x [T, K] (the same for
   * all its experts) or [T·k, K] (f32 or q8) → [T·k, N] f32. What is read of w are the experts that were chosen.
   */
  expertMatmul(x: Tensor, w: Matrix, routing: Tensor, option?: ExpertMatmulOption): Tensor;
  /** y [T·k, N] f32 → the sum of each token's k rows times its weights in `routing` [T, 2·k] (+ residual [T, N]) [T, N] */
  combine(y: Tensor, routing: Tensor, residual?: Tensor): Tensor;
  /** x [T, N] · sigmoid(gate), gate [T, N] or one for each token [T, 1] → [T, N] */
  sigmoidGate(x: Tensor, gate: Tensor): Tensor;
  /** C columns of x (3·C if gated), the state's last inputs in front of them → [T, C] f32 */
  shortConv(x: Columns, conv: ShortConvSpec, state: StatePart, step: Step): Tensor;
  /**
   * qkv [T, 2·Hk·Dk + Hv·Dv] (queries, keys, values), gates b and a of Hv columns each → [T, Hv·Dv] f32. For each value head with
   * state S, q and k of length 1: `S ← S · exp(rate · softplus(a + stepBias))`, `S ← S + k ⊗ (v - Sᵀk) · sigmoid(b)`, `Sᵀq / √Dk`.
   */
  deltaRule(qkv: Tensor, gates: Columns, rule: DeltaRuleSpec, state: StatePart, step: Step): Tensor;
  /**
   * xbc [T, H·P + 2·G·N] (x by heads, B and C by groups), steps of H columns → [T, H·P] f32. For each head with state S and
   * Δ = softplus(step + stepBias): `S ← S · exp(rate · Δ) + B ⊗ x · Δ`, `Sᵀ C + skip · x`.
   */
  selectiveScan(xbc: Tensor, steps: Columns, scan: SelectiveScanSpec, state: StatePart, step: Step): Tensor;
  /** x [T, N] in runs of columns, a gate of N columns → rms(x) · weight · silu(gate), or rms(x · silu(gate)) · weight, [T, N] */
  gatedNorm(x: Tensor, gate: Columns, norm: GatedNormSpec, option?: ConsumerOption): Tensor;
  /** x [T, H] → the rows at step.logitIndices [L, H] f32 */
  takeLogitRows(x: Tensor, step: Step): Tensor;
  /** x [T, H] → the rows at step.promptIndices [P, H] f32 */
  takePromptRows(x: Tensor, step: Step): Tensor;
  /** Runs `body`, one block of a model; its sites are named `NAME.…`. It gives back what it makes, except what it returns. */
  scope(name: string, body: () => Tensor): Tensor;
  /** Says what x is: a site of the program, named as TransformerLens does (docs/adding-a-model.md). The same x. */
  named(site: string, x: Tensor): Tensor;
}

/** What the engine computes with. */
export interface Ops extends ModelOps {
  readonly backend: 'reference' | 'webgpu';

  // ---- memory, at load time ----
  /** Streams a matrix in, a few rows at a time. */
  uploadMatrix(source: MatrixSource): Promise<Matrix>;
  /** A constant f32 tensor: norm weights, biases, rotary tables. */
  uploadF32(data: Float32Array, shape: readonly number[]): Tensor;
  createKVCache(spec: KVCacheSpec): KVCache;
  /** Room for adapters; what lies in it is undefined until it is written. */
  createLora(spec: LoraSpec): Lora;
  /** Puts an adapter's part into a slot, for the steps that are begun from now on. */
  writeLora(lora: Lora, slot: number, weights: LoraWeights): void;
  /** Writes entries (row, start…) of a group's slot table: needed for positions that no token of a step writes, i.e. prefix-cache hits. */
  writeSlots(kv: KVCache, group: number, tableRow: number, start: number, slots: Uint32Array): void;

  /**
   * Writes a row's tokens from position 0 on: prompt, and output if there is some. Needed only by rows with penalties,
   * before the first step on that row; `storeLastTokens` puts what is sampled behind them.
   */
  writeTokens(kv: KVCache, tableRow: number, tokenIds: Uint32Array): void;

  // ---- a step ----
  beginStep(batch: StepBatch, kv: KVCache): Step;
  /** Hands what is recorded so far to the device; the step goes on. */
  flush(): void;
  /** Hands everything recorded to the device and gives back the step's memory once the device is done with it. */
  endStep(): void;
  /**
   * A part of a step: `body` makes its tensors with the ops that it is given, and the results live until `endStep()`. The
   * backend may record the ops first and run several as one, and may run what `body` recorded for an earlier step of the
   * same shape once more without calling it. So it must depend on nothing but `owner` and the shape of the step, and
   * tensors that it takes from elsewhere must be constants. A backend of your own is right with `body(this)`.
   */
  program<R extends ProgramResult>(owner: object, step: Step, body: (ops: ModelOps) => R): R;

  /** softmax over the last dimension, f32 [L, V] → [L, V] */
  softmax(x: Tensor): Tensor;
  /** index of the largest value of each row, the lowest index among equals, NO_TOKEN where one is NaN or +∞: f32 [L, V] → u32 [L] */
  argmax(x: Tensor): Tensor;
  /**
   * logits f32 [L, V], one SamplingRow each → sampled ids u32 [L], NO_TOKEN as for argmax, whatever the mask forbids; the
   * logits stay as they are.
   */
  sample(logits: Tensor, step: Step, rows: readonly SamplingRow[]): Tensor;
  /**
   * Of R rows of logits f32 [L, V] the log-probability of the token in ids [L] u32, and the `width` ≤ V largest:
   * f32 [R, 1 + 2·width], the token's own, then pairs of id and log-probability, highest first, lower ids first among equals.
   * 1, which is no log-probability, in place of the token's own where a logit of the row is NaN or +∞.
   */
  topLogprobs(logits: Tensor, ids: Tensor, rows: readonly number[], width: number): Tensor;
  /**
   * Remembers ids [L] u32 as the last sampled tokens of the rows of step.logitIndices (see StepBatch.tokenIds), and puts
   * them behind those rows' tokens (see writeTokens).
   */
  storeLastTokens(ids: Tensor, step: Step): void;

  /**
   * Waits for the device and copies a tensor out: Float32Array for f32/f16/q8 (dequantized), Uint32Array for u32. Reads
   * end in the order of the calls.
   */
  read(x: Tensor): Promise<Float32Array | Uint32Array>;
  /** For tests of recovery: what follows is as if the device had failed by itself. */
  injectFault?(fault: 'device_lost' | 'out_of_memory'): void;
  /** Frees everything. */
  destroy(): void;
}
