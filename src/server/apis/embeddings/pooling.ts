/** Prompts that are run without generating: embeddings and scores. */
import { EngineError } from '../../../errors.ts';
import { defaultSamplingParams, type PooledOutput, type Pooling } from '../../../engine/core/types.ts';
import type { ServerContext } from '../../http/context.ts';
import { follow } from '../../http/request-signal.ts';

/** So many prompts of one call are in the engine at a time: a long list must not fill the queue that others wait in. */
const AT_ONCE = 32;
const params = { ...defaultSamplingParams, maxTokens: 0 };

interface PoolOptions {
  readonly pooling: Pooling;
  readonly id: string;
  readonly signal: AbortSignal;
  /** Name of the adapter that they are computed with. */
  readonly adapter?: string | undefined;
}

/** One result for each prompt, in order. The first failure ends the others. */
export async function poolAll(
  ctx: ServerContext,
  prompts: readonly (readonly number[])[],
  options: PoolOptions,
): Promise<PooledOutput[]> {
  const stop = new AbortController();
  const unfollow = follow(options.signal, stop);
  const { signal } = stop;
  const results: PooledOutput[] = [];
  let next = 0;
  const work = async (): Promise<void> => {
    for (let i = next++; i < prompts.length && !signal.aborted; i = next++) {
      const requestId = prompts.length === 1 ? options.id : `${options.id}-${i}`;
      results[i] = await poolOne(ctx, prompts[i], { ...options, id: requestId, signal });
    }
  };
  const workers = Array.from({ length: Math.min(AT_ONCE, prompts.length) }, work);
  try {
    await Promise.all(workers);
  } catch (error) {
    stop.abort();
    await Promise.allSettled(workers);
    throw error;
  } finally {
    unfollow();
  }
  if (options.signal.aborted) throw new EngineError('aborted', 'The client went away.');
  return results;
}

async function poolOne(
  ctx: ServerContext,
  promptIds: readonly number[],
  { pooling, id, signal, adapter }: PoolOptions,
): Promise<PooledOutput> {
  const aborter = ctx.requests.add(id);
  const unfollow = follow(signal, aborter);
  const observer = ctx.metrics.request(promptIds.length, params);
  const { queueTimeout } = ctx.settings;
  const deadline = queueTimeout === null ? {} : { deadline: Date.now() + queueTimeout * 1000 };
  try {
    const output = await ctx.engine.pool(promptIds, pooling, {
      requestId: id,
      signal: aborter.signal,
      adapter,
      ...deadline,
    });
    observer.output(0, output.usage, 'stop');
    return output;
  } finally {
    unfollow();
    observer.end();
    ctx.requests.remove(id);
  }
}

/** Tokens of all prompts, as usage counts them. */
export function pooledUsage(outputs: readonly PooledOutput[]): { prompt_tokens: number; total_tokens: number } {
  const tokens = outputs.reduce((sum, { usage }) => sum + usage.promptTokens, 0);
  return { prompt_tokens: tokens, total_tokens: tokens };
}
