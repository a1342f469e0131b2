/** WGSL → compute pipelines, each compiled once, with compile errors that show the file and the line. */
import { EngineError } from '../errors.ts';

let nextId = 0;

export interface Kernel {
  readonly id: number;
  readonly name: string;
  readonly pipeline: GPUComputePipeline;
}

export type Constants = Readonly<Record<string, number>>;

/** All that a pipeline is made of; can be sent to another process. */
export interface KernelSource {
  readonly key: string;
  readonly name: string;
  readonly code: string;
  readonly constants: Constants;
}

export class PipelineCache {
  readonly #device: GPUDevice;
  readonly #kernels = new Map<string, Kernel>();
  /** Told of each pipeline that `get` makes. */
  onMade: ((source: KernelSource) => void) | null = null;

  constructor(device: GPUDevice) {
    this.#device = device;
  }

  /**
   * The kernel `name` of this source and these override constants; the entry point is `main`. `name` together with the
   * constants, and with `variant` where a name would get too long, must determine the source. Compile errors arrive as the device's failure, with file and source line.
   */
  get(name: string, source: () => string, constants: Constants = {}, variant = ''): Kernel {
    const key = `${name} ${JSON.stringify(constants)} ${variant}`;
    const known = this.#kernels.get(key);
    if (known) return known;
    const code = source();
    const made = { key, name, code, constants };
    this.onMade?.(made);
    return this.#keep(made, this.#device.createComputePipeline(this.#descriptor(made)));
  }

  /** Makes those of another process that are not there yet, beside whatever else runs: one at a time, to leave it the cores. */
  async prepare(sources: readonly KernelSource[]): Promise<void> {
    for (const source of sources) await this.#prepare(source);
  }

  /** The same on all cores, for a start that waits for them. */
  async prepareAll(sources: readonly KernelSource[]): Promise<void> {
    await Promise.all(sources.map((source) => this.#prepare(source)));
  }

  async #prepare(source: KernelSource): Promise<void> {
    if (this.#kernels.has(source.key)) return;
    const pipeline = await this.#device.createComputePipelineAsync(this.#descriptor(source));
    if (!this.#kernels.has(source.key)) this.#keep(source, pipeline);
  }

  #descriptor({ name, code, constants }: KernelSource): GPUComputePipelineDescriptor {
    const module = this.#device.createShaderModule({ code, label: name });
    void reportCompileErrors(name, code, module);
    return { layout: 'auto', label: name, compute: { module, entryPoint: 'main', constants } };
  }

  #keep({ key, name }: KernelSource, pipeline: GPUComputePipeline): Kernel {
    const kernel = { id: nextId++, name, pipeline };
    this.#kernels.set(key, kernel);
    return kernel;
  }
}

async function reportCompileErrors(name: string, code: string, module: GPUShaderModule): Promise<void> {
  const { messages } = await module.getCompilationInfo();
  const errors = messages.filter((m) => m.type === 'error');
  if (errors.length === 0) return;
  const lines = code.split('\n');
  const text = errors.map((m) => `${name}:${m.lineNum}:${m.linePos}: ${m.message}\n    ${lines[m.lineNum - 1] ?? ''}`);
  // Also the uncaptured error of the invalid pipeline ends the run; this one says where to look.
  process.stderr.write(`${new EngineError('internal_error', text.join('\n')).message}\n`);
}
