/** Every error with its code, and the one table from code to HTTP status and OpenAI error type. */

export const errorTable = {
  // request errors
  invalid_request: { status: 400, type: 'invalid_request_error' },
  invalid_value: { status: 400, type: 'invalid_request_error' },
  context_length_exceeded: { status: 400, type: 'invalid_request_error' },
  invalid_api_key: { status: 401, type: 'authentication_error' },
  forbidden: { status: 403, type: 'permission_error' },
  model_not_found: { status: 404, type: 'not_found_error' },
  not_found: { status: 404, type: 'not_found_error' },
  method_not_allowed: { status: 405, type: 'invalid_request_error' },
  request_timeout: { status: 408, type: 'invalid_request_error' },
  request_too_large: { status: 413, type: 'invalid_request_error' },
  unsupported_media_type: { status: 415, type: 'invalid_request_error' },
  queue_full: { status: 429, type: 'rate_limit_error' },
  aborted: { status: 499, type: 'invalid_request_error' },
  slow_reader: { status: 499, type: 'invalid_request_error' },
  internal_error: { status: 500, type: 'server_error' },
  numerical_error: { status: 500, type: 'server_error' },
  engine_dead: { status: 503, type: 'server_error' },
  overloaded: { status: 503, type: 'server_error' },
  draining: { status: 503, type: 'server_error' },
  deadline_exceeded: { status: 503, type: 'server_error' },
  // start-up errors: one clear line and exit code 1
  bad_flag: { status: 500, type: 'server_error' },
  model_not_readable: { status: 500, type: 'server_error' },
  unsupported_model: { status: 500, type: 'server_error' },
  no_adapter: { status: 500, type: 'server_error' },
  device_lost: { status: 503, type: 'server_error' },
  out_of_memory: { status: 503, type: 'server_error' },
  port_in_use: { status: 500, type: 'server_error' },
  download_failed: { status: 500, type: 'server_error' },
  cache_not_writable: { status: 500, type: 'server_error' },
} as const satisfies Record<string, { status: number; type: string }>;

export type ErrorCode = keyof typeof errorTable;

/** The only error class that crosses a module boundary on purpose; anything else is a bug (internal_error). */
export class EngineError extends Error {
  readonly code: ErrorCode;
  /** The request field or flag at fault, e.g. `temperature` or `messages[0].content`. */
  readonly param: string | null;

  constructor(code: ErrorCode, message: string, options: { param?: string | null; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'EngineError';
    this.code = code;
    this.param = options.param ?? null;
  }
}

/** Anything thrown → EngineError; an unknown error becomes internal_error with the original as its cause. */
export function toEngineError(error: unknown): EngineError {
  if (error instanceof EngineError) return error;
  return new EngineError('internal_error', error instanceof Error ? error.message : String(error), { cause: error });
}

/** One line of a readable length whatever names the file holds: control characters become spaces, the middle is left out. */
export function oneLine(what: string): string {
  const clean = what.replace(/\p{Cc}/gu, ' ');
  return clean.length <= 400 ? clean : `${clean.slice(0, 200)} … ${clean.slice(-180)}`;
}
