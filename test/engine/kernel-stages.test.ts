/** An engine that answers before all kernels are compiled: the same bits in each stage, and nothing is compiled in its way. */
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { defaultEngineConfig, type EngineConfig } from '../../src/config.ts';
import { EngineCore } from '../../src/engine/core/engine-core.ts';
import type { LoadedEngine } from '../../src/engine/client/engine-transport.ts';
import { compileInBackground } from '../../src/engine/running/background-kernels.ts';
import { KernelMark } from '../../src/engine/running/kernel-mark.ts';
import { loadEngine } from '../../src/engine/running/load-engine.ts';
import type { EnginePlan } from '../../src/engine/running/plan-engine.ts';
import { KernelStage, stageNames, type StageCompiled, type StageName } from '../../src/kernels/kernel-stage.ts';
import { WebGPUOps } from '../../src/kernels/webgpu-ops.ts';
import { Book, request } from '../helpers/engine-driver.ts';

const config: EngineConfig = {
  ...defaultEngineConfig,
  ...{ modelDir: fileURLToPath(new URL('../fixtures/models/llama-gguf-mixed/llama-gguf-mixed.gguf', import.meta.url)) },
  ...{ quant: 'int4', activationDtype: 'int8', maxTotalTokenNum: 600, runningMaxReqSize: 4, batchMaxTokens: 48 },
  ...{ chunkedPrefillSize: 48, disableDynamicPromptCache: true },
};

/** With the kernels of one stage. */
async function load(name: StageName) {
  const stage = new KernelStage();
  let ops: WebGPUOps | null = null;
  const { info, runner } = await loadEngine(config, () => undefined, {
    createOps: (gpu, options) => (ops = new WebGPUOps(gpu, { ...options, stage })),
    stages: [name],
  });
  stage.reach(name);
  return { stage, info, runner, ops: ops as unknown as WebGPUOps };
}

const prompts = [40, 3, 25].map((length, r) => Array.from({ length }, (_, i) => 3 + ((r * 31 + i * i) % 90)));

/** Answers' log-probabilities, as text. */
async function answers({ info, runner }: Pick<LoadedEngine, 'info' | 'runner'>, onStep = () => {}): Promise<string[]> {
  const core = new EngineCore({ config, info, runner, checkInvariants: true });
  prompts.forEach((ids, i) => core.add(request(`${i}`, ids, { maxTokens: 12, ignoreEos: true, logprobs: 1 })));
  const book = await new Book().finishAll(core, onStep);
  return prompts.map((_, i) => JSON.stringify(book.outputs.get(`${i}`)?.logprobs));
}

t.test('the same bits, whenever the stage changes', async (t) => {
  const engine = await load('fused');
  t.teardown(() => engine.runner.close());
  const { stage, ops } = engine;
  /** Answers where the stage changes behind `every` steps, and dispatches. */
  const run = async (begin: StageName, every: number) => {
    stage.reach(begin);
    const before = ops.context.recorder.dispatches;
    let step = 0;
    const bits = await answers(engine, () => {
      if (++step % every === 0) stage.reach(stageNames[Math.min(stageNames.indexOf(stage.name) + 1, 2)]);
    });
    return { bits, dispatches: ops.context.recorder.dispatches - before };
  };
  const fused = await run('fused', Infinity);
  t.ok(fused.bits.every((text) => text.length > 100));
  const first = await run('first', Infinity);
  t.same(first.bits, fused.bits, 'the first kernels alone');
  t.equal(first.dispatches > fused.dispatches, ops.context.kernelSet === 'lavapipe');
  t.same((await run('first', 3)).bits, fused.bits, 'changing on the way');
  t.same((await run('tiled', 5)).bits, fused.bits);
});

t.test('another process compiles the rest: the engine finds it made, and waits for nothing', async (t) => {
  const engine = await load('first');
  t.teardown(() => engine.runner.close());
  const { stage, ops } = engine;
  if (ops.context.kernelSet !== 'lavapipe') {
    t.pass('kernels of this adapter compile in one go');
    return;
  }
  const before = await answers(engine);
  t.teardown(compileInBackground(config, ops, { stage, mark: null, processes: 2 }));
  while (!stage.isFused) await new Promise((resolve) => setTimeout(resolve, 20));
  const made: string[] = [];
  ops.context.pipelines.onMade = ({ name }) => made.push(name);
  t.same(await answers(engine), before);
  t.same(made, []);
});

t.test('what one start needed the next one makes before its first step, all at once', async (t) => {
  const home = process.env['DAWNLIGHT_HOME'];
  process.env['DAWNLIGHT_HOME'] = t.testdir();
  t.teardown(() => {
    if (home === undefined) delete process.env['DAWNLIGHT_HOME'];
    else process.env['DAWNLIGHT_HOME'] = home;
  });
  const plan = { activations: 'q8', kvDtype: 'f32', lora: null } as unknown as EnginePlan;
  const mark = new KernelMark('an adapter', config, plan);
  t.same([mark.isThere, mark.kernels()], [false, []]);

  /** The pipelines that warm-up had to make. */
  const start = async (): Promise<readonly string[]> => {
    let made: string[] = [];
    const onStage = (stage: StageCompiled): void => void (made = stage.made.map(({ name }) => name));
    const { runner } = await loadEngine({ ...config, tieredStart: false }, () => undefined, { mark, onStage });
    await runner.close();
    return made;
  };
  const first = await start();
  t.ok(first.length > 5);
  t.same(
    mark.kernels().map(({ name }) => name),
    first,
  );
  t.same(await start(), []);
  t.same(new KernelMark('another adapter', config, plan).isThere, false);
});
