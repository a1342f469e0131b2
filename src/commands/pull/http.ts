/** `fetch` for downloads: obeys HTTP_PROXY, HTTPS_PROXY and NO_PROXY, and does not wait for ever for a connection. */
import { EnvHttpProxyAgent, fetch as undiciFetch } from 'undici';

const dispatcher = new EnvHttpProxyAgent({ connectTimeout: 10_000, headersTimeout: 30_000, bodyTimeout: 60_000 });

/** @param signal ends every request made with it */
export function downloadFetch(signal?: AbortSignal): typeof fetch {
  const withDispatcher = (input: string | URL, init: object = {}) =>
    undiciFetch(input, { ...init, dispatcher, ...(signal ? { signal } : {}) });
  return withDispatcher as unknown as typeof fetch;
}
