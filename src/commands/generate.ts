/** `dawnlight generate --prompt TEXT`: one continuation, streamed to the terminal. */
import { defaultServerConfig, type EngineConfig, type GenerateConfig } from '../config.ts';
import { EngineError } from '../errors.ts';
import { loadContext } from './load.ts';
import { streamToTerminal } from './local-request.ts';

export async function generate(engineConfig: EngineConfig, settings: GenerateConfig): Promise<void> {
  const { prompt } = settings;
  if (prompt === null) throw new EngineError('bad_flag', '--prompt: give the text to continue', { param: '--prompt' });
  const ctx = await loadContext(engineConfig, defaultServerConfig);
  try {
    process.stdout.write(prompt);
    await streamToTerminal(ctx, ctx.tokenizer.encode(prompt), settings, new AbortController().signal);
  } finally {
    await ctx.engine.close();
  }
}
