/** API keys: `Authorization: Bearer KEY` or `X-Api-Key: KEY`, compared in constant time. */
import { createHash, timingSafeEqual } from 'node:crypto';
import type { MiddlewareHandler } from 'hono';
import { EngineError } from '../../errors.ts';

/** Probes, metrics and the documentation answer without a key; everything else needs one. */
const open = new Set(['/health', '/healthz', '/liveness', '/readiness', '/ping', '/metrics', '/docs', '/openapi.json']);

export function requireApiKey(keys: readonly string[]): MiddlewareHandler {
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
  const digests = keys.map(digest);
  return async (c, next) => {
    if (keys.length === 0 || open.has(c.req.path) || c.req.method === 'OPTIONS') return next();
    const bearer = /^Bearer\s+(.+)$/i.exec(c.req.header('authorization') ?? '')?.[1];
    const given = digest(bearer ?? c.req.header('x-api-key') ?? '');
    // Every key is compared, so that the time does not tell which one was near.
    const matches = digests.filter((d) => timingSafeEqual(d, given)).length;
    if (matches === 0) {
      throw new EngineError('invalid_api_key', 'Missing or wrong API key. Send it as "Authorization: Bearer KEY".');
    }
    return next();
  };
}
