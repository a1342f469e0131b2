// The API document is valid OpenAPI 3.1, its examples work as they stand, and the reference page is readable in a browser.
import { Validator } from '@seriousme/openapi-schema-validator';
import { chromium } from 'playwright-core';
import t from 'tap';
import { startFakeServer } from '../helpers/fake-server.ts';
import { json, type Json } from '../helpers/wire.ts';

t.test('/openapi.json is valid OpenAPI 3.1 for every kind of server', async (t) => {
  for (const settings of [{}, { useTgiApi: true }]) {
    const { url, server } = await startFakeServer(settings);
    const document = await json(await fetch(`${url}/openapi.json`));
    const validator = new Validator();
    const result = await validator.validate(document);
    t.ok(result.valid, JSON.stringify(result.errors)?.slice(0, 500));
    t.equal(validator.version, '3.1');
    const ids = Object.values<Json>(document.paths).flatMap((p) => Object.values<Json>(p).map((o) => o.operationId));
    t.equal(new Set(ids).size, ids.length, 'operation ids are unique');
    await server.close();
  }
});

t.test('every POST with a body has an example, and it is answered', async (t) => {
  const { url, post, engine, server } = await startFakeServer();
  t.teardown(() => server.close());
  engine.info = { ...engine.info, isRewardModel: true };
  const { paths } = await json(await fetch(`${url}/openapi.json`));
  let count = 0;
  for (const [path, methods] of Object.entries<Json>(paths)) {
    const content = methods.post?.requestBody?.content['application/json'];
    if (content === undefined) continue;
    count++;
    const response = await post(path, content.example);
    t.equal(response.status, 200, `${path}: ${await response.text()}`);
  }
  t.ok(count >= 16, `${count} endpoints`);
});

// scripts/test.mjs finds one or installs it.
const executablePath = process.env.DAWNLIGHT_TEST_CHROMIUM || '/usr/bin/chromium';

t.test('/docs in a browser, without a network', async (t) => {
  const { url, server } = await startFakeServer();
  t.teardown(() => server.close());
  const browser = await chromium.launch({ executablePath, args: ['--no-sandbox'] });
  t.teardown(() => browser.close());
  const page = await browser.newPage({ viewport: { width: 1280, height: 900 }, javaScriptEnabled: false });
  const elsewhere: string[] = [];
  await page.route('**/*', (route) => {
    const asked = route.request().url();
    if (asked.startsWith(url)) return route.continue();
    elsewhere.push(asked);
    return route.abort();
  });
  const problems: string[] = [];
  page.on('console', (message) => void problems.push(message.text()));
  page.on('requestfailed', (request) => void problems.push(request.url()));
  await page.goto(`${url}/docs`);
  const paths = Object.keys((await json(await fetch(`${url}/openapi.json`))).paths);
  const shown = await page.locator('section h3 code').allInnerTexts();
  t.same([...new Set(shown)].sort(), paths.sort(), 'every endpoint has its section');
  t.equal(await page.locator('nav a[href^="#"]').count(), shown.length + 1, 'and its link');

  await page.getByRole('link', { name: 'POST /v1/embeddings' }).click();
  const section = page.locator('section:target');
  t.match(await section.innerText(), /\/v1\/embeddings/);
  t.ok(await section.locator('pre').isVisible());
  t.notOk(await section.locator('table').first().isVisible(), 'the fields are folded away');
  await section.getByText(/^Request: \d+ fields$/).click();
  const row = section.locator('tr', { hasText: 'encoding_format' });
  t.ok(await row.isVisible());
  t.match(await row.innerText(), /supported/);

  for (const width of [1280, 390]) {
    await page.setViewportSize({ width, height: 900 });
    const [inner, outer] = await page.locator('html').evaluate((html) => [html.scrollWidth, html.clientWidth]);
    t.ok(inner <= outer, `nothing sticks out at ${width} pixels (${inner} of ${outer})`);
  }
  if (process.env['SCREENSHOT']) {
    await page.setViewportSize({ width: 1280, height: 900 });
    await page.screenshot({ path: process.env['SCREENSHOT'] });
  }
  t.same(elsewhere, [], 'nothing from elsewhere');
  t.same(problems, []);
});
