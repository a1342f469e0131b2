/**
 * Every setting: default, one doc line, flag names (LightLLM's where it has one; `--max_total_token_num` and
 * `--max-total-token-num` alike). The command line and its help are made from these tables.
 */
import { policyNames, type PolicyName } from './engine/scheduling/policies/registry.ts';
import { choice, type ConfigOf, defaultsOf, number, text, texts, toggle } from './settings.ts';

const eightBits = 'int8 takes as many bytes';

/** Names of LightLLM, vLLM and llama.cpp for what a KV cache is stored as. */
const otherKVDtypes = {
  same: { None: 'auto', float32: 'f32', float16: 'f16', int8kv: 'int8', int4kv: 'int4' },
  refused: {
    ...{ bf16: 'f16 takes as many bytes', bfloat16: 'f16 takes as many bytes' },
    ...{ fp8: eightBits, fp8_e4m3: eightBits, fp8_e5m2: eightBits, fp8_inc: eightBits, fp8kv: eightBits },
    ...{ fp8kv_sph: eightBits, fp8kv_spt: eightBits, q8_0: 'int8 is like it', q5_0: 'int8', q5_1: 'int8' },
    ...{ q4_0: 'int4 is like it', q4_1: 'int4 is like it', iq4_nl: 'int4 is like it' },
  },
} as const;

export type Quantization = 'none' | 'int8' | 'int4' | 'stored';

