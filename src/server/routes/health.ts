/** Probes: /health says whether requests can be answered; liveness and readiness follow LightLLM. */
import { z } from 'zod';
import type { Api } from '../api.ts';
import type { ServerContext } from '../context.ts';

const healthSchema = z.object({ status: z.enum(['ok', 'loading', 'draining', 'dead']) });

export function addHealth(api: Api, ctx: ServerContext): void {
  for (const path of ['/health', '/healthz', '/readiness']) {
    api.add(
      {
        method: 'get',
        path,
        summary: '200 while requests can be answered, else 503.',
        tag: 'Server',
        response: healthSchema,
      },
      (c) => {
        const status = ctx.engine.health();
        return c.json({ status }, status === 'ok' ? 200 : 503);
      },
    );
  }
  api.add(
    { method: 'get', path: '/liveness', summary: '200 while the process runs.', tag: 'Server', response: healthSchema },
    (c) => c.json({ status: 'ok' }),
  );
}
