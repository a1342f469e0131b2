/** What every route needs: the engine, the tokenizer and the settings. Made once at start-up. */
import type { ServerConfig } from '../../config.ts';
import type { EngineClient, SamplingParams } from '../../engine/core/types.ts';
import type { AnswerFormats } from '../../text/answer/answer-formats.ts';
import type { Detokenizer } from '../../text/tokenizer/tokenizer.ts';
import type { ConstraintMaker } from '../constraints/constraint-maker.ts';
import type { TextService } from '../text-workers/text-service.ts';
import type { Metrics } from './metrics.ts';
import type { RequestRegistry } from './request-registry.ts';

export interface ServerContext {
  readonly engine: EngineClient;
  /** Ids to text; the other way is `text`'s. */
  readonly tokenizer: Detokenizer;
  /** Tokenizes, and renders the chat template, in workers. */
  readonly text: TextService;
  readonly settings: ServerConfig;
  /** Names under which the model answers; the first is shown in responses that name none. */
  readonly modelNames: readonly string[];
  /** Generations that the engine runs and lets wait together. */
  readonly maxRequests: number;
  /** Directory or file that the model was loaded from. */
  readonly modelPath: string;
  /** Of this package. */
  readonly version: string;
  /** What holds where a request does not say, and in words where that comes from. */
  readonly samplingDefaults: Partial<SamplingParams>;
  readonly samplingSource: string;
  /** Name of the adapter that requests with tools are computed with; null where there is none. */
  readonly toolsAdapter: string | null;
  /** Of the model's tool calls and reasoning. */
  readonly formats: AnswerFormats;
  /** Makes grammars of what requests ask their answers to be. */
  readonly constraints: ConstraintMaker;
  readonly requests: RequestRegistry;
  readonly metrics: Metrics;
  /** Unix seconds. */
  readonly startedAt: number;
}
