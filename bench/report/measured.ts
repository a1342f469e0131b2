/**
 * What benches of this repository measured, from the JSON lines in bench/results: `engine`, `serving`, and the files that
 * `npm run gpu` leaves. A machine’s peaks are those that `kernels` measured on it.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

export interface MeasuredRow {
  readonly file: string;
  readonly date: string;
  readonly adapter: string;
  readonly cpu: string;
  readonly model: string;
  /** `prefill 512`, `decode 16` … */
  readonly load: string;
  /** Tokens per second, the median over the rounds of the file’s last run. */
  readonly ours: number;
  /** llama.cpp’s in the same rounds; null where it did not run. */
  readonly peer: number | null;
  /** Of the bandwidth that a streaming kernel reached on the same machine; null where none was timed or it says nothing. */
  readonly share: number | null;
}

export interface Measured {
  readonly rows: readonly MeasuredRow[];
  /** Files of `npm run gpu` whose adapter is no software one. */
  readonly gpuFiles: readonly string[];
  /** The last of them, with its file; null: none ran. */
  readonly scaling: { readonly file: string; readonly line: ScalingLine } | null;
}

interface Machine {
  readonly cpu: string;
  readonly adapter: string;
  readonly date: string;
}
interface EngineLine {
  readonly bench: 'engine';
  readonly model: string;
  readonly machine: Machine;
  readonly rows: readonly { readonly key: string; readonly ours: number; readonly peer: number | null }[];
}
interface KernelsLine {
  readonly bench: 'kernels';
  readonly machine: Machine;
  readonly calibration: { readonly gbs: number };
}
interface LoadLine {
  readonly bench: 'load';
  readonly model: string;
  readonly fileMB: number;
}
/** A series of `scaling`, with the straight line through it. */
export interface Series {
  readonly rows: readonly {
    readonly batch: number;
    readonly context: number;
    readonly ms: number;
    readonly megabytes: number;
    readonly gigaflops: number;
  }[];
  readonly line: { readonly fixedMs: number; readonly msPerUnit: number; readonly worst: number };
}
export interface ScalingLine {
  readonly bench: 'scaling';
  readonly model: string;
  readonly machine: Machine;
  readonly batchContext: number;
  readonly byContext: Series;
  readonly byBatch: Series;
}
type Line = EngineLine | KernelsLine | LoadLine | ScalingLine | { readonly bench: 'other' };

/** @param directory bench/results */
export function measuredIn(directory: string): Measured {
  const names = existsSync(directory) ? readdirSync(directory).sort() : [];
  const files = names
    .filter((name) => name.endsWith('.jsonl'))
    .map((name) => ({ name, lines: linesOf(join(directory, name)) }));
  const all = files.flatMap(({ lines }) => lines);
  const bandwidth = new Map(all.filter(isKernels).map((line) => [machineKey(line.machine), line.calibration.gbs]));
  const gigabytes = new Map(all.filter(isLoad).map((line) => [line.model, line.fileMB / 1000]));
  const rows = files.flatMap(({ name, lines }) =>
    engineRows(name, lines.filter(isEngine), (line, load, rate) => {
      const [gb, gbs] = [gigabytes.get(line.model), bandwidth.get(machineKey(line.machine))];
      // Of a batch the products are no longer bound by memory on a processor.
      return load === 'decode 1' && gb !== undefined && gbs !== undefined ? (rate * gb) / gbs : null;
    }),
  );
  const gpuFiles = names.filter((name) => /^gpu-.*\.json$/.test(name) && !isSoftware(join(directory, name)));
  const scaling = files
    .flatMap(({ name, lines }) => lines.filter(isScaling).map((line) => ({ file: name, line })))
    .at(-1);
  return { rows, gpuFiles, scaling: scaling ?? null };
}

/** One row for each load of the file's last run: builds before it may differ. */
function engineRows(
  file: string,
  lines: readonly EngineLine[],
  share: (line: EngineLine, load: string, rate: number) => number | null,
): MeasuredRow[] {
  const last = lines.at(-1);
  if (last === undefined) return [];
  const { date, adapter, cpu } = last.machine;
  return last.rows
    .filter(({ key }) => !key.endsWith(' ms'))
    .map(({ key: load, ours, peer }) => {
      return { file, date, adapter, cpu, model: last.model, load, ours, peer, share: share(last, load, ours) };
    });
}

function linesOf(file: string): Line[] {
  return readFileSync(file, 'utf8')
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as Line);
}

const isEngine = (line: Line): line is EngineLine => line.bench === 'engine';
const isKernels = (line: Line): line is KernelsLine => line.bench === 'kernels' && 'calibration' in line;
const isScaling = (line: Line): line is ScalingLine => line.bench === 'scaling' && 'byContext' in line;
const isLoad = (line: Line): line is LoadLine => line.bench === 'load' && 'fileMB' in line;

function isSoftware(file: string): boolean {
  const { adapter } = JSON.parse(readFileSync(file, 'utf8')) as { adapter?: { machine?: Machine } };
  return /llvmpipe|swiftshader/i.test(adapter?.machine?.adapter ?? 'llvmpipe');
}

function machineKey({ cpu, adapter }: Machine): string {
  return `${cpu} ${adapter}`;
}
