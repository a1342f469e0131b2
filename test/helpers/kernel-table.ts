/** Runs kernel cases on one kernel set: against ReferenceOps with validation on, and again with production toggles. */
import { openGpu, type Gpu, type KernelSet } from '../../src/gpu/device.ts';
import { ReferenceOps } from '../../src/kernels/reference-ops.ts';
import type { Ops } from '../../src/kernels/ops.ts';
import type { WebGPUOpsOptions } from '../../src/kernels/webgpu-context.ts';
import { WebGPUOps } from '../../src/kernels/webgpu-ops.ts';
import { allCases } from '../kernels/cases/all-cases.ts';
import { difference, exact, within, type Bound, type KernelCase } from '../kernels/cases/case.ts';

export interface KernelResult {
  readonly name: string;
  readonly ok: boolean;
  /** WebGPU with validation and robustness against the reference. */
  readonly found: Bound;
  /** Production toggles against that: 0 unless the driver compiles the two differently. */
  readonly production: Bound;
}

type Values = Float32Array | Uint32Array;

/** Both devices of a run; each activation form has its own ops on them. */
class Backend {
  readonly #ops = new Map<string, Ops>();
  readonly #gpus: Gpu[] = [];
  readonly #validation: boolean;
  readonly #kernelSet: KernelSet | undefined;
  readonly #createOps: CreateOps;

  constructor(validation: boolean, kernelSet: KernelSet | undefined, createOps: CreateOps) {
    this.#validation = validation;
    this.#kernelSet = kernelSet;
    this.#createOps = createOps;
  }

  async run(kernelCase: KernelCase): Promise<Values> {
    const activations = kernelCase.activations ?? 'f32';
    let ops = this.#ops.get(activations);
    if (!ops) {
      const gpu = await openGpu({ validation: this.#validation });
      this.#gpus.push(gpu);
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
  /** Run with production toggles as well. */
  readonly production?: boolean;
  /** Other kernels than WebGPUOps'. */
  readonly createOps?: CreateOps;
}

/** Yields a result a case. */
export async function* runKernelTable(options: TableOptions = {}): AsyncGenerator<KernelResult> {
  const { kernelSet, cases = allCases, createOps = (gpu, how) => new WebGPUOps(gpu, how) } = options;
  const validated = new Backend(true, kernelSet, createOps);
  const production = options.production === false ? null : new Backend(false, kernelSet, createOps);
  try {
    for (const kernelCase of cases) {
      const reference = new ReferenceOps({ activations: kernelCase.activations ?? 'f32' });
      const wanted = await reference.read((await kernelCase.prepare(reference))());
      const values = await validated.run(kernelCase);
      const found = difference(values, wanted);
      const toggled = production ? difference(await production.run(kernelCase), values) : exact;
      const ok = within(found, kernelCase.webgpuBound) && within(toggled, kernelCase.webgpuBound);
      yield { name: kernelCase.name, ok, found, production: toggled };
    }
  } finally {
    validated.destroy();
    production?.destroy();
  }
}
