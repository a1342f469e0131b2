/** The choices of one answer, side by side. */
import type { ServerContext } from '../http/context.ts';
import { follow } from '../http/request-signal.ts';
import { type ChoiceOutput, generateText } from './generate-text.ts';
import type { GenerationRequest } from './generation-request.ts';
import { merge } from './merge.ts';
import { promptOnly } from './prompt-only.ts';

/** Outputs come in the order in which they are made. One failure ends all. */
export async function* generateChoices(
  ctx: ServerContext,
  requests: readonly GenerationRequest[],
): AsyncGenerator<ChoiceOutput, void, undefined> {
  if (requests.length === 1) return yield* generate(ctx, requests[0], 0);
  const stop = new AbortController();
  // The choices of one answer have one client.
  const unfollow = follow(requests[0].signal, stop);
  const sources = requests.map((request, index) => generate(ctx, { ...request, signal: stop.signal }, index));
  try {
    yield* merge(sources);
  } finally {
    unfollow();
    stop.abort();
    await Promise.allSettled(sources.map((s) => s.return()));
  }
}

function generate(
  ctx: ServerContext,
  request: GenerationRequest,
  index: number,
): AsyncGenerator<ChoiceOutput, void, undefined> {
  return request.params.maxTokens === 0 ? promptOnly(ctx, request, index) : generateText(ctx, request, index);
}
