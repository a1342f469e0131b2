/** Parsers by name. The names are vLLM's, SGLang's and LightLLM's. */
import { EngineError } from '../../errors.ts';
import { CallWatch } from './call-watch.ts';
import { parseCalls } from './parse-calls.ts';
import { deepseekV3 } from './parsers/deepseek-v3.ts';
import { deepseekV31 } from './parsers/deepseek-v31.ts';
import { deepseekV32 } from './parsers/deepseek-v32.ts';
import { functionGemma } from './parsers/functiongemma.ts';
import { gemma4 } from './parsers/gemma4.ts';
import { glm45 } from './parsers/glm45.ts';
import { glm47 } from './parsers/glm47.ts';
import { granite } from './parsers/granite.ts';
import { kimiK2 } from './parsers/kimi-k2.ts';
import { llamaPythonic } from './parsers/llama-pythonic.ts';
import { llama3 } from './parsers/llama3.ts';
import { mistral } from './parsers/mistral.ts';
import { phi4Mini } from './parsers/phi4-mini.ts';
import { qwen25 } from './parsers/qwen25.ts';
import { qwen3Coder } from './parsers/qwen3-coder.ts';
import { xlam } from './parsers/xlam.ts';
import type { ToolCallFormat } from './tool-call-format.ts';
import type { ToolCallParser, ToolDefinition } from './types.ts';

const formats = {
  qwen25,
  hermes: qwen25,
  llama3,
  llama_pythonic: llamaPythonic,
  mistral,
  qwen3_coder: qwen3Coder,
  deepseek_v3: deepseekV3,
  deepseek_v31: deepseekV31,
  deepseek_v32: deepseekV32,
  glm45,
  glm47,
  kimi_k2: kimiK2,
  gemma4,
  functiongemma: functionGemma,
  phi4_mini: phi4Mini,
  granite,
  granite4: qwen25, // Hermes' tags; arguments may be a JSON string, which all JSON formats read
  xlam,
} as const satisfies Record<string, ToolCallFormat>;

export type ToolCallParserName = keyof typeof formats;

export const toolCallParserNames = Object.keys(formats) as readonly ToolCallParserName[];

export interface ToolCallParserOptions {
  /** Calls in the conversation so far: ids that count (Kimi's) go on from there. */
  readonly priorCalls?: number;
  /** Tags that may close a call besides the format's own: a model that calls while it thinks closes its thoughts behind. */
  readonly alsoClosing?: readonly string[];
}

/**
 * A streaming parser of one family's tool calls.
 * @param tools the request's tools: their schemas type the arguments of formats that write bare text.
 * @throws EngineError bad_flag for an unknown name.
 */
export function createToolCallParser(
  name: string,
  tools?: readonly ToolDefinition[] | null,
  options: ToolCallParserOptions = {},
): ToolCallParser {
  const format = toolCallFormat(name);
  const { priorCalls = 0, alsoClosing = [] } = options;
  const make = (call: string, index: number): string => format.ids.make(call, priorCalls + index);
  return parseCalls(format, tools ?? [], { make, valid: format.ids.valid }, alsoClosing);
}

/** Brackets and fences stand in any text: only longer tags are looked at. */
const shortestMark = 4;

/** Finds calls where text is no answer yet; null for a format without tags of its own. */
export function watchCalls(name: string, tools: readonly ToolDefinition[]): CallWatch | null {
  const marks = Object.keys(toolCallFormat(name).tags).filter((tag) => tag.length >= shortestMark);
  return marks.length === 0 ? null : new CallWatch(marks, () => createToolCallParser(name, tools));
}

/** @throws EngineError bad_flag for an unknown name */
export function toolCallFormat(name: string): ToolCallFormat {
  if (Object.hasOwn(formats, name)) return formats[name as ToolCallParserName];
  throw new EngineError(
    'bad_flag',
    `--tool_call_parser: there is no parser '${name}'; there are ${toolCallParserNames.join(', ')}`,
    { param: 'tool_call_parser' },
  );
}
