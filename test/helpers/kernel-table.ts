/** Runs kernel cases on one kernel set: against ReferenceOps as they run in production, and again with robust shaders. */
import { openGpu, type Gpu, type KernelSet } from '../../src/gpu/device.ts';
import { ReferenceOps } from '../../src/kernels/reference-ops.ts';
import type { Ops } from '../../src/kernels/ops.ts';
import type { WebGPUOpsOptions } from '../../src/kernels/webgpu-context.ts';
import { WebGPUOps } from '../../src/kernels/webgpu-ops.ts';
import { allCases } from '../kernels/cases/all-cases.ts';
import { difference, exact, halfBound, within, type Bound, type KernelCase } from '../kernels/cases/case.ts';

export interface KernelResult {
  readonly name: string;
  readonly ok: boolean;
  /** WebGPU against the reference. */
  readonly found: Bound;
  /** The same with shaders that check their indices: 0 unless one goes out of bounds or is compiled differently. */
  readonly robust: Bound;
}

type Values = Float32Array | Uint32Array;

/** Both devices of a run; each activation form has its own ops on them. */
class Backend {
  readonly #ops = new Map<string, Ops>();
  readonly #gpus: Gpu[] = [];
  readonly #robustness: boolean;
  readonly #kernelSet: KernelSet | undefined;
  readonly #createOps: CreateOps;
  /** Its matrix units take operands of f16. */
  roundsProducts = false;

  constructor(robustness: boolean, kernelSet: KernelSet | undefined, createOps: CreateOps) {
    this.#robustness = robustness;
    this.#kernelSet = kernelSet;
    this.#createOps = createOps;
  }

  async run(kernelCase: KernelCase): Promise<Values> {
    const activations = kernelCase.activations ?? 'f32';
    let ops = this.#ops.get(activations);
    if (!ops) {
      const gpu = await openGpu({ validation: true, robustness: this.#robustness });
      this.#gpus.push(gpu);
      this.roundsProducts = gpu.matrixUnit?.operand === 'f16';
      ops = this.#createOps(gpu, { activations, ...(this.#kernelSet ? { kernelSet: this.#kernelSet } : {}) });
      this.#ops.set(activations, ops);
    }
    const record = await kernelCase.prepare(ops);
    const values = await ops.read(record());
    ops.endStep();
    return values;
  }

  destroy(): void {
    for (const gpu of this.#gpus) gpu.destroy();
  }
}

export type CreateOps = (gpu: Gpu, options: WebGPUOpsOptions) => Ops;

export interface TableOptions {
  /** The adapter's own unless said otherwise. */
  readonly kernelSet?: KernelSet;
  readonly cases?: readonly KernelCase[];
  /** Those that are run with robust shaders as well: each is compiled once more. Default: core cases. */
  readonly robust?: (kernelCase: KernelCase) => boolean;
  /** Other kernels than WebGPUOps'. */
  readonly createOps?: CreateOps;
  /** Where these kernels may be further off than a case allows. */
  readonly bound?: Bound;
}

/** Yields a result a case. */
export async function* runKernelTable(options: TableOptions = {}): AsyncGenerator<KernelResult> {
  const { kernelSet, cases = allCases, bound = exact, createOps = (gpu, how) => new WebGPUOps(gpu, how) } = options;
  const { robust: isRobustToo = ({ core }: KernelCase) => core === true } = options;
  const plain = new Backend(false, kernelSet, createOps);
  const checked = new Backend(true, kernelSet, createOps);
  try {
    for (const kernelCase of cases) {
      const reference = new ReferenceOps({ activations: kernelCase.activations ?? 'f32' });
      const wanted = await reference.read((await kernelCase.prepare(reference))());
      const values = await plain.run(kernelCase);
      const found = difference(values, wanted);
      const robust = isRobustToo(kernelCase) ? difference(await checked.run(kernelCase), values) : exact;
      const { nmse, maxAbs } = kernelCase.webgpuBound;
      const isRounded = plain.roundsProducts && /^(matmul|expertMatmul|headMatmul|attention) /.test(kernelCase.name);
      const looser = isRounded ? halfBound : bound;
      const allowed = { nmse: Math.max(nmse, looser.nmse), maxAbs: Math.max(maxAbs, looser.maxAbs) };
      const ok = within(found, allowed) && within(robust, allowed);
      yield { name: kernelCase.name, ok, found, robust };
    }
  } finally {
    plain.destroy();
    checked.destroy();
  }
}
