/** Every setting with its default and one doc line. Flag names are LightLLM's (`--max_total_token_num` and `--max-total-token-num` alike). */

export type Quantization = 'none' | 'int8' | 'int4' | 'stored';

/** What the engine worker needs to load and run one model. */
export interface EngineConfig {
  /** Hugging Face directory or .gguf file. */
  modelDir: string;
  /** Weight format at load: as stored, floats kept ('none'), or quantized on the way in. */
  quant: Quantization;
  /** Activations that feed matrix products: f32, or int8 in groups of 32; 'auto' picks by adapter and weight format. */
  activationDtype: 'auto' | 'f32' | 'int8';
  /** Element type of the KV cache; 'auto' is f16 where the adapter can, f32 with f32 activations. */
  kvCacheDtype: 'auto' | 'f16' | 'f32';
  /** KV slots in all; null derives them from memFraction and the memory plan. */
  maxTotalTokenNum: number | null;
  /** Share of the device's (or host's) memory that weights and KV may take. */
  memFraction: number;
  /** Longest prompt + output of one request; null takes the model's max_position_embeddings, capped by the pool. */
  maxReqTotalLen: number | null;
  /** Requests that may run at the same time. */
  runningMaxReqSize: number;
  /** Requests that may wait; the next one gets 429. */
  maxQueuedRequests: number;
  /** Tokens of one step over all requests. */
  batchMaxTokens: number;
  /** Prompt tokens of one request in one step. */
  chunkedPrefillSize: number;
  disableChunkedPrefill: boolean;
  /** Admission policy. */
  schedulerPolicy: 'past-future' | 'aggressive' | 'conservative' | 'fcfs';
  /** Turns the radix prefix cache off (LightLLM's name; `--no-radix` is the short one). */
  disableDynamicPromptCache: boolean;
  /** Launch step k+1 before step k's tokens are read back. */
  overlap: boolean;
  /** Dawn's validation and robustness: on in tests, off in production. */
  gpuValidation: boolean;
}

export const defaultEngineConfig: EngineConfig = {
  modelDir: '',
  quant: 'stored',
  activationDtype: 'auto',
  kvCacheDtype: 'auto',
  maxTotalTokenNum: null,
  memFraction: 0.8,
  maxReqTotalLen: null,
  runningMaxReqSize: 64,
  maxQueuedRequests: 1024,
  batchMaxTokens: 1024,
  chunkedPrefillSize: 512,
  disableChunkedPrefill: false,
  schedulerPolicy: 'past-future',
  disableDynamicPromptCache: false,
  overlap: true,
  gpuValidation: false,
};
