/**
 * The Host header of a server that only this machine should reach: a page of the web can make its own name point to
 * 127.0.0.1 (DNS rebinding), and its requests then come from the same origin; they still name that page's host.
 */
import type { MiddlewareHandler } from 'hono';
import { EngineError } from '../../errors.ts';
import type { ServerConfig } from '../../config.ts';

const loopback = /^(?:localhost|[\w-]+\.localhost|127(?:\.\d{1,3}){3}|\[::1\])$/;

/**
 * Checks hosts on a loopback address without keys, and wherever --allowed_hosts is given. A key protects as well: the page
 * has none.
 */
export function checkHost({ host, apiKeys, allowedHosts }: ServerConfig): MiddlewareHandler {
  const own = host.includes(':') ? `[${host}]` : host.toLowerCase();
  const allowed = new Set([own, ...allowedHosts.map((name) => name.toLowerCase())]);
  const checked = allowedHosts.length > 0 || (apiKeys.length === 0 && loopback.test(own));
  const anyHost = !checked || allowed.has('*');
  return (c, next) => {
    const given = c.req.header('host');
    if (anyHost || given === undefined) return next();
    const name = given.toLowerCase().replace(/\.?(?::\d+)?$/, '');
    if (loopback.test(name) || allowed.has(name)) return next();
    const message = `The host ${JSON.stringify(name)} is not this server's name: allow it with --allowed_hosts.`;
    throw new EngineError('forbidden', message);
  };
}
