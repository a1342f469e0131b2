/** POST /abort_request ends requests by id; /flush_cache empties the prefix cache. */
import { z } from 'zod';
import { EngineError } from '../../../errors.ts';
import type { Api } from '../../http/api.ts';
import type { ServerContext } from '../../http/context.ts';
import { optional } from '../schema/fields.ts';

const abortSchema = z.object({
  rid: optional(z.string(), 'Id of the request: the `id` of its response.'),
  request_id: optional(z.string(), 'Another name of rid.'),
  abort_all: optional(z.boolean(), 'Ends every request.'),
});

export function addControl(api: Api, ctx: ServerContext): void {
  const doc = {
    method: 'post',
    path: '/abort_request',
    summary: 'End running and waiting requests.',
    tag: 'LightLLM',
    body: abortSchema,
    example: { rid: 'chatcmpl-…' },
    response: z.object({ success: z.boolean(), aborted: z.int() }),
  } as const;
  api.add(doc, (c, { rid, request_id, abort_all }) => {
    const id = rid ?? request_id;
    if (abort_all !== true && id === undefined) {
      throw new EngineError('invalid_value', 'rid: Give the id of a request, or abort_all.', { param: 'rid' });
    }
    const aborted = abort_all === true ? ctx.requests.abortAll() : ctx.requests.abort(id!);
    return c.json({ success: aborted > 0, aborted });
  });
  const flush = {
    method: 'post',
    path: '/flush_cache',
    summary: 'Forget cached prefixes that no running request uses.',
    tag: 'LightLLM',
    response: z.object({ success: z.boolean(), cached_tokens: z.int() }),
  } as const;
  api.add(flush, async (c) => {
    const { cachedSlots } = await ctx.engine.flushCache();
    return c.json({ success: true, cached_tokens: cachedSlots });
  });
}
