/** Generation in the terminal: streams one answer to stdout and says how fast it came. */
import { randomUUID } from 'node:crypto';
import type { RequestConfig } from '../config.ts';
import { EngineError } from '../errors.ts';
import type { ServerContext } from '../server/http/context.ts';
import { generateChoices } from '../server/chat/choices.ts';
import { generationRequests } from '../server/chat/generation-request.ts';
import { fitPrompt } from '../server/chat/prompt-limits.ts';
import { toSamplingParams } from '../server/chat/sampling-params.ts';
import { writeForeign, type Output } from './terminal-text.ts';

interface Terminal {
  readonly stdout: Output;
  readonly stderr: Pick<Output, 'write'>;
}

/**
 * Streams `before` and the continuation of `ids` to stdout; returns the latter, as far as it got when `signal` fires or
 * nobody reads stdout any more.
 */
export async function streamToTerminal(
  ctx: ServerContext,
  ids: readonly number[],
  settings: Pick<RequestConfig, 'maxTokens' | 'seed'>,
  signal: AbortSignal,
  before = '',
  { stdout, stderr }: Terminal = process,
): Promise<string> {
  const room = fitPrompt(ctx, ids, {
    maxTokens: settings.maxTokens ?? undefined,
    truncate: undefined,
    param: 'prompt',
  });
  // The other settings are the context's own defaults.
  const fields = { seed: settings.seed ?? undefined };
  const unread = new AbortController();
  const onUnread = (): void => unread.abort();
  const params = toSamplingParams(ctx, fields, { maxTokens: room.maxTokens, logprobs: null });
  const requests = generationRequests({
    id: randomUUID(),
    prompts: [{ promptIds: room.promptIds, params }],
    signal: AbortSignal.any([signal, unread.signal]),
    adapter: theAdapter(ctx),
  });
  const started = performance.now();
  let [text, tokens, firstAt] = ['', 0, started];
  stdout.once('error', onUnread);
  writeForeign(stdout, before);
  try {
    for await (const output of generateChoices(ctx, requests)) {
      if (tokens === 0) firstAt = performance.now();
      writeForeign(stdout, output.text);
      text += output.text;
      tokens = output.usage.completionTokens;
    }
  } catch (error) {
    if (!(error instanceof EngineError) || error.code !== 'aborted') throw error;
  } finally {
    stdout.off('error', onUnread);
  }
  stdout.write(signal.aborted ? '\n[stopped]\n' : '\n');
  stderr.write(`${speed(room.promptIds.length, tokens, firstAt - started, performance.now() - firstAt)}\n`);
  return text;
}

/** The one that was given. @throws EngineError bad_flag */
function theAdapter(ctx: ServerContext): string | undefined {
  const [adapter, ...others] = ctx.engine.adapters();
  if (others.length > 0)
    throw new EngineError('bad_flag', '--lora: give one adapter, with which everything is computed');
  return adapter?.name;
}

/** Times in milliseconds. The first token belongs to the prompt's time. */
function speed(promptTokens: number, tokens: number, firstMs: number, restMs: number): string {
  const rate = restMs > 0 && tokens > 1 ? `${(((tokens - 1) * 1000) / restMs).toFixed(1)} tok/s` : 'one step';
  return `[${promptTokens} prompt tokens, first token after ${(firstMs / 1000).toFixed(2)} s; ${tokens} tokens, ${rate}]`;
}
