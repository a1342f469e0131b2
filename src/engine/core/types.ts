/** The engine's vocabulary: what a caller gives (ids and sampling parameters) and gets (token events). No text, no tensors. */
import type { KernelSet } from '../../gpu/device.ts';
import type { ConstraintSpec } from '../grammar/constraint.ts';

/** Names, ranges and defaults are vLLM's / LightLLM's; the server validates, the engine trusts. */
export interface SamplingParams {
  readonly maxTokens: number;
  /** Token ids that may not end the request before this many were generated. */
  readonly minTokens: number;
  /** 0 means greedy. */
  readonly temperature: number;
  /** (0, 1]; 1 is off. */
  readonly topP: number;
  /** -1 is off. */
  readonly topK: number;
  /** [0, 1]; 0 is off. */
  readonly minP: number;
  /** 1 is off. */
  readonly repetitionPenalty: number;
  readonly presencePenalty: number;
  readonly frequencyPenalty: number;
  /** Token id → added to its logit. */
  readonly logitBias: ReadonlyMap<number, number> | null;
  /** Only these ids may be sampled. */
  readonly allowedTokenIds: readonly number[] | null;
  /** Reproducible sampling; null draws a fresh seed. */
  readonly seed: number | null;
  /** Ids that end the request (finish 'stop') besides the model's own eos ids. */
  readonly stopTokenIds: readonly number[];
  readonly ignoreEos: boolean;
  /** Number of top logprobs to return with each token; null returns none, 0 the sampled token's own. */
  readonly logprobs: number | null;
  /** The grammar that the output has to follow; null leaves it free. */
  readonly constraint: ConstraintSpec | null;
  /** Number of top logprobs to return with each token of the prompt; null returns none, 0 the token's own. */
  readonly promptLogprobs: number | null;
}

export const defaultSamplingParams: SamplingParams = {
  maxTokens: Infinity,
  minTokens: 0,
  temperature: 1,
  topP: 1,
  topK: -1,
  minP: 0,
  repetitionPenalty: 1,
  presencePenalty: 0,
  frequencyPenalty: 0,
  logitBias: null,
  allowedTokenIds: null,
  seed: null,
  stopTokenIds: [],
  ignoreEos: false,
  logprobs: null,
  constraint: null,
  promptLogprobs: null,
};

/**
 * What a request that generates nothing wants of its prompt: the mean of its tokens' last hidden states, the last
 * token's, or what a reward model's head makes of the last token's.
 */
export type Pooling = 'mean' | 'last' | 'score';

export type FinishReason = 'stop' | 'length' | 'abort' | 'error';

export interface TokenLogprobs {
  readonly logprob: number;
  /** Highest first. */
  readonly top: readonly { readonly id: number; readonly logprob: number }[];
}

export interface SampledToken {
  readonly id: number;
  readonly logprobs: TokenLogprobs | null;
}

/** One engine step's news of one request. */
export interface RequestOutput {
  readonly requestId: string;
  /** Tokens new since the last output, in order. A stop token is included (the server decides whether to show it). */
  readonly tokenIds: readonly number[];
  /** Parallel to tokenIds when logprobs were asked for, else null. */
  readonly logprobs: readonly TokenLogprobs[] | null;
  /** One for each token of the prompt (null for the first) when they were asked for, on one output, else null. */
  readonly promptLogprobs: readonly (TokenLogprobs | null)[] | null;
  /** The result of a pooling request, on its last output: [hidden_size], or [1] for a score; else null. */
  readonly pooled: Float32Array | null;
  /** Set on the last output only. */
  readonly finishReason: FinishReason | null;
  /** The stop token id that ended the request, if one did. */
  readonly stopTokenId: number | null;
  readonly usage: Usage;
}

export interface Usage {
  readonly promptTokens: number;
  readonly completionTokens: number;
  /** Prompt tokens whose keys and values came from the prefix cache. */
  readonly cachedTokens: number;
}

/** What came of a pooling request. */
export interface PooledOutput {
  /** [hidden_size] f32, or [1] for a score. */
  readonly pooled: Float32Array;
  readonly usage: Usage;
}

export interface GenerateOptions {
  readonly requestId?: string;
  /** Aborting frees the request's slots at the next step; the iterator then ends with finishReason 'abort'. */
  readonly signal?: AbortSignal;
  /** Token ids and logprobs that may wait for the caller; beyond it the request ends with slow_reader. Default no limit. */
  readonly maxUnread?: number;
  /** Called once, when the request is in the engine's queue: what it is refused for is known by then. */
  readonly onAccepted?: () => void;
  /** Unix ms; a request still waiting then fails with deadline_exceeded. */
  readonly deadline?: number;
  /** Name of the loaded adapter that it is computed with; the model alone without it. */
  readonly adapter?: string | undefined;
}

