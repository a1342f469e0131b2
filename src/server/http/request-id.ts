/** The id of a request as its caller may choose it: it stands in headers and in lines of the log, so it is plain ASCII. */
import { randomUUID } from 'node:crypto';
import type { MiddlewareHandler } from 'hono';

export const requestIdPattern = /^[\x21-\x7e]{1,128}$/;

/** Sends the caller's X-Request-Id back, or an id of our own; `request-id` is Anthropic's name for it. */
export const echoRequestId: MiddlewareHandler = async (c, next) => {
  const given = c.req.header('x-request-id') ?? '';
  const id = requestIdPattern.test(given) ? given : randomUUID();
  c.header('x-request-id', id);
  if (c.req.path.startsWith('/v1/messages')) c.header('request-id', id);
  await next();
};
