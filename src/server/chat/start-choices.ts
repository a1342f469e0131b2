/** Choices behind a status line: what they are refused for is known before it is sent. */
import type { ServerContext } from '../http/context.ts';
import { generateChoices } from './choices.ts';
import type { ChoiceOutput } from './generate-text.ts';
import type { GenerationRequest } from './generation-request.ts';

/**
 * The choices, once the engine has taken all of them: what they are refused for (queue full, an unusable grammar) is then
 * answered with its HTTP status, never inside a stream that has begun with 200.
 */
export async function startChoices(
  ctx: ServerContext,
  requests: readonly GenerationRequest[],
): Promise<AsyncGenerator<ChoiceOutput, void, undefined>> {
  let [waiting, accept] = [requests.length, (): void => undefined];
  const accepted = new Promise<void>((resolve) => (accept = resolve));
  const onAccepted = (): void => void (--waiting === 0 && accept());
  const source = generateChoices(
    ctx,
    requests.map((request) => ({ ...request, onAccepted })),
  );
  // Some may have news before the others are taken.
  const early: ChoiceOutput[] = [];
  let next = source.next();
  for (let result; (result = await Promise.race([next, accepted])) !== undefined && result.done !== true;) {
    early.push(result.value);
    next = source.next();
  }
  next.catch(() => undefined); // it is met by who reads on
  return (async function* () {
    try {
      yield* early;
      for (let result = await next; result.done !== true; result = await source.next()) yield result.value;
    } finally {
      await source.return();
    }
  })();
}
