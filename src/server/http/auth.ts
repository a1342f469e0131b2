/** API keys: `Authorization: Bearer KEY` or `X-Api-Key: KEY`, compared in constant time. Either right key opens. */
import { createHash, timingSafeEqual } from 'node:crypto';
import type { MiddlewareHandler } from 'hono';
import { EngineError } from '../../errors.ts';

/** Probes, metrics and the documentation answer without a key; everything else needs one. */
const open = new Set([
  '/',
  '/health',
  '/healthz',
  '/liveness',
  '/readiness',
  '/ping',
  '/metrics',
  '/docs',
  '/openapi.json',
]);

export function requireApiKey(keys: readonly string[]): MiddlewareHandler {
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
  const digests = keys.map(digest);
  return async (c, next) => {
    if (keys.length === 0 || open.has(c.req.path) || c.req.method === 'OPTIONS') return next();
    const bearer = /^Bearer\s+(.+)$/i.exec(c.req.header('authorization') ?? '')?.[1];
    // Clients with a key of another service in their settings send both: either may be the right one.
    const given = [bearer, c.req.header('x-api-key')].map((key) => digest(key ?? ''));
    // Every key is compared, so that the time does not tell which one was near.
    const matches = digests.flatMap((d) => given.filter((g) => timingSafeEqual(d, g))).length;
    if (matches === 0) {
      throw new EngineError('invalid_api_key', 'Missing or wrong API key. Send it as "Authorization: Bearer KEY".');
    }
    return next();
  };
}
