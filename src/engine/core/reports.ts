/** Requests turned into the events that leave the engine. */
import { EngineError } from '../../errors.ts';
import { toErrorMessage, type EngineEvent, type ErrorMessage, type RequestReport } from '../client/messages.ts';
import type { EngineRequest } from './engine-request.ts';

/** What is new of a request since its last event; null when nothing is. */
export function outputEvent(request: EngineRequest): EngineEvent | null {
  const tokenIds = request.tokenIds.slice(request.emitted);
  if (tokenIds.length === 0 && request.finishReason === null) return null;
  request.emitted = request.tokenIds.length;
  const logprobs = request.params.logprobs === null ? null : request.unsentLogprobs;
  request.unsentLogprobs = [];
  const { id: requestId, finishReason, stopTokenId, usage } = request;
  const error = finishReason === 'error' && request.error ? toErrorMessage(request.error) : null;
  const promptLogprobs = request.promptScorer?.take() ?? null;
  const pooled = finishReason === 'stop' ? (request.pooler?.result ?? null) : null;
  return {
    type: 'output',
    output: { requestId, tokenIds, logprobs, promptLogprobs, pooled, finishReason, stopTokenId, usage },
    error,
    report: finishReason === null ? null : requestReport(request, finishReason, error),
  };
}

/** For a request whose deadline passed while it waited. */
export function refusal(request: EngineRequest): EngineEvent {
  const error = new EngineError('deadline_exceeded', 'The request waited in the queue beyond its deadline.');
  return { type: 'refused', requestId: request.id, error: toErrorMessage(error) };
}

function requestReport(request: EngineRequest, finishReason: string, error: ErrorMessage | null): RequestReport {
  const { arrival, firstScheduled, firstToken } = request.times;
  return {
    requestId: request.id,
    ...request.usage,
    finishReason,
    error: error && error.message,
    pauses: request.pauses,
    queueTime: firstScheduled === 0 ? null : firstScheduled - arrival,
    timeToFirstToken: firstToken === 0 ? null : firstToken - arrival,
    totalTime: performance.now() - arrival,
  };
}
