/** The public API for use in-process. Everything else may change without notice. */
export { LLM, type LLMOptions } from './llm/llm.ts';
export {
  type ChatChunk,
  type ChatParams,
  type GenerateParams,
  type StructuredOutputs,
  type TextChunk,
} from './llm/params.ts';
export { EngineError, type ErrorCode } from './errors.ts';
export { type EngineConfig } from './config.ts';
export { type EngineStats, type FinishReason, type SamplingParams, type Usage } from './engine/core/types.ts';
export { type ChatMessage } from './text/chat-template/chat-template.ts';

// To change the engine: see examples/.
export { type AdmissionPolicy, type PoolLoad, type RequestLoad } from './engine/scheduling/policies/policy.ts';
export { type LogitsProcessor } from './engine/running/logits-processors.ts';
export { type Ops } from './kernels/ops.ts';
export { type Tensor } from './tensor/tensor.ts';
export { WebGPUOps } from './kernels/webgpu-ops.ts';

export { createToolCallParser, type ToolCallParserOptions } from './text/tool-calls/create-parser.ts';
export {
  type Delta,
  type EndReason,
  type ToolCallDelta,
  type ToolCallParser,
  type ToolDefinition,
} from './text/tool-calls/types.ts';
