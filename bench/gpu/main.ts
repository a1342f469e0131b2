/**
 * Everything that can be said about one adapter in one run: what it is and costs, the kernel table, the models against
 * transformers' logits, speed at real shapes against the roofline, and the engine. `npm run gpu` calls it; it needs no
 * network and no weights. Each part is a process with its own time limit, and what is known is in the results file after
 * each, so that no driver can lose the rest; the run ends within `--minutes`. On a software adapter shapes are smaller.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { FlagsOf, RunBench } from '../helpers/declare.ts';
import { killRunning, runChild } from './child.ts';
import type { spec } from './flags.ts';
import { Stages, type StageOptions } from './stages.ts';

interface Plan {
  readonly minutes: number;
  readonly shapes: readonly string[];
  readonly prefill: number;
  readonly batches: readonly number[];
  readonly productShapes: string;
  readonly productTokens: string;
}

const onGpu: Plan = {
  minutes: 8,
  shapes: ['smollm2-135m', 'llama-3.2-1b'],
  prefill: 512,
  batches: [1, 4, 16, 64],
  productShapes: '4096x4096,28672x4096,4096x14336',
  productTokens: '1,16,512',
};
/** lavapipe compiles for minutes and multiplies at a thousandth of a GPU's rate. */
const onSoftware: Plan = {
  minutes: 25,
  shapes: ['smollm2-135m'],
  prefill: 128,
  batches: [1, 4, 16],
  productShapes: '1536x576',
  productTokens: '1,16,128',
};

function planOf(flags: FlagsOf<typeof spec>, kernelSet: string): Plan {
  const usual = kernelSet === 'lavapipe' ? onSoftware : onGpu;
  return {
    ...usual,
    minutes: flags.minutes ?? usual.minutes,
    shapes: flags.shapes.length > 0 ? flags.shapes : usual.shapes,
    prefill: flags.prefill ?? usual.prefill,
    batches: flags.batches.length > 0 ? flags.batches : usual.batches,
  };
}

/** Another bench as a part. */
const bench =
  (name: string, ...args: string[]) =>
  (limit: number) =>
    runChild('main.js', [name, ...args], limit);

/** Speed of one shape in each weight format, then the engine as the server runs it. */
async function speedsOf(stages: Stages, name: string, plan: Plan, bandwidth: number, rounds: number): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'dawnlight-random-'));
  const withOptions = (kind: string, options: object) => (limit: number) =>
    runChild('gpu/part.js', [kind, JSON.stringify(options)], limit);
  try {
    let expectedMs = 20_000;
    await stages.run(`${name} written`, withOptions('write', { shape: name, directory }), { share: 0.2 });
    for (const quant of ['int4', 'int8', 'none']) {
      const start = performance.now();
      const { batches, prefill } = plan;
      const options = { path: directory, quant, activations: 'f32', bandwidth, rounds, batches, prefill };
      await stages.run(`${name} ${quant}`, withOptions('speed', options), { expectedMs, share: 0.2 });
      expectedMs = Math.max(expectedMs, performance.now() - start);
    }
    const flags = `--quant int4 --rounds 3 --tokens 32 --batches 1,16 --prompt ${plan.prefill} --model ${directory}`;
    await stages.run(`${name} engine`, bench('engine', ...flags.split(' ')), { expectedMs, share: 0.25 });
  } finally {
    rmSync(directory, { recursive: true });
  }
}

/** Failures are named before the last line. */
function summary({ results, errors, skipped }: Stages, out: string): ReturnType<RunBench<typeof spec>> {
  const { kernels, models = {} } = results as {
    kernels?: { failures: string[] };
    models?: Record<string, { ok: boolean }>;
  };
  const failed = (kernels?.failures.length ?? 0) + Object.values(models).filter(({ ok }) => !ok).length;
  for (const error of errors) console.log(`not whole: ${error}`);
  console.log(`${failed} failures, ${errors.length} parts not whole, ${skipped.length} skipped; ${out} has it all`);
  const whole = errors.length === 0 && kernels !== undefined && 'models' in results;
  return Promise.resolve({ result: { ...results, errors, skipped }, exitCode: whole && failed === 0 ? 0 : 1 });
}

export const run: RunBench<typeof spec> = async (flags) => {
  const stages = new Stages((flags.minutes ?? onGpu.minutes) * 60_000, flags.out);
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.once(signal, () => {
      killRunning();
      stages.interrupt(signal);
      process.exit(1);
    });
  const part = (name: string, options: StageOptions = {}): Promise<unknown> =>
    stages.run(name, (limit) => runChild('gpu/part.js', [name], limit), options);

  const adapter = (await part('adapter', { share: 0.25 })) as { kernelSet: string } | undefined;
  if (adapter) {
    const plan = planOf(flags, adapter.kernelSet);
    stages.limitMs = plan.minutes * 60_000;
    await part('overheads', { share: 0.1 });
    await part('kernels', { share: 0.5 });
    await part('models', { share: 0.3 });
    const bandwidth = (await part('bandwidth', { share: 0.1 })) as { gbs: number } | undefined;
    if (bandwidth) for (const name of plan.shapes) await speedsOf(stages, name, plan, bandwidth.gbs, flags.rounds);
    const products = `--no-peers --only ^matmul --rounds 3 --shapes ${plan.productShapes} --tokens ${plan.productTokens}`;
    await stages.run('products', bench('kernels', ...products.split(' ')), { expectedMs: 30_000, share: 0.25 });
  }
  stages.save();
  return summary(stages, flags.out);
};
