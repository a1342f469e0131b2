/** EngineError → OpenAI's error envelope and HTTP status, from the one table in src/errors.ts. */
import type { Context } from 'hono';
import { HTTPException } from 'hono/http-exception';
import type { ContentfulStatusCode } from 'hono/utils/http-status';
import { EngineError, type ErrorCode, errorTable, toEngineError } from '../../errors.ts';
import { logError } from './log.ts';

interface ErrorBody {
  error: { message: string; type: string; param: string | null; code: string | null };
}

/** What a bug or a failed start says may hold paths or internals: it goes to the log, the client gets a plain sentence. */
export function errorBody(error: EngineError): ErrorBody {
  const { type } = errorTable[error.code];
  const message = publicMessages[error.code] ?? error.message;
  return { error: { message, type, param: error.param, code: error.code } };
}

const publicMessages: Partial<Record<ErrorCode, string>> = {
  internal_error: 'The server failed on this request; its log says why.',
  engine_dead: 'The engine is not running; the server’s log says why.',
  model_not_readable: 'The model could not be read; the server’s log says why.',
};

function errorStatus(error: EngineError): ContentfulStatusCode {
  return errorTable[error.code].status as ContentfulStatusCode;
}

export function errorResponse(c: Context, thrown: unknown): Response {
  const error = toError(thrown);
  logFailure(error);
  const status = errorStatus(error);
  if (status === 429 || status === 503) c.header('retry-after', '1');
  if (status === 401) c.header('www-authenticate', 'Bearer');
  // Anthropic's clients look for the outer type.
  const outer = c.req.path.startsWith('/v1/messages') ? { type: 'error' } : {};
  return c.json({ ...outer, ...errorBody(error) }, status);
}

/** Failures that the operator should know of: bugs with their stack, and why a stream was given up. */
export function logFailure(error: EngineError): void {
  if (error.code in publicMessages) logError(error.cause ?? error);
  if (error.code === 'slow_reader') logError(error.message);
}

function toError(thrown: unknown): EngineError {
  if (thrown instanceof HTTPException) return fromHttpException(thrown);
  // JSON that nests tens of thousands deep ends in an exhausted stack.
  if (thrown instanceof RangeError && /call stack/.test(thrown.message)) {
    return new EngineError('invalid_request', 'The body nests too deeply.', { cause: thrown });
  }
  // Node's error on a request whose socket closed before its body was whole.
  if (thrown instanceof Error && 'code' in thrown && thrown.code === 'ECONNRESET') {
    return new EngineError('aborted', 'The client went away while sending its request.', { cause: thrown });
  }
  return toEngineError(thrown);
}

function fromHttpException(e: HTTPException): EngineError {
  const code = e.status === 413 ? 'request_too_large' : e.status < 500 ? 'invalid_request' : 'internal_error';
  return new EngineError(code, e.message || `HTTP ${e.status}`, { cause: e });
}
