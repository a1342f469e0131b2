/** The HTTP application: what every request passes (id, host, origin, key), the routes, and where errors come out. */
import { Hono } from 'hono';
import { getPath } from 'hono/utils/url';
import { EngineError } from '../../errors.ts';
import { Api } from './api.ts';
import { requireApiKey } from './auth.ts';
import type { ServerContext } from './context.ts';
import { errorResponse } from './errors.ts';
import { checkHost } from './host.ts';
import { answerOrigins, refuseForeignPages } from './origin.ts';
import { echoRequestId } from './request-id.ts';
import { addChatCompletions } from '../apis/chat-completions/route.ts';
import { addCompletions } from '../apis/completions/route.ts';
import { addControl } from '../apis/admin/control.ts';
import { addDocs } from './docs-route.ts';
import { addEmbeddings } from '../apis/embeddings/route.ts';
import { addHealth } from '../apis/admin/health.ts';
import { addLightllmGenerate } from '../apis/lightllm/route.ts';
import { addMessages } from '../apis/messages/route.ts';
import { addAdapters } from '../apis/adapters/route.ts';
import { addModels } from '../apis/models/route.ts';
import { addResponses } from '../apis/responses/route.ts';
import { addScore } from '../apis/score/route.ts';
import { addServerInfo } from '../apis/admin/server-info.ts';
import { addTokens } from '../apis/tokens/route.ts';

export function createApp(ctx: ServerContext): Hono {
  const app = new Hono({ getPath: plainPath });
  const api = new Api(app, ctx.settings);
  const { settings } = ctx;
  app.use(echoRequestId);
  app.use(checkHost(settings));
  app.use(answerOrigins(settings));
  app.use(requireApiKey(settings.apiKeys));
  app.use(refuseForeignPages(settings));
  addHealth(api, ctx);
  addModels(api, ctx);
  addAdapters(api, ctx);
  addChatCompletions(api, ctx);
  addCompletions(api, ctx);
  addEmbeddings(api, ctx);
  addResponses(api, ctx);
  addMessages(api, ctx);
  addScore(api, ctx);
  addTokens(api, ctx);
  addLightllmGenerate(api, ctx);
  addServerInfo(api, ctx);
  addControl(api, ctx);
  addDocs(api, ctx);
  app.onError((error, c) => errorResponse(c, error));
  app.notFound((c) => {
    const allowed = api.allowedMethods(c.req.path);
    if (allowed.length === 0) {
      return errorResponse(c, new EngineError('not_found', `There is no ${c.req.method} ${c.req.path} here.`));
    }
    c.header('allow', allowed.join(', '));
    const message = `${c.req.path} does not take ${c.req.method}, only ${allowed.join(', ')}.`;
    return errorResponse(c, new EngineError('method_not_allowed', message));
  });
  return app;
}

/** `/v1/messages/` and `//v1/messages` are `/v1/messages`: base URLs are given with and without a slash at their end. */
function plainPath(request: Request): string {
  return getPath(request)
    .replace(/\/{2,}/g, '/')
    .replace(/(.)\/$/, '$1');
}
