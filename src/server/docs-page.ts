/** /docs: the API reference as one HTML page without scripts or outside resources. */
import { type EndpointTable, endpointTables, type FieldRow } from './api-tables.ts';
import type { OpenApiDocument } from './openapi.ts';

const style = `
  body { font: 16px/1.5 system-ui, sans-serif; max-width: 62rem; margin: 2rem auto; padding: 0 1rem; color: #1b1b1f; background: #fff }
  table { border-collapse: collapse; width: 100%; font-size: .9rem } td, th { text-align: left; vertical-align: top; padding: .25rem .6rem; border-top: 1px solid #ddd }
  code { font-family: ui-monospace, monospace } summary { cursor: pointer; padding: .3rem 0 } .ignored, .neutral { color: #6a6a72 }
  @media (prefers-color-scheme: dark) { body { color: #e4e4ea; background: #17171b } td, th { border-color: #333 } a { color: #8ab4ff } }`;

export function docsPage(document: OpenApiDocument): string {
  const tables = endpointTables(document);
  const tags = [...new Set(tables.map((t) => t.tag))];
  const sections = tags.map((tag) => {
    const endpoints = tables.filter((t) => t.tag === tag).map(endpointHtml);
    return `<h2>${escape(tag)}</h2>\n${endpoints.join('\n')}`;
  });
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Dawnlight API</title>
<style>${style}</style></head><body>
<h1>Dawnlight API <small>${escape(document.info.version)}</small></h1>
<p>Base URL of OpenAI clients: this server’s address with <code>/v1</code>. The same as JSON: <a href="openapi.json">openapi.json</a>.
Ignored fields are accepted with any value; neutral ones only with a value that changes nothing.</p>
${sections.join('\n')}
</body></html>
`;
}

function endpointHtml({ title, summary, streams, fields }: EndpointTable): string {
  const head = `<code>${escape(title)}</code> ${escape(summary)}${streams ? ' May stream.' : ''}`;
  if (fields.length === 0) return `<p>${head}</p>`;
  return `<details><summary>${head}</summary><table><tr><th>Field<th>Type<th>Support<th></tr>
${fields.map(rowHtml).join('\n')}</table></details>`;
}

function rowHtml({ name, type, support, description, required }: FieldRow): string {
  const cells = [
    `<code>${escape(name)}</code>${required ? ' (required)' : ''}`,
    escape(type),
    support,
    escape(description),
  ];
  return `<tr class="${support}">${cells.map((cell) => `<td>${cell}`).join('')}</tr>`;
}

function escape(text: string): string {
  return text.replace(/[&<>"]/g, (c) => `&#${c.charCodeAt(0)};`);
}
