/** The figures for people, in the order of vLLM's table. */
import type { ServerResult } from './rounds.ts';

const headings: Readonly<Record<string, string>> = {
  completed: 'Successful requests',
  failed: 'Failed requests',
  duration: 'Benchmark duration (s)',
  total_input_tokens: 'Total input tokens',
  total_output_tokens: 'Total generated tokens',
  request_throughput: 'Request throughput (req/s)',
  request_goodput: 'Request goodput (req/s)',
  output_throughput: 'Output token throughput (tok/s)',
  max_output_tokens_per_s: 'Peak output token throughput (tok/s)',
  max_concurrent_requests: 'Peak concurrent requests',
  total_token_throughput: 'Total token throughput (tok/s)',
};

/** `p99_ttft_ms` → `P99 TTFT (ms)` */
function headingOf(key: string): string {
  const [, statistic = '', metric = ''] = /^(\w+?)_(\w+)_ms$/.exec(key) ?? [];
  return headings[key] ?? `${statistic[0].toUpperCase()}${statistic.slice(1)} ${metric.toUpperCase()} (ms)`;
}

export function tableOf(results: readonly ServerResult[], ratios: Readonly<Record<string, number>> | null): string[] {
  const [first] = results;
  const keys = [...Object.keys(headings), ...Object.keys(first.figures).filter((key) => key.endsWith('_ms'))];
  const cell = (text: string): string => text.padStart(14);
  const number = (value: number | null): string =>
    value === null ? '' : Number.isInteger(value) ? String(value) : value.toFixed(2);
  const head =
    results.length > 1 ? [`${''.padEnd(40)}${results.map(({ label }) => cell(label)).join('')}${cell('ratio')}`] : [];
  const lines = keys
    .filter((key) => results.some(({ figures }) => figures[key] !== null))
    .map((key) => {
      const values = results.map(({ figures }) => cell(number(figures[key]))).join('');
      const ratio = ratios?.[key] === undefined ? '' : cell(ratios[key].toFixed(3));
      return `${`${headingOf(key)}:`.padEnd(40)}${values}${ratio}`;
    });
  return [...head, ...lines, ...results.flatMap(notesOf)];
}

function notesOf({ label, tokenCounts, inputCounts, errorCounts }: ServerResult): string[] {
  const output = {
    usage: 'counted by the server',
    chunks: 'pieces of the stream',
    mixed: 'partly pieces of the stream',
  };
  const input = { usage: 'counted by the server', planned: 'as planned', mixed: 'partly as planned' };
  return [
    `${label}: output tokens are ${output[tokenCounts]}, input tokens ${input[inputCounts]}`,
    ...Object.entries(errorCounts).map(([error, n]) => `${label}: ${n} failed: ${error}`),
  ];
}
