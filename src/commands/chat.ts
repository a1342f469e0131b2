/** `dawnlight chat`: a conversation in the terminal, or its questions line by line on stdin. */
import { createInterface, type Interface } from 'node:readline';
import type { ChatConfig, EngineConfig, ServerConfig } from '../config.ts';
import { EngineError } from '../errors.ts';
import { promptLimit } from '../server/chat/prompt-limits.ts';
import type { ServerContext } from '../server/http/context.ts';
import type { ChatMessage } from '../server/apis/schema/messages.ts';
import { loadContext } from './load.ts';
import { streamToTerminal } from './local-request.ts';

export async function chat(engineConfig: EngineConfig, server: ServerConfig, settings: ChatConfig): Promise<void> {
  const ctx = await loadContext(engineConfig, { ...server, toolsAdapter: false });
  try {
    if (!ctx.text.hasChatTemplate)
      throw new EngineError('unsupported_model', `${ctx.modelNames[0]} has no chat template: use \`generate\``);
    process.stderr.write(`${ctx.modelNames[0]} on ${ctx.engine.info.adapter}\n`);
    await converse(ctx, settings);
  } finally {
    await ctx.engine.close();
  }
}

async function converse(ctx: ServerContext, settings: ChatConfig): Promise<void> {
  const terminal = createInterface({ input: process.stdin, output: process.stdout, terminal: process.stdin.isTTY });
  // Keeps what is typed, or comes through a pipe, while an answer is written.
  const lines = terminal[Symbol.asyncIterator]();
  // A prompt would open the input again.
  let atTerminal = process.stdin.isTTY;
  terminal.once('close', () => (atTerminal = false));
  const messages: ChatMessage[] = settings.system === null ? [] : [{ role: 'system', content: settings.system }];
  if (atTerminal) process.stderr.write('Ctrl-C stops an answer, Ctrl-D ends.\n');
  while (process.stdout.writable) {
    if (atTerminal) terminal.prompt();
    const line = (await lines.next()) as IteratorResult<string, undefined>;
    if (line.done) break;
    const question = line.value;
    if (question.trim() === '') continue;
    messages.push({ role: 'user', content: question });
    try {
      messages.push({ role: 'assistant', content: await answer(ctx, messages, settings, terminal) });
    } catch (error) {
      if (!(error instanceof EngineError) || error.code !== 'context_length_exceeded') throw error;
      messages.pop();
      process.stderr.write(`${error.message} The conversation is as before.\n`);
    }
  }
  if (process.stdin.isTTY) process.stdout.write('\n');
}

async function answer(
  ctx: ServerContext,
  messages: ChatMessage[],
  settings: ChatConfig,
  terminal: Interface,
): Promise<string> {
  const abort = new AbortController();
  const stop = (): void => abort.abort();
  terminal.on('SIGINT', stop);
  // Ctrl-D; the end of a pipe ends nothing that was asked before.
  if (process.stdin.isTTY) terminal.on('close', stop);
  try {
    const options = { limit: promptLimit(ctx), param: 'messages', signal: abort.signal };
    const { ids } = await ctx.text.chatPrompt({ messages }, null, options);
    return await streamToTerminal(ctx, ids, settings, abort.signal);
  } finally {
    terminal.off('SIGINT', stop);
    terminal.off('close', stop);
  }
}