/** What the engine worker needs to load and run one model. */
export const engineSettings = {
  modelDir: text('', 'path', {
    flags: ['model_dir', 'model'],
    doc: 'Hugging Face directory, .gguf file, name of a pulled model, or a short name such as qwen2.5:0.5b, fetched when missing; default the default model.',
  }),
  quant: choice<Quantization>('stored', ['stored', 'none', 'int8', 'int4'], {
    flags: ['quant', 'quant_type'],
    doc: 'Weights as stored, floats kept (none), or quantized while loading.',
  }),
  activationDtype: choice<'auto' | 'f32' | 'int8'>('auto', ['auto', 'f32', 'int8'], {
    flags: ['activation_dtype'],
    doc: 'Activations that feed matrix products: f32, or int8 in groups of 32; auto picks by adapter and weights.',
  }),
  kvCacheDtype: choice<'auto' | 'f32' | 'f16' | 'int8' | 'int4'>(
    'auto',
    ['auto', 'f32', 'f16', 'int8', 'int4'],
    {
      flags: ['kv_cache_dtype', 'llm_kv_type'],
      doc: 'What keys and values are stored as; int4 keeps values in 4 bits and keys in 8, since 4 are too few for keys; auto is f16, or f32 with f32 activations on lavapipe.',
    },
    otherKVDtypes,
  ),
  device: text(null, 'n|name', {
    flags: ['device'],
    doc: 'Adapter to run on: its number or a part of its name, as `dawnlight doctor` lists them; default the fastest.',
  }),
  gpuMemory: number<number | null>(
    null,
    { min: 0.01, integer: false },
    {
      flags: ['gpu_memory'],
      doc: 'GiB of memory that the GPU has; default what its driver says, or what can be allocated.',
    },
  ),
  maxTotalTokenNum: number<number | null>(
    null,
    { min: 1 },
    {
      flags: ['max_total_token_num'],
      doc: 'KV slots in all; derived from mem_fraction and the memory plan when not given.',
    },
  ),
  memFraction: number(
    0.8,
    { min: 0.01, max: 1, integer: false },
    {
      flags: ['mem_fraction'],
      doc: 'Share of the device’s (or host’s) memory that weights and KV may take.',
    },
  ),
  maxReqTotalLen: number<number | null>(
    null,
    { min: 2 },
    {
      flags: ['max_req_total_len'],
      doc: 'Longest prompt + output of one request; default the model’s context, capped by the pool.',
    },
  ),
  runningMaxReqSize: number(
    64,
    { min: 1, max: 4096 },
    {
      flags: ['running_max_req_size'],
      doc: 'Requests that may run at the same time.',
    },
  ),
  maxQueuedRequests: number(
    1024,
    { min: 0 },
    {
      flags: ['max_queued_requests'],
      doc: 'Requests that may wait; the next one is answered with 429.',
    },
  ),
  batchMaxTokens: number<number | null>(
    null,
    { min: 1 },
    {
      flags: ['batch_max_tokens'],
      doc: 'Tokens of one step over all requests; 1024 when not given, 256 on lavapipe.',
    },
  ),
  chunkedPrefillSize: number<number | null>(
    null,
    { min: 1 },
    {
      flags: ['chunked_prefill_size'],
      doc: 'Prompt tokens of one request in one step; 512 when not given, 256 on lavapipe.',
    },
  ),
  decodeShare: number(
    0.25,
    { min: 0, max: 1, integer: false },
    {
      flags: ['decode_share'],
      doc: 'Share of a step’s time that running answers keep beside prompts, where a step takes over 100 ms; 0 is off.',
    },
  ),
  linearAttCacheSize: number<number | null>(
    null,
    { min: 0 },
    {
      flags: ['linear_att_cache_size'],
      doc: 'Recurrent states that the prefix cache may keep, in models that have some; default what fits a tenth of the memory that is left.',
    },
  ),
  disableChunkedPrefill: toggle(false, {
    flags: ['disable_chunked_prefill', 'no-chunked-prefill'],
    doc: 'Prefill each prompt in one step.',
  }),
  schedulerPolicy: choice<PolicyName>(policyNames[0], policyNames, {
    flags: ['scheduler_policy'],
    doc: 'How waiting requests are admitted.',
  }),
  disableDynamicPromptCache: toggle(false, {
    flags: ['disable_dynamic_prompt_cache', 'no-radix'],
    doc: 'Turn the radix prefix cache off.',
  }),
  overlap: toggle(true, {
    flags: ['no-overlap'],
    doc: 'Read each step’s tokens back before launching the next step.',
  }),
  fusion: toggle(true, {
    flags: ['no-fusion'],
    doc: 'Run every op by itself, also where one kernel does several: the same text, slower.',
  }),
  deterministic: toggle(false, {
    flags: ['deterministic'],
    doc: 'On GPUs: the same bits for a request whoever runs beside it, with slower prompts; on lavapipe it is always so.',
  }),
  tieredStart: toggle(true, {
    flags: ['no-tiered-start'],
    doc: 'Compile every kernel before the first answer, where lavapipe has not yet; otherwise the faster ones follow.',
  }),
  matrixUnits: toggle(true, {
    flags: ['no-matrix-units'],
    doc: 'Multiply in f32 throughout: the matrix units of a GPU round what they multiply to f16.',
  }),
  autotune: toggle(true, {
    flags: ['no-autotune'],
    doc: 'Take the kernels of the table for all products; else the fastest on this GPU, measured once in up to 25 s.',
  }),
  lora: texts('name=path', {
    flags: ['lora', 'lora_modules'],
    doc: 'LoRA adapter that requests name as their model: a directory of peft or a .gguf file; may be repeated.',
  }),
  enableLora: toggle(false, {
    flags: ['enable_lora'],
    doc: 'Make room for adapters that are loaded later (/v1/load_lora_adapter); --lora does so too.',
  }),
  maxLoras: number<number | null>(
    null,
    { min: 1, max: 1024 },
    {
      flags: ['max_loras'],
      doc: 'Adapters on the device at a time; the others wait in host memory. Default 8, or 1 for the adapter for tools alone.',
    },
  ),
  maxLoraRank: number<number | null>(
    null,
    { min: 1, max: 512 },
    {
      flags: ['max_lora_rank'],
      doc: 'Highest rank of an adapter; default the highest of those given with --lora, at least 16.',
    },
  ),
  loraMerge: text(null, 'path', {
    flags: ['lora_merge'],
    doc: 'LoRA adapter that is added to the weights: everything is computed with it. Integer weights become int8.',
  }),
  stepTimeout: number(
    200,
    { min: 1 },
    {
      flags: ['step_timeout'],
      doc: 'Seconds without a finished step, with requests open, after which the engine counts as hung and is rebuilt.',
    },
  ),
  profile: text(null, 'file', {
    flags: ['profile'],
    doc: 'Write a trace of host and device there when the engine ends (docs/profiling.md); steps are slower meanwhile.',
  }),
  gpuValidation: toggle(false, {
    flags: ['gpu_validation'],
    doc: 'Dawn checks its shaders, and they check their indices (slower).',
  }),
};
export type EngineConfig = ConfigOf<typeof engineSettings>;
export const defaultEngineConfig: EngineConfig = defaultsOf(engineSettings);

