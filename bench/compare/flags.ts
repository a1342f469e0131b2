import { declare } from '../helpers/declare.ts';

export const spec = declare({
  name: 'compare',
  measures: 'nothing: shows the figures of two results (files of JSON lines, as benches print them) as ratios',
  more:
    'A figure has the same name in both files; several lines with the same names are one figure, their median. Ratios of two\n' +
    'runs say little on a shared machine: measure both sides in alternating rounds where a bench can (`--peer`, `--variant`).',
  operands: ['<a.jsonl>', '<b.jsonl>'],
  flags: {},
  examples: ['bench/results/engine-2026-11-23-busy.jsonl bench/results/engine-2026-11-26.jsonl'],
});
