/** GET /openapi.json and /docs. */
import type { Api } from './api.ts';
import type { ServerContext } from './context.ts';
import { docsPage } from './docs-page.ts';
import { openApiDocument } from './openapi.ts';

/** Call it last: it describes the endpoints that were added before. */
export function addDocs(api: Api, ctx: ServerContext): void {
  const document = openApiDocument(api.endpoints, ctx.version);
  const page = docsPage(document);
  api.app.get('/openapi.json', (c) => c.json(document));
  api.app.get('/docs', (c) => c.html(page));
}