/** How tokens are drawn where a request does not say; null leaves a value to what the model wants. */
const samplingSettings = {
  temperature: number<number | null>(
    null,
    { min: 0, max: 2, integer: false },
    { flags: ['temperature', 'temp'], doc: '0 is greedy; default what the model wants.' },
  ),
  topP: number<number | null>(
    null,
    { min: 0, max: 1, integer: false },
    { flags: ['top_p'], doc: 'Nucleus sampling; 1 is off.' },
  ),
  topK: number<number | null>(null, { min: -1 }, { flags: ['top_k'], doc: '-1 is off.' }),
  minP: number<number | null>(
    null,
    { min: 0, max: 1, integer: false },
    { flags: ['min_p'], doc: 'Least probability, as a share of the likeliest token’s; 0 is off.' },
  ),
  repetitionPenalty: number<number | null>(
    null,
    { min: 0.01, max: 2, integer: false },
    { flags: ['repetition_penalty', 'repeat_penalty'], doc: 'Divides positive logits of tokens seen; 1 is off.' },
  ),
  samplingDefaults: choice<'model' | 'openai'>('model', ['model', 'openai'], {
    flags: ['sampling_defaults'],
    doc: 'What holds where neither request nor flag says: what the model wants, or OpenAI’s (temperature 1, nothing cut).',
  }),
};
export type SamplingConfig = ConfigOf<typeof samplingSettings>;

/** What the HTTP server needs. Times are seconds, sizes bytes. */
export const serverSettings = {
  host: text('127.0.0.1', 'address', { flags: ['host'], doc: 'Address to listen on; loopback unless said otherwise.' }),
  port: number(8000, { min: 0, max: 65535 }, { flags: ['port'], doc: 'Port to listen on; 0 picks a free one.' }),
  tp: number(1, { min: 1, max: 1 }, { flags: ['tp'], doc: 'Tensor parallelism: one device, so only 1.' }),
  servedModelName: texts('name', {
    flags: ['served_model_name', 'model_name'],
    doc: 'Names the model answers to; default the file or directory name.',
  }),
  apiKeys: texts('key', {
    flags: ['api_key'],
    doc: 'Keys of which clients must send one as a bearer token; others see them in the process list: better use --api_key_file.',
  }),
  apiKeyFile: text(null, 'file', {
    flags: ['api_key_file'],
    doc: 'File with such keys, one a line. One more may be in the environment as DAWNLIGHT_API_KEY.',
  }),
  corsOrigins: texts('origin', {
    flags: ['cors', 'cors_origins'],
    doc: 'Origins whose pages may call, or *; those on localhost always may.',
  }),
  allowedHosts: texts('host', {
    flags: ['allowed_hosts'],
    doc: 'Names by which clients may call the server, or *; default any with a key or off loopback, else localhost only.',
  }),
  toolCallParser: text(null, 'name', {
    flags: ['tool_call_parser'],
    doc: 'Format of the model’s tool calls; guessed from the chat template when not given.',
  }),
  reasoningParser: text(null, 'name', {
    flags: ['reasoning_parser'],
    doc: 'Format of the model’s reasoning, split into reasoning_content (qwen3, deepseek-r1, …).',
  }),
  chatTemplate: text(null, 'file', {
    flags: ['chat_template'],
    doc: 'Jinja file used instead of the model’s own chat template.',
  }),
  toolsAdapter: toggle(true, {
    flags: ['no_tools_adapter'],
    doc: 'Answer requests with tools without the adapter that this package brings for the default model.',
  }),
  embeddingPooling: choice<'mean' | 'last'>('mean', ['mean', 'last'], {
    flags: ['embedding_pooling'],
    doc: 'What /v1/embeddings takes of a text’s hidden states: their mean, or the last token’s.',
  }),
  ...samplingSettings,
  useTgiApi: toggle(false, {
    flags: ['use_tgi_api'],
    doc: '/generate and /generate_stream speak text-generation-inference’s form.',
  }),
  textWorkers: number(
    1,
    { min: 1, max: 64 },
    {
      flags: ['text_workers'],
      doc: 'Processes that tokenize and render the chat template, off the HTTP thread.',
    },
  ),
  textTimeout: number(
    10,
    { min: 1, max: 3600 },
    {
      flags: ['text_timeout'],
      doc: 'Seconds that tokenizing and the chat template may take for one request; more is answered with 400.',
    },
  ),
  bodyLimit: number(
    16 * 1024 * 1024,
    { min: 1024 },
    {
      flags: ['body_limit'],
      doc: 'Largest request body in bytes; more is answered with 413.',
    },
  ),
  bodyMemory: number(
    128 * 1024 * 1024,
    { min: 64 * 1024 },
    {
      flags: ['body_memory'],
      doc: 'Bytes that the bodies of all requests may take together; more is answered with 503.',
    },
  ),
  requestTimeout: number(
    60,
    { min: 1, max: 3600 },
    {
      flags: ['request_timeout'],
      doc: 'Seconds in which a client must have sent its whole request.',
    },
  ),
  queueTimeout: number<number | null>(
    null,
    { min: 1 },
    {
      flags: ['queue_timeout'],
      doc: 'Seconds a request may wait before it is answered with 503; default no limit.',
    },
  ),
  readerTimeout: number(
    120,
    { min: 1, max: 3600 },
    {
      flags: ['reader_timeout'],
      doc: 'Seconds a streaming client may stop reading before it is cut off.',
    },
  ),
  logRequests: toggle(true, {
    flags: ['no-log-requests', 'disable_log_requests'],
    doc: 'Write no line to stderr when a request ends.',
  }),
  drainTimeout: number(
    30,
    { min: 0, max: 3600 },
    {
      flags: ['drain_timeout'],
      doc: 'Seconds running requests get to finish after SIGTERM.',
    },
  ),
};
export type ServerConfig = ConfigOf<typeof serverSettings>;
export const defaultServerConfig: ServerConfig = defaultsOf(serverSettings);

