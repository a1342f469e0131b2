/** Which web pages may call: CORS for those that may read answers, a refusal for those that would only cause effects. */
import type { MiddlewareHandler } from 'hono';
import { cors } from 'hono/cors';
import { EngineError } from '../../errors.ts';
import type { ServerConfig } from '../../config.ts';
import { skippedHeaders } from './skipped.ts';

/** Pages of this machine: a developer's own, whatever the port. */
const local = /^https?:\/\/(?:localhost|[\w-]+\.localhost|127(?:\.\d{1,3}){3}|\[::1\])(?::\d+)?$/i;

export function answerOrigins({ corsOrigins }: ServerConfig): MiddlewareHandler {
  const exposeHeaders = ['x-request-id', 'retry-after', ...skippedHeaders];
  if (corsOrigins.includes('*')) return cors({ origin: '*', exposeHeaders });
  const origin = (value: string): string | null => (isAllowed(value, corsOrigins) ? value : null);
  return cors({ origin, exposeHeaders });
}

/**
 * A page may send some requests to any address without asking first (no content type, no body), and their effect would not
 * wait for CORS. Where no key is wanted, what is not only read is refused to web pages from elsewhere. Origins of other
 * schemes (`vscode-webview://`, `app://`) are programs, not pages of the web.
 */
export function refuseForeignPages({ apiKeys, corsOrigins }: ServerConfig): MiddlewareHandler {
  const anyone = apiKeys.length > 0 || corsOrigins.includes('*');
  return (c, next) => {
    if (anyone || c.req.method === 'GET' || c.req.method === 'HEAD') return next();
    const origin = c.req.header('origin');
    const site = c.req.header('sec-fetch-site');
    const foreign =
      origin === undefined
        ? site === 'cross-site' || site === 'same-site'
        : (origin === 'null' || /^https?:/i.test(origin)) &&
          !isAllowed(origin, corsOrigins) &&
          !isOwn(origin, c.req.header('host'));
    if (!foreign) return next();
    const message = `Pages of ${JSON.stringify(origin ?? site)} may not call this server: allow them with --cors_origins.`;
    throw new EngineError('forbidden', message);
  };
}

function isAllowed(origin: string, corsOrigins: readonly string[]): boolean {
  return local.test(origin) || corsOrigins.includes(origin);
}

/** Whether the page came from this server itself. */
function isOwn(origin: string, host: string | undefined): boolean {
  return host !== undefined && origin.replace(/^https?:\/\//i, '').toLowerCase() === host.toLowerCase();
}
