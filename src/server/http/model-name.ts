/** The model a request names, and what made its answer. */
import { EngineError } from '../../errors.ts';
import type { ServerContext } from './context.ts';

/** The name to answer under; throws model_not_found for a name that is not served. */
export function modelName(ctx: ServerContext, asked: string | undefined): string {
  if (asked === undefined || ctx.modelNames.includes(asked)) return asked ?? ctx.modelNames[0];
  const names = ctx.modelNames.map((name) => JSON.stringify(name)).join(', ');
  const message = `The model ${JSON.stringify(asked)} does not exist here. Served: ${names}.`;
  throw new EngineError('model_not_found', message, { param: 'model' });
}

/** OpenAI's `system_fingerprint`: answers with one seed are the same as long as it is. */
export function fingerprint(ctx: ServerContext): string {
  return `dawnlight-${ctx.version}`;
}
