/** Which parser a model needs, from the tags in its chat template. */
import type { ToolCallParserName } from './create-parser.ts';

interface ParserGuess {
  readonly name: ToolCallParserName;
  /** What in the template says so, for the log. */
  readonly why: string;
}

type Rule = readonly [name: ToolCallParserName, mark: string, alsoNeeds?: string];

/** The first rule whose marks are all in the template wins, so a family's own tags stand before those that several share. */
const rules: readonly Rule[] = [
  ['deepseek_v32', '<｜DSML｜'],
  ['deepseek_v3', '<｜tool▁call▁begin｜>', '```json'],
  ['deepseek_v31', '<｜tool▁call▁begin｜>'],
  ['kimi_k2', '<|tool_call_begin|>'],
  ['functiongemma', '<start_function_call>'],
  ['granite4', '<|start_of_role|>', '</tool_call>'],
  ['granite', '<|start_of_role|>', 'tool_call'],
  ['granite', '<|tool_call|>'],
  ['gemma4', '<|tool_call>'],
  ['glm45', '<arg_key>', '\n<arg_key>'],
  ['glm45', '<arg_key>', '\\n<arg_key>'],
  ['glm47', '<arg_key>'],
  ['qwen3_coder', '<function='],
  ['mistral', '[TOOL_CALLS]'],
  ['llama_pythonic', '<|python_start|>'],
  ['llama3', '<|python_tag|>'],
  ['llama3', '<|start_header_id|>', '"parameters"'],
  ['phi4_mini', '<|tool|>'],
  ['phi4_mini', 'functools['],
  ['qwen25', '<tool_call>'],
  ['xlam', '[{"name":', '"arguments"'],
];

/** null when the template knows no tools, or writes calls in no form we have a parser for. */
export function guessToolCallParser(template: string): ParserGuess | null {
  const rule = rules.find(([, mark, also = mark]) => template.includes(mark) && template.includes(also));
  if (rule === undefined) return null;
  return { name: rule[0], why: `the chat template has ${JSON.stringify(rule[1])}` };
}
