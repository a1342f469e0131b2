/** Probes: /health says whether requests can be answered; liveness and readiness follow LightLLM. */
import { z } from 'zod';
import type { Api } from '../../http/api.ts';
import type { ServerContext } from '../../http/context.ts';

const healthSchema = z.object({
  status: z.enum(['ok', 'loading', 'draining', 'dead']),
  message: z.enum(['Ok', 'Error']).describe('LightLLM’s word for it.'),
});

export function addHealth(api: Api, ctx: ServerContext): void {
  const doc = {
    summary: '200 while requests can be answered, else 503.',
    tag: 'Server',
    response: healthSchema,
  } as const;
  const probes = [
    ['get', '/health'],
    ['get', '/healthz'],
    ['get', '/readiness'],
    ['post', '/readiness'],
    ['get', '/ping'],
  ] as const;
  for (const [method, path] of probes) {
    api.add({ ...doc, method, path }, (c) => {
      const status = ctx.engine.health();
      return c.json({ status, message: status === 'ok' ? 'Ok' : 'Error' }, status === 'ok' ? 200 : 503);
    });
  }
  for (const method of ['get', 'post'] as const) {
    const live = { ...doc, method, path: '/liveness', summary: '200 while the process runs.' };
    api.add(live, (c) => c.json({ status: 'ok', message: 'Ok' }));
  }
}
