/** The HTTP application: what every request passes (id, CORS, key, body limit), the routes, and where errors come out. */
import { randomUUID } from 'node:crypto';
import { Hono, type MiddlewareHandler } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import { cors } from 'hono/cors';
import { EngineError } from '../../errors.ts';
import { Api } from './api.ts';
import { requireApiKey } from './auth.ts';
import type { ServerContext } from './context.ts';
import { errorResponse } from './errors.ts';
import { addChatCompletions } from '../apis/chat-completions/route.ts';
import { addCompletions } from '../apis/completions/route.ts';
import { addControl } from '../apis/admin/control.ts';
import { addDocs } from './docs-route.ts';
import { addEmbeddings } from '../apis/embeddings/route.ts';
import { addHealth } from '../apis/admin/health.ts';
import { addLightllmGenerate } from '../apis/lightllm/route.ts';
import { addMessages } from '../apis/messages/route.ts';
import { addModels } from '../apis/models/route.ts';
import { addResponses } from '../apis/responses/route.ts';
import { addScore } from '../apis/score/route.ts';
import { addServerInfo } from '../apis/admin/server-info.ts';
import { addTokens } from '../apis/tokens/route.ts';

export function createApp(ctx: ServerContext): Hono {
  const app = new Hono();
  const api = new Api(app);
  app.use(async (c, next) => {
    c.header('x-request-id', c.req.header('x-request-id') ?? randomUUID());
    await next();
  });
  const { corsOrigins } = ctx.settings;
  const exposeHeaders = ['x-request-id', 'retry-after'];
  if (corsOrigins.length > 0) app.use(cors({ origin: corsOrigin(corsOrigins), exposeHeaders }));
  app.use(requireApiKey(ctx.settings.apiKeys));
  app.use(limitBody(ctx.settings.bodyLimit));
  addHealth(api, ctx);
  addModels(api, ctx);
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

function corsOrigin(origins: readonly string[]): string | string[] {
  return origins.includes('*') ? '*' : [...origins];
}

/** A body that says its length is not touched here: Hono's own limit would make a web stream of it first. */
function limitBody(limit: number): MiddlewareHandler {
  const refuse = (): never => {
    throw new EngineError('request_too_large', `The request body is larger than ${limit} bytes (--body_limit).`);
  };
  const countChunks = bodyLimit({ maxSize: limit, onError: refuse });
  return (c, next) => {
    if (c.req.header('transfer-encoding') !== undefined) return countChunks(c, next);
    return Number(c.req.header('content-length') ?? 0) > limit ? refuse() : next();
  };
}
