/** GET /openapi.json and /docs; / shows the same page, and answers clients that look whether anybody is there. */
import type { Api } from './api.ts';
import type { ServerContext } from './context.ts';
import { docsPage } from './docs-page.ts';
import { openApiDocument } from './openapi.ts';

/** Call it last: it describes the endpoints that were added before. */
export function addDocs(api: Api, ctx: ServerContext): void {
  const document = openApiDocument(api.endpoints, ctx.version);
  const page = docsPage(document);
  api.app.get('/openapi.json', (c) => c.json(document));
  for (const path of ['/', '/docs']) api.app.get(path, (c) => c.html(page));
}
