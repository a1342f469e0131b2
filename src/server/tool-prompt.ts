/**
 * Tools for chat templates that know none: the functions and the form of a call are described in the system message,
 * calls and results of earlier turns are written out as text. The form is Hermes' (`<tool_call>{…}</tool_call>`), the
 * one that most open models have seen in training; the `qwen25` parser reads it back.
 */
import type { TemplateMessage } from './context.ts';
import type { Tool } from './protocol/tools.ts';

/** `tools` may be null when only earlier turns used some. Roles come out as system, user and assistant alone. */
export function withToolPrompt(messages: readonly TemplateMessage[], tools: readonly Tool[] | null): TemplateMessage[] {
  const written = mergeToolResults(messages.map(writeOut));
  if (tools === null) return written;
  const prompt = describeTools(tools);
  const [first, ...rest] = written;
  if (first?.role === 'system') return [{ ...first, content: `${first.content}\n\n${prompt}` }, ...rest];
  return [{ role: 'system', content: prompt }, ...written];
}

function describeTools(tools: readonly Tool[]): string {
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

function writeOut(message: TemplateMessage): TemplateMessage {
  if (message.role === 'tool' || message.role === 'function') {
    return { role: 'user', content: `<tool_response>\n${message.content}\n</tool_response>` };
  }
  if (message.tool_calls === undefined) return message;
  const calls = message.tool_calls.map(
    (call) =>
      `<tool_call>\n${JSON.stringify({ name: call.function.name, arguments: call.function.arguments })}\n</tool_call>`,
  );
  return { role: 'assistant', content: [message.content, ...calls].filter((text) => text !== '').join('\n') };
}

/** Results of parallel calls follow each other; many templates demand that roles alternate. */
function mergeToolResults(messages: readonly TemplateMessage[]): TemplateMessage[] {
  const merged: TemplateMessage[] = [];
  const isResult = (m: TemplateMessage | undefined): boolean => m?.content.startsWith('<tool_response>') === true;
  for (const message of messages) {
    const last = merged.at(-1);
    if (last?.role === 'user' && message.role === 'user' && isResult(last) && isResult(message)) {
      merged[merged.length - 1] = { ...last, content: `${last.content}\n${message.content}` };
    } else merged.push(message);
  }
  return merged;
}
