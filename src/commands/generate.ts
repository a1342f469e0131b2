/** `dawnlight generate`: one continuation of `--prompt`, or of what comes through a pipe, streamed to the terminal. */
import { text as readText } from 'node:stream/consumers';
import { defaultServerConfig, type EngineConfig, type GenerateConfig } from '../config.ts';
import { EngineError } from '../errors.ts';
import { promptLimit } from '../server/chat/prompt-limits.ts';
import { loadContext } from './load.ts';
import { streamToTerminal } from './local-request.ts';

export async function generate(engineConfig: EngineConfig, settings: GenerateConfig): Promise<void> {
  const prompt = settings.prompt ?? (process.stdin.isTTY ? '' : await readText(process.stdin));
  if (prompt === '')
    throw new EngineError('bad_flag', '--prompt: give the text to continue, or pipe it in', { param: '--prompt' });
  const ctx = await loadContext(engineConfig, { ...defaultServerConfig, ...settings, toolsAdapter: false });
  try {
    const { signal } = new AbortController();
    const options = { addSpecialTokens: true, limit: promptLimit(ctx), signal };
    const [ids] = await ctx.text.encode([{ text: prompt, param: 'prompt' }], options);
    await streamToTerminal(ctx, ids, settings, signal, prompt);
  } finally {
    await ctx.engine.close();
  }
}
