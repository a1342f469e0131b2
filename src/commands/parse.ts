/** `dawnlight parse --tool_call_parser NAME`: what a model wrote, on stdin → the message that chat would answer, as JSON. */
import { readFileSync } from 'node:fs';
import { text as readText } from 'node:stream/consumers';
import { z } from 'zod';
import type { ParseConfig } from '../config.ts';
import { EngineError } from '../errors.ts';
import { toolSchema } from '../server/apis/schema/tools.ts';
import { createToolCallParser } from '../text/tool-calls/create-parser.ts';
import type { Delta, ToolDefinition } from '../text/tool-calls/types.ts';

interface Message {
  role: 'assistant';
  content: string | null;
  tool_calls?: { id: string; type: 'function'; function: { name: string; arguments: string } }[];
}

/** @throws EngineError bad_flag for an unknown parser or an unreadable file of tools */
export async function parse(settings: ParseConfig): Promise<void> {
  if (settings.toolCallParser === null) {
    throw new EngineError('bad_flag', '--tool_call_parser: name the format', { param: '--tool_call_parser' });
  }
  const parser = createToolCallParser(settings.toolCallParser, readTools(settings.tools));
  const message: Message = { role: 'assistant', content: null };
  for (const chunk of chunks(await readText(process.stdin), settings.chunk ?? Infinity))
    add(message, parser.push(chunk));
  add(message, parser.end('eos'));
  process.stdout.write(`${JSON.stringify(message, null, 2)}\n`);
}

function readTools(path: string | null): readonly ToolDefinition[] {
  if (path === null) return [];
  try {
    return z.array(toolSchema).parse(JSON.parse(readFileSync(path, 'utf8')));
  } catch (cause) {
    const reason = cause instanceof z.ZodError ? z.prettifyError(cause) : (cause as Error).message;
    throw new EngineError('bad_flag', `--tools: ${path} is not a JSON array of tools: ${reason}`, {
      param: '--tools',
      cause,
    });
  }
}

/** By whole characters, as a decoder gives them. */
function* chunks(text: string, size: number): Generator<string> {
  const characters = [...text];
  for (let at = 0; at < characters.length; at += size) yield characters.slice(at, at + size).join('');
}

function add(message: Message, delta: Delta | null): void {
  if (delta?.content !== undefined) message.content = (message.content ?? '') + delta.content;
  for (const { index, id = '', name = '', arguments: text = '' } of delta?.toolCalls ?? []) {
    const calls = (message.tool_calls ??= []);
    const call = (calls[index] ??= { id, type: 'function', function: { name, arguments: '' } });
    call.function.arguments += text;
  }
}
