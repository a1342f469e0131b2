/**
 * Everything that can be said about one adapter in one run: what it is and costs, the kernel table, the models against
 * transformers' logits, speed at real shapes against the roofline, and the engine. `npm run gpu` calls it; it needs no
 * network and no weights. Each part is a process with its own time limit, and what is known is in the results file after
 * each, so that no driver can lose the rest; the run ends within `--minutes`. On a software adapter shapes are smaller.
 *   node .bench/bench/gpu/main.js [--out FILE] [--minutes 8] [--shapes smollm2-135m,llama-3.2-1b] [--prefill 512] [--batches 1,4,16,64]
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { killRunning, runChild } from './child.ts';
import { shapes } from './random-checkpoint.ts';
import { Stages, type StageOptions } from './stages.ts';

const { values: flags } = parseArgs({
  options: {
    out: { type: 'string', default: 'gpu.json' },
    minutes: { type: 'string' },
    shapes: { type: 'string' },
    prefill: { type: 'string' },
    batches: { type: 'string' },
    rounds: { type: 'string', default: '5' },
  },
});

interface Plan {
  readonly minutes: number;
  readonly shapes: string;
  readonly prefill: number;
  readonly batches: string;
  readonly productShapes: string;
  readonly productTokens: string;
}

const onGpu: Plan = {
  minutes: 8,
  shapes: 'smollm2-135m,llama-3.2-1b',
  prefill: 512,
  batches: '1,4,16,64',
  productShapes: '4096x4096,28672x4096,4096x14336',
  productTokens: '1,16,512',
};
/** lavapipe compiles for minutes and multiplies at a thousandth of a GPU's rate. */
const onSoftware: Plan = {
  minutes: 25,
  shapes: 'smollm2-135m',
  prefill: 128,
  batches: '1,4,16',
  productShapes: '1536x576',
  productTokens: '1,16,128',
};

for (const name of (flags.shapes ?? '').split(',').filter(Boolean))
  if (!shapes[name]) throw new Error(`--shapes: ${name} is none of ${Object.keys(shapes).join(', ')}`);

const stages = new Stages(Number(flags.minutes ?? onGpu.minutes) * 60_000, flags.out);
for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.once(signal, () => {
    killRunning();
    stages.interrupt(signal);
    process.exit(1);
  });

const part = (name: string, options: StageOptions = {}): Promise<unknown> =>
  stages.run(name, (limit) => runChild('gpu/part.js', [name], limit), options);

/** Speed of one shape in each weight format, then the engine as the server runs it. */
async function speedsOf(name: string, plan: Plan, bandwidth: number): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'dawnlight-random-'));
  const withOptions = (kind: string, options: object) => (limit: number) =>
    runChild('gpu/part.js', [kind, JSON.stringify(options)], limit);
  try {
    let expectedMs = 20_000;
    await stages.run(`${name} written`, withOptions('write', { shape: name, directory }), { share: 0.2 });
    for (const quant of ['int4', 'int8', 'none']) {
      const start = performance.now();
      const batches = plan.batches.split(',').map(Number);
      const options = { path: directory, quant, activations: 'f32', bandwidth, rounds: Number(flags.rounds), batches };
      await stages.run(`${name} ${quant}`, withOptions('speed', { ...options, prefill: plan.prefill }), {
        expectedMs,
        share: 0.2,
      });
      expectedMs = Math.max(expectedMs, performance.now() - start);
    }
    const engine = `--quant int4 --rounds 3 --tokens 32 --batches 1,16 --prompt ${plan.prefill} --model ${directory}`;
    const run = (limit: number) => runChild('engine/main.js', engine.split(' '), limit);
    await stages.run(`${name} engine`, run, { expectedMs, share: 0.25 });
  } finally {
    rmSync(directory, { recursive: true });
  }
}

function finish(): never {
  stages.save();
  const { results, errors, skipped } = stages;
  const { kernels, models = {} } = results as {
    kernels?: { failures: string[] };
    models?: Record<string, { ok: boolean }>;
  };
  const failed = (kernels?.failures.length ?? 0) + Object.values(models).filter(({ ok }) => !ok).length;
  console.log(JSON.stringify({ bench: 'gpu', ...results, errors, skipped }));
  for (const error of errors) console.log(`not whole: ${error}`);
  console.log(
    `${failed} failures, ${errors.length} parts not whole, ${skipped.length} skipped; ${flags.out} has it all`,
  );
  const whole = errors.length === 0 && kernels !== undefined && 'models' in results;
  process.exit(whole && failed === 0 ? 0 : 1);
}

const adapter = (await part('adapter', { share: 0.25 })) as { kernelSet: string; description: string } | undefined;
if (adapter) {
  const usual = adapter.kernelSet === 'cpu-adapter' ? onSoftware : onGpu;
  const plan: Plan = {
    ...usual,
    minutes: Number(flags.minutes ?? usual.minutes),
    shapes: flags.shapes ?? usual.shapes,
    prefill: Number(flags.prefill ?? usual.prefill),
    batches: flags.batches ?? usual.batches,
  };
  stages.limitMs = plan.minutes * 60_000;
  await part('overheads', { share: 0.1 });
  await part('kernels', { share: 0.5 });
  await part('models', { share: 0.3 });
  const bandwidth = (await part('bandwidth', { share: 0.1 })) as { gbs: number } | undefined;
  if (bandwidth) for (const name of plan.shapes.split(',').filter(Boolean)) await speedsOf(name, plan, bandwidth.gbs);
  const products = `--no-peers --only ^matmul --rounds 3 --shapes ${plan.productShapes} --tokens ${plan.productTokens}`;
  await stages.run('products', (limit) => runChild('kernels/main.js', products.split(' '), limit), {
    expectedMs: 30_000,
    share: 0.25,
  });
}
finish();
