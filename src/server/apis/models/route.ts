/** GET /v1/models and /v1/models/{id}. */
import type { Api } from '../../http/api.ts';
import type { ServerContext } from '../../http/context.ts';
import { servedName } from '../../http/model-name.ts';
import { type ModelCard, modelListSchema, modelSchema } from './schema.ts';

export function addModels(api: Api, ctx: ServerContext): void {
  const adapterOf = (id: string) => ctx.engine.adapters().find(({ name }) => name === id);
  const card = (id: string): ModelCard => ({
    id,
    object: 'model',
    created: ctx.startedAt,
    owned_by: 'dawnlight',
    root: adapterOf(id)?.path ?? ctx.modelNames[0],
    parent: adapterOf(id) ? ctx.modelNames[0] : null,
    max_model_len: ctx.engine.info.maxModelLen,
    type: 'model',
    display_name: id,
    created_at: new Date(ctx.startedAt * 1000).toISOString(),
  });
  api.add(
    {
      method: 'get',
      path: '/v1/models',
      summary: 'The served model, and its adapters.',
      tag: 'OpenAI',
      response: modelListSchema,
    },
    (c) => {
      const ids = [...ctx.modelNames, ...ctx.engine.adapters().map(({ name }) => name)];
      return c.json({ object: 'list', data: ids.map(card), has_more: false, first_id: ids[0], last_id: ids.at(-1) });
    },
  );
  api.add(
    { method: 'get', path: '/v1/models/:id{.+}', summary: 'One model.', tag: 'OpenAI', response: modelSchema },
    (c) => c.json(card(servedName(ctx, c.req.param('id') ?? ''))),
  );
}
