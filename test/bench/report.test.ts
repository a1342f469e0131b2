// bench/published.json is whole, every row of it can be normalized, and docs/benchmarks.md is what the report makes of it.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { measuredIn } from '../../bench/report/measured.ts';
import { normalize } from '../../bench/report/normalize.ts';
import { renderReport } from '../../bench/report/page.ts';
import { publishedSchema, type Published } from '../../bench/report/schema.ts';
import { tempDir } from '../helpers/temp-dir.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));
const json = JSON.parse(readFileSync(`${root}bench/published.json`, 'utf8')) as Published;

t.test('every row has a source and a date, and its share of the peak is one', (t) => {
  const published = publishedSchema.parse(json);
  for (const { row, share, tokensPerSecond } of normalize(published)) {
    const name = `${row.engine} ${row.model} ${row.hardware} ${row.phase}`;
    t.ok(tokensPerSecond > 0 && share > 0 && share <= 1, `${name}: ${share}`);
    t.ok(row.published === null || row.published <= row.read, name);
  }
  const used = new Set(published.rows.map(({ hardware }) => hardware));
  t.same(
    Object.keys(published.hardware).filter((name) => !used.has(name)),
    [],
    'no device that no row names',
  );
  t.end();
});

t.test('the engines that people compare with are there, or it says why not', (t) => {
  const { rows, missing } = publishedSchema.parse(json);
  const named = new Set([...rows, ...missing].map(({ engine }) => engine));
  const native = ['LightLLM', 'vLLM', 'SGLang', 'TensorRT-LLM', 'mini-sglang', 'nano-vllm'];
  const llamaCpp = ['CUDA', 'Vulkan', 'WebGPU', 'CPU'].map((backend) => `llama.cpp ${backend}`);
  const web = ['WebLLM', 'ORT WebGPU', 'transformers.js'];
  t.same(
    [...native, ...llamaCpp, ...web].filter((engine) => !named.has(engine)),
    [],
  );
  t.end();
});

const small: Published = {
  hardware: { gpu: { name: 'GPU', gbs: 1000, tflops: { f16: 100 }, source: 'https://example.org' } },
  models: { m: { name: 'M', parameters: 8, source: 'the model’s name' } },
  rows: [],
  missing: [],
};
const rowOf = (row: object) => {
  const common = {
    engine: 'e',
    model: 'm',
    format: 'f',
    hardware: 'gpu',
    unit: 'tok/s',
    load: { input: null, output: null },
  };
  const dated = { source: 'https://example.org', published: null, read: '2026-11-27' };
  return publishedSchema.parse({ ...small, rows: [{ ...common, ...dated, ...row }] });
};

t.test('decode is a share of bandwidth, prefill and serving of arithmetic', (t) => {
  const shareOf = (row: object): number => normalize(rowOf(row))[0].share;
  const near = (actual: number, expected: number): boolean =>
    t.ok(Math.abs(actual / expected - 1) < 1e-12, `${actual}`);
  const decode = { phase: 'decode', figure: 50, batch: 1, gigabytes: 16 };
  near(shareOf(decode), 0.8);
  near(shareOf({ ...decode, batch: 4, devices: 2 }), 0.1);
  near(shareOf({ ...decode, figure: 20, unit: 'ms/step', batch: 4 }), 0.8);
  near(shareOf({ phase: 'prefill', figure: 1000, arithmetic: 'f16' }), 0.16);
  const serving = { phase: 'serving', figure: 1000, arithmetic: 'f16', counts: 'output' };
  near(shareOf(serving), 0.16);
  near(shareOf({ ...serving, load: { input: 300, output: 100 } }), 0.64);
  near(shareOf({ ...serving, counts: 'total', load: { input: 300, output: 100 } }), 0.16);
  near(shareOf({ ...serving, figure: 1, unit: 'req/s', counts: 'total', load: { input: 900, output: 100 } }), 0.16);
  t.equal(normalize(rowOf(serving))[0].isWhole, false, 'prompts of unknown length');
  t.throws(() => shareOf({ ...serving, arithmetic: 'fp8' }), { message: 'e m gpu: no peak for fp8' });
  t.throws(() => shareOf({ ...decode, hardware: 'other' }), { message: 'e m other: not in the tables' });
  t.throws(() => rowOf({ phase: 'decode', figure: 50, batch: 1 }), { message: /gigabytes/ });
  t.end();
});

t.test('what was measured: the last run of each file, its share where the machine was timed, GPUs by name', (t) => {
  const dir = tempDir(t);
  const machine = { cpu: 'C', adapter: 'llvmpipe-llvm-1-256-bits-: Mesa 25.0.7', date: '2026-01-01' };
  const put = (name: string, ...lines: object[]): void =>
    writeFileSync(join(dir, name), lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
  const engine = (ours: number) => ({
    bench: 'engine',
    model: 'M.gguf',
    machine,
    rows: [
      { key: 'ttft 16 ms', ours: 80, peer: null },
      { key: 'decode 1', ours, peer: 40 },
    ],
  });
  put('engine-a.jsonl', engine(20), engine(50));
  t.match(measuredIn(dir).rows, [{ file: 'engine-a.jsonl', load: 'decode 1', ours: 50, peer: 40, share: null }]);
  put('kernels-a.jsonl', { bench: 'kernels', machine, calibration: { gmacs: 1, gbs: 10 } });
  put('load-a.jsonl', { bench: 'load', model: 'M.gguf', fileMB: 100 });
  t.equal(measuredIn(dir).rows[0].share, 0.5);
  t.same(measuredIn(dir).gpuFiles, []);
  put('gpu-soft.json', { adapter: { machine } });
  put('gpu-hard.json', { adapter: { machine: { ...machine, adapter: 'NVIDIA H100' } } });
  t.same(measuredIn(dir).gpuFiles, ['gpu-hard.json']);
  t.end();
});

t.test('docs/benchmarks.md and its plots are up to date: npm run bench -- report', async (t) => {
  for (const [path, text] of await renderReport(root)) t.equal(readFileSync(root + path, 'utf8'), text, path);
});
