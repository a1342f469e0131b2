/** What of docs/benchmarks.md is made from bench/published.json and bench/results, and its plots. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { format } from 'prettier';
import { EngineError } from '../../src/errors.ts';
import { measuredIn, type Measured, type ScalingLine } from './measured.ts';
import { normalize, type NormalizedRow } from './normalize.ts';
import { batchPlot, dotOf, scalingPlot, sharePlot } from './plots.ts';
import { publishedSchema } from './schema.ts';
import { hardwareOf, hardwareTable, measuredTable, publishedTable, scalingTable } from './tables.ts';

export const pagePath = 'docs/benchmarks.md';
const begin = '<!-- made by `npm run bench -- report`, from here -->';
const end = '<!-- to here -->';
type Scaling = NonNullable<Measured['scaling']>;
/** The run whose batches are plotted: the last with llama.cpp beside it. */
const plotted = (measured: Measured) => {
  const file = measured.rows.filter(({ load, peer }) => load.startsWith('decode') && peer !== null).at(-1)?.file;
  return measured.rows.filter((row) => row.file === file && row.load.startsWith('decode'));
};

/** Files by their path from the root, as they should be. */
export async function renderReport(root: string): Promise<Map<string, string>> {
  const file = join(root, 'bench/published.json');
  if (!existsSync(file)) throw new EngineError('bad_flag', `${file} does not exist: run it in the repository`);
  const published = publishedSchema.parse(JSON.parse(readFileSync(file, 'utf8')));
  const rows = normalize(published);
  const measured = measuredIn(join(root, 'bench/results'));
  const of = (phase: string): NormalizedRow[] => rows.filter(({ row }) => row.phase === phase);
  const batches = plotted(measured);
  const decoded = measured.rows.filter(({ share }) => share !== null).slice(-1);
  const own = decoded.map((row) => ({
    engine: 'Dawnlight',
    what: `${row.model}, ${hardwareOf(row)}`,
    share: row.share!,
    isWhole: true,
  }));
  const multiplied = [...of('prefill'), ...of('serving')];
  const text = [
    '## What was measured here',
    '',
    whereItRan(measured),
    '',
    measuredTable(measured),
    '',
    '![Decode speed against batch](images/benchmarks-batch.svg)',
    '',
    ...(measured.scaling ? howItGrows(measured.scaling) : []),
    '## Beside what others published',
    '',
    '### Decode, share of bandwidth',
    '',
    '![Share of bandwidth](images/benchmarks-decode.svg)',
    '',
    publishedTable(of('decode'), decoded),
    '',
    '### Prefill and serving, share of arithmetic',
    '',
    '![Share of arithmetic](images/benchmarks-arithmetic.svg)',
    '',
    publishedTable(multiplied),
    '',
    ...published.missing.map(({ engine, why, source }) => `No figure of ${engine}: it ${why} ([source](${source})).\n`),
    '### Peaks',
    '',
    hardwareTable(published),
  ].join('\n');
  return new Map([
    [pagePath, await withGenerated(readFileSync(join(root, pagePath), 'utf8'), text)],
    [
      'docs/images/benchmarks-decode.svg',
      await sharePlot('Decode: share of memory bandwidth', [...own, ...of('decode').map(dotOf)]),
    ],
    [
      'docs/images/benchmarks-arithmetic.svg',
      await sharePlot('Prefill and serving: share of peak arithmetic', multiplied.map(dotOf)),
    ],
    ['docs/images/benchmarks-batch.svg', await batchPlot(`Decode of ${batches[0]?.model ?? 'nothing'}`, batches)],
    ...(measured.scaling ? [[scalingImage, await scalingPlot(...titled(measured.scaling))] as const] : []),
  ]);
}

const scalingImage = 'docs/images/benchmarks-scaling.svg';

const titled = ({ line }: Scaling): [string, ScalingLine] => [`A decode step of ${line.model}`, line];

function howItGrows({ file, line }: Scaling): string[] {
  const { byContext, byBatch, batchContext, machine } = line;
  const [context, batch] = [byContext.line, byBatch.line];
  const percent = (share: number): string => `${Math.round(100 * share)} %`;
  return [
    '### Time against context and batch',
    '',
    `A decode step of ${line.model} (${hardwareOf(machine)}; [${file}](../bench/results/${file}), \`npm run bench -- scaling\`): one sequence ` +
      `behind contexts of several lengths, and several sequences of ${batchContext} tokens each. Bytes and operations are what the kernels say ` +
      'of themselves, as in profiles; the lines are the straight ones through the measured times, in bytes for contexts ' +
      `(${context.fixedMs.toFixed(1)} ms and ${(1 / context.msPerUnit).toFixed(1)} GB/s, times off by up to ${percent(context.worst)}), ` +
      `in operations for batches (${batch.fixedMs.toFixed(1)} ms and ${(1000 / batch.msPerUnit).toFixed(0)} GFLOP/s, up to ${percent(batch.worst)}).`,
    '',
    `![Time against context and batch](${scalingImage.replace('docs/', '')})`,
    '',
    scalingTable([...byContext.rows, ...byBatch.rows]),
    '',
  ];
}

function whereItRan({ rows, gpuFiles }: Measured): string {
  const machines = [...new Set(rows.map(({ cpu }) => cpu))];
  const gpu =
    gpuFiles.length === 0
      ? 'No GPU has run this engine yet: there is no figure of one below, and none may be read into it.'
      : `Runs on GPUs: ${gpuFiles.map((name) => `[${name}](../bench/results/${name})`).join(', ')}.`;
  return (
    `${gpu} Every run was on Mesa’s software Vulkan (lavapipe) on 2 cores of a shared virtual machine (${machines.join('; ')}); files named “busy” while ` +
    'other work ran. llama.cpp is its CPU build in alternating rounds of the same run, on the same file. Figures are medians over the rounds of a file’s last run.'
  );
}

async function withGenerated(page: string, text: string): Promise<string> {
  const [from, to] = [page.indexOf(begin), page.indexOf(end)];
  if (from < 0 || to < from) throw new EngineError('bad_flag', `${pagePath} lacks the lines ${begin} and ${end}`);
  const whole = `${page.slice(0, from + begin.length)}\n\n${text}\n\n${page.slice(to)}`;
  return format(whole, { parser: 'markdown', printWidth: 120, proseWrap: 'always', embeddedLanguageFormatting: 'off' });
}
