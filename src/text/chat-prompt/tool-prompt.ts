/**
 * Tools for chat templates that know none: the functions and the form of a call are described in the system message,
 * calls and results of earlier turns are written out as text. The form is Hermes' (`<tool_call>{…}</tool_call>`), the
 * one that most open models have seen in training; the `qwen25` parser reads it back.
 */
import type { ChatMessage, ChatMessageCall } from '../chat-template/chat-template.ts';
import type { ToolDefinition } from '../tool-calls/types.ts';

/** A message on its way into the template. */
export interface PromptMessage extends ChatMessage {
  readonly content: string | null;
  readonly tool_calls?: readonly ChatMessageCall[];
}

/** The parser that reads calls in the form described here. */
export const FALLBACK_TOOL_CALL_PARSER = 'qwen25';

/** The parser that reads calls of the adapters for tools (model/tools-adapter.ts), whatever their model's own form is. */
export const TOOLS_ADAPTER_PARSER = 'qwen25';

/** `tools` may be null when only earlier turns used some. Roles come out as system, user and assistant alone. */
export function withToolPrompt(
  messages: readonly PromptMessage[],
  tools: readonly ToolDefinition[] | null,
): PromptMessage[] {
  const written = mergeToolResults(messages.map(writeOut));
  if (tools === null) return written;
  const prompt = describeTools(tools);
  const [first, ...rest] = written;
  if (first?.role === 'system') return [{ ...first, content: `${first.content}\n\n${prompt}` }, ...rest];
  return [{ role: 'system', content: prompt }, ...written];
}

function describeTools(tools: readonly ToolDefinition[]): string {
  return [
    'You can call functions. Their signatures, one JSON object a line:',
    '<tools>',
    ...tools.map((tool) => JSON.stringify(tool)),
    '</tools>',
    'To call a function, answer with its name and arguments as JSON between tags, and nothing after them:',
    '<tool_call>\n{"name": "function_name", "arguments": {"parameter": "value"}}\n</tool_call>',
    'Use one pair of tags for each call. Without need of a function, answer in plain words.',
  ].join('\n');
}

function writeOut(message: PromptMessage): PromptMessage {
  if (message.role === 'developer') return { ...message, role: 'system' };
  if (message.role === 'tool') {
    return { role: 'user', content: `<tool_response>\n${message.content ?? ''}\n</tool_response>` };
  }
  if (message.tool_calls === undefined) return message;
  const calls = message.tool_calls.map(({ function: { name, arguments: args } }) => {
    return `<tool_call>\n{"name": ${JSON.stringify(name)}, "arguments": ${jsonText(args)}}\n</tool_call>`;
  });
  return { role: 'assistant', content: [message.content ?? '', ...calls].filter((text) => text !== '').join('\n') };
}

/** The model's own JSON as it wrote it; what is no JSON becomes a string of it. */
function jsonText(text: string): string {
  if (text === '') return '{}';
  try {
    JSON.parse(text);
    return text;
  } catch {
    return JSON.stringify(text);
  }
}

/** Results of parallel calls follow each other; many templates demand that roles alternate. */
function mergeToolResults(messages: readonly PromptMessage[]): PromptMessage[] {
  const merged: PromptMessage[] = [];
  const isResult = (m: PromptMessage): boolean =>
    m.role === 'user' && m.content?.startsWith('<tool_response>') === true;
  for (let i = 0; i < messages.length; i++) {
    const begin = i;
    while (i + 1 < messages.length && isResult(messages[begin]) && isResult(messages[i + 1])) i++;
    const run = messages.slice(begin, i + 1);
    merged.push(run.length === 1 ? run[0] : { ...run[0], content: run.map((m) => m.content).join('\n') });
  }
  return merged;
}
