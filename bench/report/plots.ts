/** The report's plots as SVG, by Vega-Lite, without a browser. */
import { parse, View } from 'vega';
import { compile, type TopLevelSpec } from 'vega-lite';
import type { MeasuredRow, ScalingLine, Series } from './measured.ts';
import type { NormalizedRow } from './normalize.ts';

const config = { font: 'sans-serif', background: '#fff', view: { stroke: '#ddd' } } as const;

export interface Dot {
  readonly engine: string;
  /** Model, weights and hardware. */
  readonly what: string;
  /** From 0 to 1. */
  readonly share: number;
  readonly isWhole: boolean;
}

export function dotOf({ row, model, hardware, share, isWhole }: NormalizedRow): Dot {
  const devices = row.devices > 1 ? `${row.devices} × ` : '';
  return { engine: row.engine, what: `${model} ${row.format}, ${devices}${hardware}`, share, isWhole };
}

/** A dot for each figure: its share of the hardware's peak, by engine. */
export function sharePlot(title: string, dots: readonly Dot[]): Promise<string> {
  const values = dots.map(({ isWhole, ...dot }) => ({ ...dot, counts: isWhole ? 'everything' : 'answers only' }));
  const shape = { field: 'counts', type: 'nominal', title: null } as const;
  return toSvg({
    title,
    width: 420,
    data: { values },
    mark: { type: 'point', filled: true, size: 60, opacity: 0.8 },
    encoding: {
      y: { field: 'what', type: 'nominal', title: null, sort: '-x', axis: { labelLimit: 420 } },
      x: {
        field: 'share',
        type: 'quantitative',
        title: 'share of the hardware’s peak',
        axis: { format: '%' },
        scale: { domain: [0, 1] },
      },
      color: { field: 'engine', type: 'nominal', title: null },
      ...(dots.every(({ isWhole }) => isWhole) ? {} : { shape }),
    },
  });
}

/** Tokens per second against the number of sequences that decode together. */
export function batchPlot(title: string, rows: readonly MeasuredRow[]): Promise<string> {
  const values = rows.flatMap(({ load, ours, peer }) => {
    const batch = Number(load.replace('decode ', ''));
    const own = { who: 'Dawnlight, lavapipe', batch, rate: ours };
    return peer === null ? [own] : [own, { who: 'llama.cpp, CPU', batch, rate: peer }];
  });
  return toSvg({
    title,
    width: 420,
    height: 240,
    data: { values },
    mark: { type: 'line', point: true },
    encoding: {
      x: { field: 'batch', type: 'quantitative', title: 'sequences', scale: { type: 'log', base: 2 } },
      y: { field: 'rate', type: 'quantitative', title: 'tokens per second, all together' },
      color: { field: 'who', type: 'nominal', title: null },
    },
  });
}

/** A decode step's time against context and against batch: what was measured, and the straight line in what was counted. */
export function scalingPlot(title: string, { byContext, byBatch, batchContext }: ScalingLine): Promise<string> {
  const panel = (x: 'context' | 'batch', { rows, line }: Series, counted: 'megabytes' | 'gigaflops', name: string) => ({
    width: 300,
    height: 240,
    data: {
      values: rows.flatMap((row) => [
        { x: row[x], ms: row.ms, what: 'measured' },
        { x: row[x], ms: line.fixedMs + line.msPerUnit * row[counted], what: 'as computed' },
      ]),
    },
    mark: { type: 'line', point: true } as const,
    encoding: {
      x: { field: 'x', type: 'quantitative', title: name, scale: { type: 'log', base: 2 } },
      y: { field: 'ms', type: 'quantitative', title: 'milliseconds of a step', scale: { type: 'log', base: 2 } },
      color: { field: 'what', type: 'nominal', title: null },
    } as const,
  });
  return toSvg({
    title,
    hconcat: [
      panel('context', byContext, 'megabytes', 'tokens of context, one sequence'),
      panel('batch', byBatch, 'gigaflops', `sequences of ${batchContext} tokens`),
    ],
  });
}

async function toSvg(spec: TopLevelSpec): Promise<string> {
  const view = new View(parse(compile({ ...spec, config }).spec), { renderer: 'none' });
  const svg = await view.toSVG();
  view.finalize();
  return `${svg}\n`;
}