/** An adapter that requests may name. */
export interface AdapterInfo {
  readonly name: string;
  /** Where it was loaded from. */
  readonly path: string;
  /** The highest of any layer. */
  readonly rank: number;
}

/** What the server needs to know of the loaded model. */
export interface EngineInfo {
  readonly modelName: string;
  readonly architecture: string;
  readonly vocabSize: number;
  readonly hiddenSize: number;
  /** Longest prompt + output of one request. */
  readonly maxModelLen: number;
  readonly maxTotalTokenNum: number;
  /** Layers that see a window only, and their slots; absent where all see everything. */
  readonly window?: WindowSpec | null;
  /** Layers with a recurrent state; absent where there are none. */
  readonly states?: StateSpec | null;
  readonly eosTokenIds: readonly number[];
  /** A reward model: it scores and embeds texts, and generates none. */
  readonly isRewardModel: boolean;
  readonly adapter: string;
  /** Which kernels the adapter runs; those for `lavapipe` are for processors. */
  readonly kernelSet: KernelSet;
  /** What was planned before loading; absent where nothing is on a device. */
  readonly memory?: MemoryPlan;
  /** Prompts longer than this have keys that depend on their length (dynamic NTK), so that no other prompt can share them. */
  readonly sharedPromptLimit?: number;
  /** Tokens that a step may have; absent: what the settings say. */
  readonly batchMaxTokens?: number;
  /** Rows of logits that a step may have to score prompts; absent: as many as the scheduler wants. */
  readonly promptRows?: number;
  /** Room for adapters: so many on the device at a time, of this rank at most; absent where there is none. */
  readonly adapterRoom?: { readonly slots: number; readonly maxRank: number };
  /** Lines that whoever started the engine should see. */
  readonly notes?: readonly string[];
}

/** Recurrent states on the device: a row for each request that may run, and some for the prefix cache. */
export interface StateSpec {
  /** Snapshots that the prefix cache may hold. */
  readonly snapshots: number;
}

/** Layers that see a window only. */
export interface WindowSpec {
  /** Keys that a query sees, itself included. */
  readonly window: number;
  /** Enough for the windows of all running requests and the tokens of a step: none is ever missing. */
  readonly slots: number;
}

/** Bytes. */
export interface MemoryPlan {
  readonly weights: number;
  /** Keys and values of all slots. */
  readonly kvCache: number;
  /** What they are stored as. */
  readonly kvDtype: string;
  /** Activations of the largest step. */
  readonly step: number;
  /** Room for adapters, where there is some. */
  readonly adapters?: number;
}

export interface EngineStats {
  readonly running: number;
  readonly waiting: number;
  readonly paused: number;
  readonly totalSlots: number;
  readonly freeSlots: number;
  /** Slots held only by the prefix cache (evictable). */
  readonly cachedSlots: number;
}

/** The server's only view of the engine; the same class in-process or in front of a worker thread. */
export interface EngineClient {
  readonly info: EngineInfo;
  /** Throws EngineError (context_length_exceeded, queue_full, draining, engine_dead …) on the first `next()`. */
  generate(
    promptIds: readonly number[],
    params: SamplingParams,
    options?: GenerateOptions,
  ): AsyncIterable<RequestOutput>;
  /**
   * Runs a prompt without generating. Throws EngineError as `generate` does, and `aborted` when `options.signal` ended it.
   * A failed prompt fails this call only.
   */
  pool(promptIds: readonly number[], pooling: Pooling, options?: GenerateOptions): Promise<PooledOutput>;
  stats(): Promise<EngineStats>;
  /** Empties the prefix cache, except for what running requests hold; resolves with the stats afterwards. */
  flushCache(): Promise<EngineStats>;
  /** Those that requests may name, in the order in which they were loaded. */
  adapters(): readonly AdapterInfo[];
  /**
   * Reads an adapter into host memory, under a name for requests. @param path a directory of peft or a .gguf file
   * @throws EngineError invalid_value for a name that is taken, model_not_readable, unsupported_model
   */
  loadAdapter(name: string, path: string): Promise<AdapterInfo>;
  /** Its name is free at once; requests that use it end as they would. @throws EngineError not_found */
  unloadAdapter(name: string): Promise<void>;
  /** 'ok' while steps can run; anything else is the reason they cannot. */
  health(): 'ok' | 'loading' | 'draining' | 'dead';
  /** Stops accepting, finishes what runs, then frees the device. */
  close(): Promise<void>;
}