const requestSettings = {
  maxTokens: number<number | null>(
    null,
    { min: 1 },
    { flags: ['max_tokens'], doc: 'Longest answer; default the rest of the context.' },
  ),
  seed: number<number | null>(null, { min: 0 }, { flags: ['seed'], doc: 'Same seed, same text.' }),
  ...samplingSettings,
};
export type RequestConfig = ConfigOf<typeof requestSettings>;

/** `inspect` plans as `serve` does. */
export const inspectSettings = { toolsAdapter: serverSettings.toolsAdapter };

export const generateSettings = {
  prompt: text(null, 'text', { flags: ['prompt'], doc: 'Text to continue; default what comes through a pipe.' }),
  ...requestSettings,
};
export type GenerateConfig = ConfigOf<typeof generateSettings>;

export const chatSettings = {
  system: text(null, 'text', { flags: ['system'], doc: 'System message.' }),
  ...requestSettings,
};
export type ChatConfig = ConfigOf<typeof chatSettings>;

/** The engine's settings with what makes an exam exact where nothing else is said. */
export const examEngineSettings = {
  ...engineSettings,
  activationDtype: { ...engineSettings.activationDtype, default: 'f32' },
  kvCacheDtype: { ...engineSettings.kvCacheDtype, default: 'f32' },
  matrixUnits: { ...engineSettings.matrixUnits, default: false },
} satisfies typeof engineSettings;

/** What `exam` needs besides. */
export const examSettings = {
  expected: text(null, 'file', {
    flags: ['expected'],
    doc: 'What transformers answered: scripts/make-exam.py makes it.',
  }),
  tolerance: number(
    2e-3,
    { min: 0, integer: false },
    { flags: ['tolerance'], doc: 'How far a log-probability may be off.' },
  ),
};
export type ExamConfig = ConfigOf<typeof examSettings>;

/** What `parse` needs. */
export const parseSettings = {
  toolCallParser: text(null, 'name', { flags: ['tool_call_parser'], doc: 'Format of the tool calls in the text.' }),
  tools: text(null, 'file', {
    flags: ['tools'],
    doc: 'JSON array of tools, as in a request: their schemas type arguments.',
  }),
  chunk: number(
    null,
    { min: 1 },
    { flags: ['chunk'], doc: 'Feed the parser so many characters at a time; default all.' },
  ),
};
export type ParseConfig = ConfigOf<typeof parseSettings>;
