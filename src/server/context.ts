/** What every route needs: the engine, the tokenizer and the settings. Made once at start-up. */
import type { ServerConfig } from '../config.ts';
import type { EngineClient, SamplingParams } from '../engine/types.ts';
import type { Tokenizer } from '../tokenizer/tokenizer.ts';
import type { Metrics } from './metrics.ts';
import type { Tool } from './protocol/tools.ts';
import type { RequestRegistry } from './request-registry.ts';
import type { ToolCallParser } from './tool-calls/types.ts';

/** A message as chat templates expect it: string content, tool-call arguments parsed. */
export interface TemplateMessage {
  role: string;
  content: string;
  name?: string;
  reasoning_content?: string;
  tool_calls?: { id: string; type: 'function'; function: { name: string; arguments: unknown } }[];
  tool_call_id?: string;
}

/** A compiled chat template: variables → prompt text. */
export interface ChatTemplate {
  /** Jinja source: what the template knows (tools, roles, thinking) is seen from it. */
  readonly source: string;
  render(variables: Readonly<Record<string, unknown>>): string;
}

export interface ServerContext {
  readonly engine: EngineClient;
  readonly tokenizer: Tokenizer;
  /** null when the model has no chat template: chat is then refused with 400. */
  readonly chatTemplate: ChatTemplate | null;
  readonly settings: ServerConfig;
  /** Names under which the model answers; the first is shown in responses that name none. */
  readonly modelNames: readonly string[];
  /** The model's own generation_config.json values, between the request's and the library's defaults. */
  readonly samplingDefaults: Partial<SamplingParams>;
  /** Makes a parser for the model's tool-call format. */
  createToolCallParser(tools: readonly Tool[]): ToolCallParser;
  readonly reasoningParser: string | null;
  readonly requests: RequestRegistry;
  readonly metrics: Metrics;
  /** Unix seconds. */
  readonly startedAt: number;
}
