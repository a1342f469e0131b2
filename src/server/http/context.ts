/** What every route needs: the engine, the tokenizer and the settings. Made once at start-up. */
import type { ServerConfig } from '../../config.ts';
import type { EngineClient, SamplingParams } from '../../engine/core/types.ts';
import type { ChatTemplate } from '../../text/chat-template/chat-template.ts';
import type { Tokenizer } from '../../text/tokenizer/tokenizer.ts';
import type { ConstraintMaker } from '../constraints/constraint-maker.ts';
import type { Metrics } from './metrics.ts';
import type { RequestRegistry } from './request-registry.ts';

export interface ServerContext {
  readonly engine: EngineClient;
  readonly tokenizer: Tokenizer;
  /** null when the model has no chat template: chat is then refused with 400. */
  readonly chatTemplate: ChatTemplate | null;
  readonly settings: ServerConfig;
  /** Names under which the model answers; the first is shown in responses that name none. */
  readonly modelNames: readonly string[];
  /** Directory or file that the model was loaded from. */
  readonly modelPath: string;
  /** Of this package. */
  readonly version: string;
  /** What holds where a request does not say, and in words where that comes from. */
  readonly samplingDefaults: Partial<SamplingParams>;
  readonly samplingSource: string;
  /** Format of the model's tool calls, a name of tool-calls/create-parser.ts. */
  readonly toolCallParser: string;
  readonly reasoningParser: string | null;
  /** Makes grammars of what requests ask their answers to be. */
  readonly constraints: ConstraintMaker;
  readonly requests: RequestRegistry;
  readonly metrics: Metrics;
  /** Unix seconds. */
  readonly startedAt: number;
}
