/** `dawnlight chat`: a conversation in the terminal. Ctrl-C ends an answer, at the prompt it ends the program. */
import { createInterface } from 'node:readline/promises';
import type { EngineConfig, GenerateConfig, ServerConfig } from '../config.ts';
import { EngineError } from '../errors.ts';
import { buildChatPrompt } from '../server/chat-prompt.ts';
import type { ChatMessage } from '../server/protocol/messages.ts';
import { loadContext } from './load.ts';
import { streamToTerminal } from './local-request.ts';

export async function chat(engineConfig: EngineConfig, server: ServerConfig, settings: GenerateConfig): Promise<void> {
  const ctx = await loadContext(engineConfig, server);
  const terminal = createInterface({ input: process.stdin, output: process.stdout });
  const messages: ChatMessage[] = settings.system === null ? [] : [{ role: 'system', content: settings.system }];
  process.stderr.write(`${ctx.modelNames[0]} on ${ctx.engine.info.adapter}. Empty line or Ctrl-D ends.\n`);
  try {
    for (;;) {
      const question = await ask(terminal);
      if (question === null || question.trim() === '') return;
      messages.push({ role: 'user', content: question });
      const { ids } = buildChatPrompt(ctx, { messages }, null);
      const abort = new AbortController();
      const stop = (): void => abort.abort();
      terminal.on('SIGINT', stop);
      try {
        messages.push({ role: 'assistant', content: await streamToTerminal(ctx, ids, settings, abort.signal) });
      } catch (error) {
        if (!(error instanceof EngineError) || error.code !== 'aborted') throw error;
        messages.pop();
        process.stdout.write('\n[stopped]\n');
      } finally {
        terminal.off('SIGINT', stop);
      }
    }
  } finally {
    terminal.close();
    await ctx.engine.close();
  }
}

/** The next line; null at the end of input. */
async function ask(terminal: ReturnType<typeof createInterface>): Promise<string | null> {
  const closed = new Promise<null>((resolve) => terminal.once('close', () => resolve(null)));
  return Promise.race([terminal.question('> '), closed]);
}
