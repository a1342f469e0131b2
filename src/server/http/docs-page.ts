/** /docs: the API reference as one HTML page without scripts or outside resources, so that it works anywhere. */
import { type EndpointTable, endpointTables, type FieldRow } from './api-tables.ts';
import { docsStyle } from './docs-style.ts';
import type { OpenApiDocument } from './openapi.ts';

export function docsPage(document: OpenApiDocument): string {
  const tables = endpointTables(document);
  const tags = order.filter((tag) => tables.some((t) => t.tag === tag));
  const group = (render: (table: EndpointTable) => string, heading: (tag: string) => string): string =>
    tags
      .map(
        (tag) =>
          heading(tag) +
          tables
            .filter((t) => t.tag === tag)
            .map(render)
            .join('\n'),
      )
      .join('\n');
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>Dawnlight API</title>
<style>${docsStyle}</style></head><body>
<nav aria-label="Endpoints"><a class="home" href="#top">Dawnlight <small>${escape(document.info.version)}</small></a>
${group(linkHtml, (tag) => `<h2>${escape(tag)}</h2>`)}
</nav>
<main id="top">
<h1>API reference</h1>
${introduction}
${group(endpointHtml, (tag) => `<h2>${escape(tag)}</h2>`)}
</main></body></html>
`;
}

const order: readonly EndpointTable['tag'][] = ['OpenAI', 'Anthropic', 'LightLLM', 'Tokens', 'Server'];

const introduction = `<p>Base URL of OpenAI clients: this server’s address with <code>/v1</code>. The same as this page for programs:
<a href="openapi.json">openapi.json</a>. In the examples <code>$SERVER</code> is the server’s address, such as
<code>http://127.0.0.1:8000</code>.</p>
<ul>
<li><b>Key</b>: where the server was started with one, send <code>Authorization: Bearer KEY</code> or <code>X-Api-Key: KEY</code>.</li>
<li><b>Errors</b>: <code>{"error": {"message", "type", "param", "code"}}</code> with status 400, 401, 403, 404, 405, 413, 415, 429, 500 or 503;
in a stream that has begun, as an event of its own.</li>
<li><b>Fields</b> that are not listed are ignored. <span class="badge supported">supported</span> does what it says, null means absent;
<span class="badge ignored">ignored</span> is accepted with any value; <span class="badge neutral">neutral</span> is accepted only with a value that changes nothing.</li>
</ul>`;

function linkHtml(table: EndpointTable): string {
  const [method = '', path = ''] = table.title.split(' ');
  return `<a href="#${anchor(table)}"><span class="method ${method.toLowerCase()}">${method}</span> ${escape(path)}</a>`;
}

function endpointHtml(table: EndpointTable): string {
  const { title, summary, streams, fields, answer, example } = table;
  const [method = '', path = ''] = title.split(' ');
  const parts = [
    example === undefined ? '' : `<pre>${escape(curl(path, example))}</pre>`,
    details(`Request: ${fields.length} fields`, fields.length === 0 ? '' : fieldTable(fields)),
    details('Answer', answer.length === 0 ? '' : answerTable(answer)),
  ];
  return `<section id="${anchor(table)}">
<h3><span class="method ${method.toLowerCase()}">${method}</span> <code>${escape(path)}</code>${streams ? ' <span class="badge">may stream</span>' : ''}</h3>
<p>${escape(summary)}</p>
${parts.join('\n')}
</section>`;
}

function details(summary: string, body: string): string {
  return body === '' ? '' : `<details><summary>${summary}</summary>${body}</details>`;
}

function curl(path: string, example: unknown): string {
  const json = JSON.stringify(example, null, 2).replaceAll("'", "'\\''");
  return `curl $SERVER${path} -H 'content-type: application/json' -d '${json}'`;
}

function fieldTable(fields: readonly FieldRow[]): string {
  const row = ({ name, type, support, description, required }: FieldRow): string =>
    `<tr class="${support}"><td><code>${escape(name)}</code>${required ? ' <b title="required">*</b>' : ''}<td>${escape(type)}` +
    `<td><span class="badge ${support}">${support}</span><td>${escape(description)}`;
  return `<table><tr><th>Field<th>Type<th>Support<th>Meaning\n${fields.map(row).join('\n')}</table><p class="note">* required</p>`;
}

function answerTable(rows: EndpointTable['answer']): string {
  const cells = rows.map(({ name, type }) => `<tr><td><code>${escape(name)}</code><td>${escape(type)}`);
  return `<table><tr><th>Field<th>Type\n${cells.join('\n')}</table>`;
}

/** `POST /v1/completions` → `post-v1-completions` */
function anchor({ title }: EndpointTable): string {
  return title
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-|-$/g, '');
}

function escape(text: string): string {
  return text.replace(/[&<>"]/g, (c) => `&#${c.charCodeAt(0)};`);
}
