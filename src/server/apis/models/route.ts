/** GET /v1/models and /v1/models/{id}. */
import type { Api } from '../../http/api.ts';
import type { ServerContext } from '../../http/context.ts';
import { servedName } from '../../http/model-name.ts';
import { type ModelCard, modelListSchema, modelSchema } from './schema.ts';

export function addModels(api: Api, ctx: ServerContext): void {
  const card = (id: string): ModelCard => ({
    id,
    object: 'model',
    created: ctx.startedAt,
    owned_by: 'dawnlight',
    root: ctx.modelNames[0],
    parent: null,
    max_model_len: ctx.engine.info.maxModelLen,
  });
  api.add(
    { method: 'get', path: '/v1/models', summary: 'The served model.', tag: 'OpenAI', response: modelListSchema },
    (c) => c.json({ object: 'list', data: ctx.modelNames.map(card) }),
  );
  api.add(
    { method: 'get', path: '/v1/models/:id{.+}', summary: 'One model.', tag: 'OpenAI', response: modelSchema },
    (c) => c.json(card(servedName(ctx, c.req.param('id') ?? ''))),
  );
}
