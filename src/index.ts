/** The public API for use in-process. Everything else may change without notice. */
export { LLM, type GenerateParams, type LLMOptions, type TextChunk } from './llm.ts';
export { EngineError, type ErrorCode } from './errors.ts';
export { type EngineConfig } from './config.ts';
export { type EngineStats, type FinishReason, type SamplingParams, type Usage } from './engine/types.ts';
export { type ChatMessage } from './tokenizer/chat-template.ts';

// To change the engine: see examples/.
export { type AdmissionPolicy, type PoolLoad, type RequestLoad } from './engine/policies/policy.ts';
export { type LogitsProcessor } from './engine/logits-processors.ts';
export { type Ops } from './kernels/ops.ts';
export { type Tensor } from './tensor/tensor.ts';
export { WebGPUOps } from './kernels/webgpu-ops.ts';

export { createToolCallParser, type ToolCallParserOptions } from './server/tool-calls/create-parser.ts';
export {
  type Delta,
  type EndReason,
  type ToolCallDelta,
  type ToolCallParser,
  type ToolDefinition,
} from './server/tool-calls/types.ts';
