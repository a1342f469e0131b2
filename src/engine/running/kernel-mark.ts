/**
 * Whether the driver's cache has the kernels of a model, and which those are: it cannot be asked, so that their texts are
 * noted down once they are compiled. A start that finds them makes all at once, while it reads the weights. A mark that is
 * wrong costs time at the start and nothing else.
 */
import { resolve } from 'node:path';
import type { EngineConfig } from '../../config.ts';
import type { KernelSource } from '../../gpu/pipelines.ts';
import { KernelNotes } from './kernel-notes.ts';
import type { EnginePlan } from './plan-engine.ts';

export class KernelMark {
  readonly #notes: KernelNotes;

  /** @param adapter its description: driver and compiler with their versions */
  constructor(adapter: string, config: EngineConfig, plan: EnginePlan) {
    this.#notes = new KernelNotes('compiled', [
      ...[adapter, process.env['LP_NATIVE_VECTOR_WIDTH'], process.env['MESA_SHADER_CACHE_DIR']],
      ...[resolve(config.modelDir), config.quant, config.fusion, plan.activations, plan.kvDtype],
      ...[plan.lora?.maxRank, config.deterministic, config.matrixUnits, config.autotune],
    ]);
  }

  get isThere(): boolean {
    return this.#notes.areThere;
  }

  /** None where there is no mark, or none that can be read. */
  kernels(): readonly KernelSource[] {
    return (this.#notes.read() ?? []) as readonly KernelSource[];
  }

  /** Where it cannot be written the next start compiles again in the background. */
  leave(kernels: readonly KernelSource[]): void {
    if (!this.isThere) this.#notes.write(kernels);
  }
}
