/** Runs the same op on the device and by the reference, and says which kernels were wrong. */
import { watched } from '../../gpu/refusal.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import type { Matrix, Ops } from '../ops.ts';
import type { ReferenceOps } from '../reference-ops.ts';
import type { WebGPUOps } from '../webgpu-ops.ts';

/**
 * Normalized mean squared error, `Σ(a-b)² / Σb²`, up to which a kernel counts as right. Operands rounded to f16 make 1e-6; one
 * wrong row of a thousand makes 1e-3.
 */
const BOUND = 1e-5;

export interface Backends {
  readonly device: WebGPUOps;
  readonly reference: ReferenceOps;
}

export interface Wrong {
  readonly op: string;
  /** Names of the kernels that computed it. */
  readonly kernels: readonly string[];
  /** What WebGPU says, or by how much the result is off. */
  readonly why: string;
}

/**
 * @param run the op with its inputs; called once for each backend
 * @returns null: it is right
 */
export async function checkOp(
  op: string,
  { device, reference }: Backends,
  run: (ops: Ops) => Tensor,
): Promise<Wrong | null> {
  const { gpu, recorder } = device.context;
  // A kernel that the driver refuses must not count as a failure of the whole device.
  const made: Tensor[] = [];
  const { result, refusal } = watched(gpu.device, () => {
    const list = recorder.capture(() => void made.push(run(device)));
    return { list, reading: device.read(made[0]) };
  });
  const { list, reading } = result;
  const kernels = list?.dispatches.map(({ kernel }) => kernel.name) ?? [];
  const refused = await refusal;
  if (refused) {
    await reading.catch(() => undefined);
    return { op, kernels, why: refused.message.split('\n')[0] };
  }
  const found = await reading;
  const wanted = await reference.read(run(reference));
  const error = errorOf(found, wanted);
  return error <= BOUND ? null : { op, kernels, why: `off by ${error.toExponential(1)}` };
}

/** Products of small matrices take the plans that were chosen for the model's. */
export async function withChoicesOf<T>(
  { device: { context } }: Backends,
  { rows, cols }: Matrix,
  run: () => Promise<T>,
): Promise<T> {
  const choices = context.productChoices;
  context.productChoices = choices && ((asked) => choices({ ...asked, rows, cols }));
  try {
    return await run();
  } finally {
    context.productChoices = choices;
  }
}

function errorOf(found: ArrayLike<number>, wanted: ArrayLike<number>): number {
  let error = 0;
  let power = 0;
  for (let i = 0; i < wanted.length; i++) {
    error += (found[i] - wanted[i]) ** 2;
    power += wanted[i] ** 2;
  }
  const share = error === 0 ? 0 : error / power;
  return Number.isNaN(share) ? Infinity : share;
}
