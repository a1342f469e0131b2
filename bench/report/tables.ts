/** The report's tables as Markdown. */
import type { Measured, MeasuredRow, Series } from './measured.ts';
import type { NormalizedRow } from './normalize.ts';
import type { Published } from './schema.ts';

type Cells = readonly string[];

function table(head: Cells, rows: readonly Cells[]): string {
  const line = (cells: Cells): string => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}

const rate = (value: number): string =>
  value >= 100 ? Math.round(value).toLocaleString('en-US') : value.toPrecision(3);
const percent = (share: number): string => `${(share * 100).toPrecision(2)} %`;

/** @param ours comes first */
export function publishedTable(rows: readonly NormalizedRow[], ours: readonly MeasuredRow[] = []): string {
  const head = ['engine', 'model, weights', 'hardware', 'load', 'tok/s', 'share', 'source'];
  return table(head, [
    ...ours.map(({ file, date, model, load, ours: own, share, ...machine }) => [
      '**Dawnlight**',
      model,
      hardwareOf(machine),
      `${load}; held against the bandwidth of a streaming kernel`,
      rate(own),
      share === null ? '' : percent(share),
      `[${date}](../bench/results/${file})`,
    ]),
    ...rows.map(({ row, model, hardware, tokensPerSecond, share, isWhole }) => [
      row.version === undefined ? row.engine : `${row.engine} ${row.version}`,
      `${model} ${row.format}`,
      row.devices > 1 ? `${row.devices} × ${hardware}` : hardware,
      [loadOf(row), row.note].filter(Boolean).join('; '),
      `${rate(tokensPerSecond)}${row.phase === 'serving' && row.counts === 'total' ? ' with prompts' : ''}`,
      isWhole ? percent(share) : `≥ ${percent(share)}`,
      `[${row.published ?? `read ${row.read}`}](${row.source})`,
    ]),
  ]);
}

function loadOf({ load: { input, output, what }, ...row }: NormalizedRow['row']): string {
  const lengths = [input === null ? '' : `${input} in`, output === null ? '' : `${output} out`]
    .filter(Boolean)
    .join(', ');
  const batch = row.phase === 'decode' && row.batch > 1 ? `${row.batch} sequences` : '';
  return [what, lengths, batch].filter(Boolean).join(', ');
}

export function scalingTable(rows: Series['rows']): string {
  return table(
    ['sequences', 'tokens in front of each', 'ms of a step', 'MB', 'GFLOP'],
    rows.map(({ batch, context, ms, megabytes, gigaflops }) =>
      [batch, context, ms.toPrecision(3), rate(megabytes), gigaflops.toPrecision(3)].map(String),
    ),
  );
}

export function hardwareTable({ hardware }: Published): string {
  const head = ['hardware', 'GB/s', 'TFLOP/s', 'source'];
  return table(
    head,
    Object.values(hardware).map(({ name, gbs, tflops, source, note }) => [
      name,
      rate(gbs),
      Object.entries(tflops)
        .map(([type, value]) => `${type} ${rate(value)}`)
        .join(', '),
      `[source](${source})${note === undefined ? '' : `; ${note}`}`,
    ]),
  );
}

export function measuredTable({ rows }: Measured): string {
  const head = ['run', 'processor, adapter', 'model', 'load', 'tok/s', 'llama.cpp beside it', 'share of bandwidth'];
  return table(
    head,
    rows.map(({ file, cpu, adapter, model, load, ours, peer, share }) => [
      `[${file}](../bench/results/${file})`,
      hardwareOf({ cpu, adapter }),
      model,
      load,
      rate(ours),
      peer === null ? '' : rate(peer),
      share === null ? '' : percent(share),
    ]),
  );
}

export function hardwareOf({ cpu, adapter }: Pick<MeasuredRow, 'cpu' | 'adapter'>): string {
  return `${cpu}, ${adapterName(adapter)}`;
}

/** `llvmpipe-llvm-15-0-6-256-bits-: llvmpipe: Mesa 25.0.7 (LLVM 15.0.6)` says most things twice. */
function adapterName(adapter: string): string {
  const width = /(\d+)-bits/.exec(adapter)?.[1];
  const mesa = /Mesa [\d.]+/.exec(adapter)?.[0];
  return width !== undefined && mesa !== undefined ? `lavapipe, ${width} bits (${mesa})` : adapter;
}
