/** The model a request names, and what made its answer. */
import { EngineError } from '../../errors.ts';
import type { ServerContext } from './context.ts';

/**
 * The name to answer under: the one that was asked for. Where --served_model_name gave no names any will do, as with
 * LightLLM and llama.cpp: examples and settings name models of other servers.
 * @throws EngineError model_not_found for a name that is not served
 */
export function modelName(ctx: ServerContext, asked: string | undefined): string {
  return asked === undefined
    ? ctx.modelNames[0]
    : ctx.settings.servedModelName.length === 0
      ? asked
      : servedName(ctx, asked);
}

/** The adapter that a request's `model` names; undefined: it names the model itself. */
export function adapterNamed(ctx: ServerContext, asked: string | undefined): string | undefined {
  return ctx.engine.adapters().find(({ name }) => name === asked)?.name;
}

/** One of the names that /v1/models lists. */
export function servedName(ctx: ServerContext, asked: string): string {
  const all = [...ctx.modelNames, ...ctx.engine.adapters().map(({ name }) => name)];
  if (all.includes(asked)) return asked;
  const names = all.map((name) => JSON.stringify(name)).join(', ');
  const message = `The model ${JSON.stringify(asked)} does not exist here. Served: ${names}.`;
  throw new EngineError('model_not_found', message, { param: 'model' });
}

/** OpenAI's `system_fingerprint`: answers with one seed are the same as long as it is. */
export function fingerprint(ctx: ServerContext): string {
  return `dawnlight-${ctx.version}`;
}
