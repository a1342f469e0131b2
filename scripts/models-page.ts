/**
 * `npx tsx scripts/models-page.ts`: writes the table of architectures in docs/models.md, from the registry and from the checkpoints
 * of the exam: which version of transformers their logits are of, and in which formats they are. What a row covers is a text of its
 * own: it stays, and that of a new architecture is the first sentence of its file.
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { format, resolveConfig } from 'prettier';
import type { AnyArchitecture } from '../src/model/architecture.ts';
import { architectures } from '../src/model/architectures/registry.ts';
import { openModel } from '../src/model/files/open-model.ts';
import { checkpoints, fixturePath, fixtures } from '../test/helpers/model-exam.ts';

const page = fileURLToPath(new URL('../docs/models.md', import.meta.url));
const folder = fileURLToPath(new URL('../src/model/architectures/', import.meta.url));
const first = '| `model_type` (config.json)';
const columns = [
  '`model_type` (config.json)',
  '`general.architecture` (GGUF)',
  'file',
  'transformers',
  'formats',
  'covers',
];

/** The page with its table made anew. */
export async function modelsPage(current: string): Promise<string> {
  const lines = current.split('\n');
  const start = lines.findIndex((line) => line.startsWith(first));
  if (start < 0) throw new Error(`docs/models.md has no table that begins ${first}`);
  const end = lines.indexOf('', start);
  const covers = new Map(lines.slice(start + 2, end).map((line) => [cellsOf(line)[0], cellsOf(line).at(-1) ?? '']));
  const checked = examined();
  const rows = architectures.map((architecture) => {
    const { modelType, gguf } = architecture;
    const { versions, formats } = checked.get(modelType) ?? { versions: [], formats: [] };
    const file = fileOf(architecture);
    return [
      `\`${modelType}\``,
      gguf ? `\`${gguf.name}\`` : '–',
      `\`${file}\``,
      versions.join(', '),
      formats.join(', '),
      covers.get(`\`${modelType}\``) ?? firstSentence(file),
    ];
  });
  const table = [columns, columns.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`);
  const text = [...lines.slice(0, start), ...table, ...lines.slice(end)].join('\n');
  return format(text, { ...(await resolveConfig(page)), filepath: page });
}

/** model_type → the versions of transformers and the kinds of files of its checkpoints, each once. */
function examined(): Map<string, { versions: string[]; formats: string[] }> {
  const all = new Map<string, { versions: string[]; formats: string[] }>();
  for (const { name } of checkpoints) {
    const model = openModel(fixturePath(name));
    model.close();
    const { modelType } = model.config;
    const { versions, formats } = all.get(modelType) ?? { versions: [], formats: [] };
    const { transformers } = readJson(`${fixtures}/${name}/oracle.json`) as { transformers: string };
    const kind = model.format === 'gguf' ? 'GGUF' : packing(`${fixtures}/${name}/config.json`);
    all.set(modelType, { versions: withOne(versions, transformers), formats: withOne(formats, kind) });
  }
  return all;
}

function packing(config: string): string {
  const { quantization_config } = readJson(config) as { quantization_config?: { quant_method: string } };
  return quantization_config?.quant_method ?? 'safetensors';
}

function withOne(list: readonly string[], item: string): string[] {
  return [...new Set([...list, item])].sort();
}

/** Most have a file of their own, named after them. */
function fileOf({ modelType }: AnyArchitecture): string {
  const names = readdirSync(folder);
  const own = names.find((name) => name === `${modelType}.ts`);
  const holds = (name: string) => readFileSync(join(folder, name), 'utf8').includes(`modelType: '${modelType}'`);
  return own ?? names.find(holds) ?? '';
}

function firstSentence(file: string): string {
  const header = /^\/\*\*(.*?)\*\//s.exec(readFileSync(join(folder, file), 'utf8'));
  const text = (header?.[1] ?? '').replace(/\n \*/g, ' ').replace(/\s+/g, ' ').trim();
  return (/^.*?[.](?= |$)/.exec(text)?.[0] ?? text).replace(/[.]$/, '');
}

function cellsOf(row: string): string[] {
  return row
    .split(/(?<!\\)\|/)
    .slice(1, -1)
    .map((cell) => cell.trim());
}

function readJson(path: string): unknown {
  return JSON.parse(readFileSync(path, 'utf8'));
}

if (process.argv[1] === fileURLToPath(import.meta.url))
  writeFileSync(page, await modelsPage(readFileSync(page, 'utf8')));
