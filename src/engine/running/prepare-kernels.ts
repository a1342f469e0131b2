/**
 * Which kernels a model runs with on this adapter: measured, then tested. Not on lavapipe's own set, whose choices are
 * measured and which every test of this package runs, and not with ops of the caller's own, which may mean something else.
 */
import type { EngineConfig } from '../../config.ts';
import type { Gpu } from '../../gpu/device.ts';
import type { OpenModel } from '../../model/files/open-model.ts';
import { recordModel } from '../../model/weights/memory-plan.ts';
import { smallBatch, smallCache } from '../../kernels/self-test/check-program.ts';
import { selfTest } from '../../kernels/self-test/self-test.ts';
import { DeviceTuner } from '../../kernels/tuning/time-products.ts';
import { choicesOf } from '../../kernels/tuning/tune-products.ts';
import type { WebGPUOps } from '../../kernels/webgpu-ops.ts';
import type { EnginePlan } from './plan-engine.ts';
import { TunedFile, tunedProducts } from './tuned-products.ts';
import { usedMatrices } from './used-matrices.ts';

/**
 * @returns which kernels were found wrong and replaced, a line each
 * @throws EngineError no_adapter where the adapter computes something wrong that has one kernel only
 */
export async function prepareKernels(
  ops: WebGPUOps,
  opened: OpenModel,
  plan: EnginePlan,
  config: EngineConfig,
): Promise<string[]> {
  const { context } = ops;
  if (context.kernelSet === 'lavapipe') return [];
  const cache = smallCache(plan.kv);
  const { activations } = plan;
  const { recording, kv, step } = recordModel(opened, plan.weights, { batch: smallBatch(cache), activations }, cache);
  const { nodes } = recording;
  // A software adapter would take all of the time to compile; and what does not depend on the batch does not depend on times.
  if (config.autotune && !config.deterministic && !context.gpu.isSoftware) {
    const file = new TunedFile([...describe(context.gpu), activations]);
    const say = (line: string): void => void process.stderr.write(`${line}\n`);
    const now = (): number => performance.now() / 1000;
    const most = { ofStep: plan.batchMaxTokens, ofLogits: config.runningMaxReqSize };
    const used = usedMatrices(nodes, step, most, config.fusion);
    const answers = await tunedProducts(used, new DeviceTuner(ops), file, { say, now });
    context.productChoices = choicesOf(answers);
  }
  return selfTest(ops, nodes, { kv, step });
}

const describe = ({ description, adapter: { info }, matrixUnit }: Gpu): unknown[] => [
  ...[description, info.vendor, info.architecture, matrixUnit],
];
