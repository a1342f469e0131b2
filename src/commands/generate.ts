/** `dawnlight generate`: one continuation of `--prompt`, or of what comes through a pipe, streamed to the terminal. */
import { text as readText } from 'node:stream/consumers';
import { defaultServerConfig, type EngineConfig, type GenerateConfig } from '../config.ts';
import { EngineError } from '../errors.ts';
import { loadContext } from './load.ts';
import { streamToTerminal } from './local-request.ts';

export async function generate(engineConfig: EngineConfig, settings: GenerateConfig): Promise<void> {
  const prompt = settings.prompt ?? (process.stdin.isTTY ? '' : await readText(process.stdin));
  if (prompt === '')
    throw new EngineError('bad_flag', '--prompt: give the text to continue, or pipe it in', { param: '--prompt' });
  const ctx = await loadContext(engineConfig, { ...defaultServerConfig, ...settings });
  try {
    await streamToTerminal(ctx, ctx.tokenizer.encode(prompt), settings, new AbortController().signal, prompt);
  } finally {
    await ctx.engine.close();
  }
}
